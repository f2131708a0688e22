#ifndef TFTRT_RUNTIME_EXTREMES_EDIT_H_
#define TFTRT_RUNTIME_EXTREMES_EDIT_H_

#include "tensorflow/core/protobuf/meta_graph.pb.h"

namespace tftrt {

// Keeps the results of ArgMax and ArgMin from depending on the outputs that are asked for. TensorFlow's optimiser takes
// argmax(x) for argmax(relu(x)) where nothing else reads relu(x), and so finds another one of equal elements. Where
// something else reads it in the model, the two are held apart.
void KeepExtremes(tensorflow::MetaGraphDef& meta_graph);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_EXTREMES_EDIT_H_
