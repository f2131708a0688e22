#ifndef TFTRT_RUNTIME_CAPTURED_VARIABLES_H_
#define TFTRT_RUNTIME_CAPTURED_VARIABLES_H_

#include <string>
#include <vector>

#include "tensorflow/core/protobuf/meta_graph.pb.h"
#include "tensorflow/core/public/session.h"

namespace tftrt {

// Has the graph's restore op restore the variables that its functions capture, at `path`'s checkpoint. In a SavedModel
// that tf.saved_model.save wrote of Keras 3 objects, each variable has two handles: functions capture one, and the
// restore op assigns the other, as TensorFlow's Python goes by the object graph. That names the checkpoint's key of
// each captured variable. A handle that nothing captures is not restored any more.
//
// Does nothing where the restore op assigns all that is captured. Throws ModelError for a checkpoint that is damaged.
void RestoreCapturedVariables(const std::string& path, tensorflow::MetaGraphDef& meta_graph);

// Adds to the graph what RequireCapturedVariables runs.
void AddVariableChecks(tensorflow::MetaGraphDef& meta_graph);

// Throws ModelError with the name of a variable that the graph only reads and that has no value, now that the session
// is restored and initialised: a call would fail for it.
void RequireCapturedVariables(const tensorflow::MetaGraphDef& meta_graph, const std::string& path,
                              tensorflow::Session& session);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_CAPTURED_VARIABLES_H_
