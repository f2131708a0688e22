#ifndef TFTRT_KERNELS_TF_TRT_OPS_H_
#define TFTRT_KERNELS_TF_TRT_OPS_H_

#include <vector>

#include "tensorflow/core/framework/op_def.pb.h"

namespace tftrt {

// TF-TRT's ops, as TensorFlow 2.17 defines them.
std::vector<tensorflow::OpDef> TfTrtOps();

// Registers those that TensorFlow lacks: all of them, if it was built for CPUs alone, and converted models run on it as
// their native segments. Does nothing to an op that TensorFlow has.
void RegisterMissingTfTrtOps();

}  // namespace tftrt

#endif  // TFTRT_KERNELS_TF_TRT_OPS_H_
