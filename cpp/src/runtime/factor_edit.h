#ifndef TFTRT_RUNTIME_FACTOR_EDIT_H_
#define TFTRT_RUNTIME_FACTOR_EDIT_H_

#include "tensorflow/core/framework/graph.pb.h"

namespace tftrt {

// Keeps TensorFlow's optimiser from multiplying a convolution's weights by a factor in front of it, which rounds
// otherwise than the original model, whose weights are variables. The optimiser does that for scalars; they become
// vectors of one element.
void KeepFactors(tensorflow::GraphDef& graph);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_FACTOR_EDIT_H_
