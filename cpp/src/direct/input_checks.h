#ifndef TFTRT_DIRECT_INPUT_CHECKS_H_
#define TFTRT_DIRECT_INPUT_CHECKS_H_

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/graph.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"

namespace tftrt {

// Checks and prints of a signature's inputs, which its outputs wait for.
struct InputChecks {
  std::set<std::string> nodes;   // that run them
  std::set<std::size_t> inputs;  // that they read: indices into the signature's inputs

  void Add(const InputChecks& others);
};

// Whether the op hands its first input on as it is, if it does not fail.
bool IsPassingCheck(std::string_view op);

// Tells which nodes are checks of inputs.
class InputCheckFinder {
 public:
  // Both must outlive it. `inputs`: the tensors that a signature feeds.
  InputCheckFinder(const tensorflow::GraphDef& graph, const std::vector<std::string>& inputs);

  // `nodes`, and what they read. Nothing if running them runs more than checks, prints and what has no state, or if
  // that is a loop or an engine.
  std::optional<InputChecks> Find(const std::set<std::string>& nodes) const;

  // The names of all nodes that run with `checks`.
  std::set<std::string> NodesOf(const InputChecks& checks) const;

 private:
  bool IsHarmless(const tensorflow::NodeDef& node, std::set<std::string>& functions) const;
  bool IsHarmless(const std::string& function, std::set<std::string>& functions) const;
  // Walks backwards from `names` to the inputs. False, at once, if there is a node that `visit` returns false for, or
  // one that the graph does not have.
  template <typename Visit>
  bool Walk(const std::set<std::string>& names, std::set<std::size_t>& read, const Visit& visit) const;

  const std::vector<std::string>& inputs_;
  std::unordered_map<std::string, const tensorflow::NodeDef*> nodes_;
  std::unordered_map<std::string, const tensorflow::FunctionDef*> functions_;
};

}  // namespace tftrt

#endif  // TFTRT_DIRECT_INPUT_CHECKS_H_
