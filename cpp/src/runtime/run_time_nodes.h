#ifndef TFTRT_RUNTIME_RUN_TIME_NODES_H_
#define TFTRT_RUNTIME_RUN_TIME_NODES_H_

#include "tensorflow/core/protobuf/meta_graph.pb.h"

namespace tftrt {

// Whether `graph` has nodes that depend on constants alone and are to be computed at run time nevertheless, as
// TensorFlow computes them in the source. The converter marks such nodes.
bool HasRunTimeNodes(const tensorflow::GraphDef& graph);

// Has the optimiser take the floating-point constants that functions capture, eager tensors in the program that saved
// the model, for tensors of unknown values. To TensorFlow's Python they are arguments of the functions, and what it
// computes with them at run time rounds otherwise than what the optimiser folds. Does nothing for models of
// TensorFlow 1.
void HideCapturedConstants(tensorflow::MetaGraphDef& meta_graph);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_RUN_TIME_NODES_H_
