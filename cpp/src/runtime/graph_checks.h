#ifndef TFTRT_RUNTIME_GRAPH_CHECKS_H_
#define TFTRT_RUNTIME_GRAPH_CHECKS_H_

#include "tensorflow/core/framework/graph.pb.h"

namespace tftrt {

// Throws ModelError for damage that TensorFlow does not report but crashes on: nodes without a name, references to
// functions that are not there, constants whose value is not of their dtype.
void RequireSoundGraph(const tensorflow::GraphDef& graph);

// Throws UnsupportedError that names every op that is neither registered in this process nor a function.
// TensorFlow would name one only, and only when the session is made.
void RequireKnownOps(const tensorflow::GraphDef& graph);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_GRAPH_CHECKS_H_
