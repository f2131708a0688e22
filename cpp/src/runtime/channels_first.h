#ifndef TFTRT_RUNTIME_CHANNELS_FIRST_H_
#define TFTRT_RUNTIME_CHANNELS_FIRST_H_

#include "tensorflow/core/framework/graph.pb.h"

namespace tftrt {

// Whether `graph` has an op with channels first that TensorFlow's CPU kernels refuse.
bool HasChannelsFirst(const tensorflow::GraphDef& graph);

// Turns ops with channels first back to channels last, with transposes around each: those that TensorFlow's layout
// optimiser leaves alone, because of their type or because they are in the body of a loop or branch. Where the graph
// has an op that the layout optimiser rewrites wrongly, every op is turned back, so that it finds nothing to do.
void TurnBackChannels(tensorflow::GraphDef& graph);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_CHANNELS_FIRST_H_
