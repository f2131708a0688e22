#ifndef TFTRT_KERNELS_INLINED_ENGINE_OP_H_
#define TFTRT_KERNELS_INLINED_ENGINE_OP_H_

namespace tftrt {

// Hands on its first inputs, as many as it has outputs, when all inputs are there. It stands for an engine whose native
// segment became part of the graph, and makes that one step again: no output before the whole segment, nor before what
// the engine waits for; none at all if an input is on a branch that is not taken. TensorFlow's optimiser takes an
// IdentityN apart; of this op it knows nothing. Output and attributes have the names that TRTEngineOp's have.
inline constexpr char kInlinedEngineOp[] = "TftrtInlinedEngine";

}  // namespace tftrt

#endif  // TFTRT_KERNELS_INLINED_ENGINE_OP_H_
