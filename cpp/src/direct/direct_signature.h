#ifndef TFTRT_DIRECT_DIRECT_SIGNATURE_H_
#define TFTRT_DIRECT_DIRECT_SIGNATURE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "direct/shaped_execution.h"
#include "runtime/signatures.h"
#include "tensorflow/core/framework/graph.pb.h"

namespace tftrt {

// A signature that is one engine and nothing else: its inputs are the engine's, its outputs come from it.
struct DirectSignature {
  std::string engine;  // as EngineName
  bool implicit_batch = false;
  std::vector<std::size_t> inputs;   // of each of the engine's inputs, the index into the signature's
  std::vector<std::size_t> outputs;  // of each of the signature's outputs, the index into the engine's
  std::vector<DType> output_dtypes;  // of the signature's outputs
  EngineTypes types;
};

// Nothing if `signature` is more than that, returns an output twice, has dtypes that engines do not have, or shares the
// engine with another part of the graph. `graph` as it was edited for the session.
std::optional<DirectSignature> FindDirectSignature(const tensorflow::GraphDef& graph, const BoundSignature& signature);

}  // namespace tftrt

#endif  // TFTRT_DIRECT_DIRECT_SIGNATURE_H_
