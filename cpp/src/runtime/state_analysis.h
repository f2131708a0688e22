#ifndef TFTRT_RUNTIME_STATE_ANALYSIS_H_
#define TFTRT_RUNTIME_STATE_ANALYSIS_H_

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tensorflow/core/framework/graph.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"

namespace tftrt {

// Names of the nodes of a graph, and of the functions in its library.
struct GraphParts {
  std::unordered_set<std::string> nodes;
  std::unordered_set<std::string> functions;
};

// What computing tensors of a graph does besides. The graph must stay as it is.
class StateAnalysis {
 public:
  explicit StateAnalysis(const tensorflow::GraphDef& graph);

  // Everything that computing `outputs` takes, functions that are called included.
  GraphParts PartsOf(const std::vector<std::string>& outputs) const;

  // Whether a part changes what a later call, another op or the world sees. A node that only reads does not.
  bool HasEffects(const GraphParts& parts) const;

  // Whether a part computes something else each time: random numbers.
  bool IsRandom(const GraphParts& parts) const;

 private:
  template <typename Predicate>
  bool Any(const GraphParts& parts, Predicate predicate) const;

  std::unordered_map<std::string, const tensorflow::NodeDef*> nodes_;
  std::unordered_map<std::string, const tensorflow::FunctionDef*> functions_;
};

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_STATE_ANALYSIS_H_
