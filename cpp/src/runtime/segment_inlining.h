#ifndef TFTRT_RUNTIME_SEGMENT_INLINING_H_
#define TFTRT_RUNTIME_SEGMENT_INLINING_H_

#include "tensorflow/core/framework/graph.pb.h"

namespace tftrt {

// Replaces every TRTEngineOp of the graph and its functions by the ops of its native segment, for a place without
// TensorRT. There TensorFlow optimises them together with what is around them.
// Throws UnsupportedError if an engine has no native segment.
void ReplaceEngines(tensorflow::GraphDef& graph);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_SEGMENT_INLINING_H_
