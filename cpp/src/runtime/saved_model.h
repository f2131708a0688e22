#ifndef TFTRT_RUNTIME_SAVED_MODEL_H_
#define TFTRT_RUNTIME_SAVED_MODEL_H_

#include <string>
#include <vector>

#include "tensorflow/core/protobuf/saved_model.pb.h"

namespace tftrt {

// Parses saved_model.pb (or saved_model.pbtxt) of folder `path`. Throws ModelError.
tensorflow::SavedModel ReadSavedModel(const std::string& path);

// The MetaGraphDef with exactly these tags. Throws InvalidArgumentError that lists the tag sets there are.
tensorflow::MetaGraphDef& FindMetaGraph(tensorflow::SavedModel& saved_model, const std::vector<std::string>& tags,
                                        const std::string& path);

// Throws ModelError if the graph has variables to restore and the checkpoint's index is not there: TensorFlow would
// leave them without values.
void RequireVariables(const tensorflow::MetaGraphDef& meta_graph, const std::string& path);

// The collection that marks a graph as written by tftrt's converter: a list of one number, the format of the mark. What
// TensorFlow does not know there it leaves alone.
inline constexpr char kConvertedCollection[] = "tftrt_converted";

bool IsMarkedAsConverted(const tensorflow::MetaGraphDef& meta_graph);

// Tag sets of all MetaGraphDefs.
std::vector<std::vector<std::string>> TagSets(const tensorflow::SavedModel& saved_model);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_SAVED_MODEL_H_
