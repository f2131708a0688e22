#ifndef TFTRT_RUNTIME_SESSION_START_H_
#define TFTRT_RUNTIME_SESSION_START_H_

#include <memory>
#include <string>
#include <vector>

#include "tensorflow/core/protobuf/meta_graph.pb.h"
#include "tensorflow/core/public/session.h"
#include "tensorflow/core/public/session_options.h"

namespace tftrt {

// Loads custom ops. Throws InvalidArgumentError for what is not a library with ops.
void LoadOpLibraries(const std::vector<std::string>& paths);

// Makes a session with the graph of the model at `path`, not yet initialised.
std::unique_ptr<tensorflow::Session> StartSession(const tensorflow::SessionOptions& options,
                                                  const tensorflow::MetaGraphDef& meta_graph, const std::string& path);

// Restores variables and runs the initialisers.
void InitialiseSession(const tensorflow::MetaGraphDef& meta_graph, const std::string& path,
                       std::unique_ptr<tensorflow::Session>& session);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_SESSION_START_H_
