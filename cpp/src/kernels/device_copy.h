#ifndef TFTRT_KERNELS_DEVICE_COPY_H_
#define TFTRT_KERNELS_DEVICE_COPY_H_

#include "tensorflow/core/framework/op_kernel.h"

namespace tftrt {

// Copies between the device that an op runs on and the host, and waits for it. For the few int32 that describe shapes.
absl::Status CopyToHost(tensorflow::OpKernelContext* context, const tensorflow::Tensor& on_device,
                        tensorflow::Tensor* on_host);
absl::Status CopyToDevice(tensorflow::OpKernelContext* context, const tensorflow::Tensor& on_host,
                          tensorflow::Tensor* on_device);

}  // namespace tftrt

#endif  // TFTRT_KERNELS_DEVICE_COPY_H_
