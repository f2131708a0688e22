#include "kernels/engine_op.h"

namespace tftrt {
namespace {

REGISTER_KERNEL_BUILDER(Name("TRTEngineOp").Device(tensorflow::DEVICE_GPU).Label(kEngineOpLabel), EngineOp);

}  // namespace
}  // namespace tftrt
