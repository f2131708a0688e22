#ifndef TFTRT_DIRECT_DIRECT_SIGNATURE_H_
#define TFTRT_DIRECT_DIRECT_SIGNATURE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "direct/input_checks.h"
#include "direct/shaped_execution.h"
#include "runtime/signatures.h"
#include "tensorflow/core/framework/graph.pb.h"

namespace tftrt {

// A signature that is one engine, and checks of its inputs at most: its inputs are the engine's, its outputs come from
// it.
struct DirectSignature {
  std::string node;    // of the engine
  std::string engine;  // as EngineName
  bool implicit_batch = false;
  std::vector<std::size_t> inputs;   // of each of the engine's inputs, the index into the signature's
  std::vector<std::size_t> outputs;  // of each of the signature's outputs, the index into the engine's
  std::vector<DType> output_dtypes;  // of the signature's outputs
  std::vector<InputChecks> checks;   // of each of the signature's outputs
  EngineTypes types;
};

// For each of `signatures`, nothing if it is more than that, has dtypes that engines do not have, or shares its engine
// with what is not one of these: an execution context has one user. `graph` as it was edited for the session.
std::vector<std::optional<DirectSignature>> FindDirectSignatures(const tensorflow::GraphDef& graph,
                                                                 const std::vector<BoundSignature>& signatures);

// Puts the checks of these signatures on the host, where they run beside the engines. `direct` as it was found for
// `signatures`.
void PlaceChecksOnHost(const std::vector<std::optional<DirectSignature>>& direct,
                       const std::vector<BoundSignature>& signatures, tensorflow::GraphDef& graph);

}  // namespace tftrt

#endif  // TFTRT_DIRECT_DIRECT_SIGNATURE_H_
