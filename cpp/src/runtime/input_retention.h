#ifndef TFTRT_RUNTIME_INPUT_RETENTION_H_
#define TFTRT_RUNTIME_INPUT_RETENTION_H_

#include <string>
#include <vector>

#include "tensorflow/core/framework/graph.pb.h"

namespace tftrt {

// For each tensor name in `inputs`: whether the graph may still hold it when a call has returned, because it
// reaches an op that stores what it is given (a variable's assignment, a queue, a table, a cache). Such an input
// must be copied, since the caller will write to its memory again. Errs on the safe side.
std::vector<bool> MayBeRetained(const tensorflow::GraphDef& graph, const std::vector<std::string>& inputs);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_INPUT_RETENTION_H_
