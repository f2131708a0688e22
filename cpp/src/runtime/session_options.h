#ifndef TFTRT_RUNTIME_SESSION_OPTIONS_H_
#define TFTRT_RUNTIME_SESSION_OPTIONS_H_

#include "api/backend.h"
#include "runtime/graph_edits.h"
#include "tensorflow/core/protobuf/config.pb.h"
#include "tensorflow/core/public/session_options.h"
#include "tftrt/options.h"

namespace tftrt {

// Where ModelOptions::device leads on this machine. Throws InvalidArgumentError for a malformed name and
// IncompatibleError for a GPU that is not there.
Placement ResolveDevice(const std::string& device);

tensorflow::SessionOptions MakeSessionOptions(const ModelOptions& options, const ResolvedRuntimeOptions& runtime,
                                              const Placement& placement, bool single_threaded,
                                              const tensorflow::GraphOptions& graph);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_SESSION_OPTIONS_H_
