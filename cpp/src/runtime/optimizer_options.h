#ifndef TFTRT_RUNTIME_OPTIMIZER_OPTIONS_H_
#define TFTRT_RUNTIME_OPTIMIZER_OPTIONS_H_

#include <vector>

#include "runtime/graph_edits.h"
#include "runtime/signatures.h"
#include "tensorflow/core/protobuf/config.pb.h"
#include "tensorflow/core/protobuf/meta_graph.pb.h"

namespace tftrt {

// How TensorFlow's graph optimisers shall treat an edited graph: Grappler, and those that each session has.
// `converted` is whether tftrt's converter wrote it.
tensorflow::GraphOptions MakeGraphOptions(const tensorflow::GraphDef& graph,
                                          const std::vector<BoundSignature>& signatures, const Placement& placement,
                                          bool converted);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_OPTIMIZER_OPTIONS_H_
