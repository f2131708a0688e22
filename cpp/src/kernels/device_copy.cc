#include "kernels/device_copy.h"

#include "tensorflow/core/framework/device.h"

namespace tftrt {

using tensorflow::OpKernelContext;

absl::Status CopyToHost(OpKernelContext* context, const tensorflow::Tensor& on_device, tensorflow::Tensor* on_host) {
  tensorflow::AllocatorAttributes attributes;
  attributes.set_on_host(true);
  attributes.set_gpu_compatible(true);
  TF_RETURN_IF_ERROR(context->allocate_temp(on_device.dtype(), on_device.shape(), on_host, attributes));
  if (on_device.NumElements() == 0) return absl::OkStatus();
  auto* device = static_cast<tensorflow::Device*>(context->device());
  return context->op_device_context()->CopyDeviceTensorToCPUSync(&on_device, "", device, on_host);
}

absl::Status CopyToDevice(OpKernelContext* context, const tensorflow::Tensor& on_host, tensorflow::Tensor* on_device) {
  if (on_host.NumElements() == 0) return absl::OkStatus();
  auto* device = static_cast<tensorflow::Device*>(context->device());
  return context->op_device_context()->CopyCPUTensorToDeviceSync(&on_host, device, on_device);
}

}  // namespace tftrt
