#include "runtime/session_start.h"

#include "runtime/float_mode.h"
#include "tensorflow/c/c_api.h"
#include "tensorflow/cc/saved_model/loader.h"
#include "tf/status.h"
#include "tftrt/error.h"

namespace tftrt {

void LoadOpLibraries(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    // Not Env's, which lets an op that is registered twice end the process.
    const std::unique_ptr<TF_Status, decltype(&TF_DeleteStatus)> status(TF_NewStatus(), TF_DeleteStatus);
    const std::unique_ptr<TF_Library, decltype(&TF_DeleteLibraryHandle)> library(
        TF_LoadLibrary(path.c_str(), status.get()), TF_DeleteLibraryHandle);
    if (TF_GetCode(status.get()) != TF_OK) {
      throw InvalidArgumentError("cannot load the op library \"" + path + "\": " + TF_Message(status.get()) +
                                 ". It must be built against TensorFlow's C++ headers and libraries of this version");
    }
  }
}

std::unique_ptr<tensorflow::Session> StartSession(const tensorflow::SessionOptions& options,
                                                  const tensorflow::MetaGraphDef& meta_graph, const std::string& path) {
  std::unique_ptr<tensorflow::Session> session;
  ThrowIfLoadError(tensorflow::LoadMetagraphIntoSession(options, meta_graph, &session),
                   "loading the graph of \"" + path + "\"");
  return session;
}

void InitialiseSession(const tensorflow::MetaGraphDef& meta_graph, const std::string& path,
                       std::unique_ptr<tensorflow::Session>& session) {
  // The single-threaded executor runs initialisers in this thread.
  const TensorFlowFloatMode mode;
  ThrowIfLoadError(tensorflow::RestoreSession(tensorflow::RunOptions(), meta_graph, path, &session),
                   "restoring the variables and running the initialisers of \"" + path + "\"");
}

}  // namespace tftrt
