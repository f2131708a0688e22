#ifndef TFTRT_RUNTIME_BATCH_SHAPES_H_
#define TFTRT_RUNTIME_BATCH_SHAPES_H_

#include <string>

#include "runtime/signatures.h"
#include "tensorflow/core/framework/graph.pb.h"

namespace tftrt {

// Why calls of the signature must not share runs, as far as the graph tells: it has effects, makes random numbers, or
// has an output whose shape for two numbers of rows shows that it is not made row by row. Empty if nothing is known
// against it.
std::string ObstacleToSharing(const tensorflow::GraphDef& graph, const BoundSignature& signature);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_BATCH_SHAPES_H_
