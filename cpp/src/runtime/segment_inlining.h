#ifndef TFTRT_RUNTIME_SEGMENT_INLINING_H_
#define TFTRT_RUNTIME_SEGMENT_INLINING_H_

#include "tensorflow/core/protobuf/meta_graph.pb.h"

namespace tftrt {

// Replaces every TRTEngineOp of the graph and its functions by the ops of its native segment, for a place without
// TensorRT. There TensorFlow optimises them together with the ops around them. In signatures with effects, and in
// graphs with control flow, an engine stays one step: see kInlinedEngineOp. Throws UnsupportedError if an engine has no
// native segment, ModelError if a segment does not fit its engine.
void ReplaceEngines(tensorflow::MetaGraphDef& meta_graph);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_SEGMENT_INLINING_H_
