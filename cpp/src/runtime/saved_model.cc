#include "runtime/saved_model.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "google/protobuf/io/zero_copy_stream_impl.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/text_format.h"
#include "runtime/read_file.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

namespace fs = std::filesystem;

std::string Join(const std::vector<std::string>& tags) {
  std::string text = "{";
  for (const std::string& tag : tags) text += (text.size() == 1 ? "\"" : ", \"") + tag + "\"";
  return text + "}";
}

bool Parse(const fs::path& file, bool text, tensorflow::SavedModel* saved_model) {
  std::ifstream stream = OpenFile(file);
  const google::protobuf::LogSilencer silencer;
  google::protobuf::io::IstreamInputStream input(&stream, 1 << 20);
  const bool parsed =
      text ? google::protobuf::TextFormat::Parse(&input, saved_model) : saved_model->ParseFromZeroCopyStream(&input);
  CheckRead(stream, file);
  return parsed;
}

}  // namespace

tensorflow::SavedModel ReadSavedModel(const std::string& path) {
  const fs::path directory(path);
  if (!Exists(directory)) {
    throw ModelError("there is no \"" + path + "\"; expected the folder of a SavedModel");
  }
  if (!IsDirectory(directory)) {
    throw ModelError(
        "\"" + path + "\" is a file; expected the folder of a SavedModel" +
        (directory.filename() == "saved_model.pb" ? ": pass \"" + directory.parent_path().string() + "\"" : ""));
  }
  fs::path file = directory / "saved_model.pb";
  bool text = false;
  if (!IsFile(file)) {
    file = directory / "saved_model.pbtxt";
    text = true;
    if (!IsFile(file)) {
      throw ModelError("\"" + path +
                       "\" holds no saved_model.pb: it is not a SavedModel. Export one with tf.saved_model.save, "
                       "or Keras' model.export");
    }
  }
  tensorflow::SavedModel saved_model;
  if (!Parse(file, text, &saved_model)) {
    throw ModelError(file.string() + " (" + std::to_string(SizeOf(file)) +
                     " bytes) is not a readable SavedModel: it is truncated or damaged; copy or export it again");
  }
  if (saved_model.meta_graphs().empty()) {
    throw ModelError(file.string() + " (" + std::to_string(SizeOf(file)) +
                     " bytes) holds no graph: it is empty or damaged; copy or export it again");
  }
  return saved_model;
}

void RequireVariables(const tensorflow::MetaGraphDef& meta_graph, const std::string& path) {
  if (meta_graph.saver_def().restore_op_name().empty()) return;
  const auto& nodes = meta_graph.graph_def().node();
  const bool any = std::any_of(nodes.begin(), nodes.end(), [](const auto& node) {
    return node.op() == "VarHandleOp" || node.op() == "VariableV2" || node.op() == "Variable";
  });
  const fs::path index = fs::path(path) / "variables" / "variables.index";
  if (any && !IsFile(index)) {
    throw ModelError("there is no " + index.string() +
                     ", but the model has variables; copy the whole folder, or export it again");
  }
}

bool IsMarkedAsConverted(const tensorflow::MetaGraphDef& meta_graph) {
  return meta_graph.collection_def().count(kConvertedCollection) != 0;
}

std::vector<std::vector<std::string>> TagSets(const tensorflow::SavedModel& saved_model) {
  std::vector<std::vector<std::string>> sets;
  for (const auto& meta_graph : saved_model.meta_graphs()) {
    const auto& tags = meta_graph.meta_info_def().tags();
    sets.emplace_back(tags.begin(), tags.end());
  }
  return sets;
}

tensorflow::MetaGraphDef& FindMetaGraph(tensorflow::SavedModel& saved_model, const std::vector<std::string>& tags,
                                        const std::string& path) {
  const std::set<std::string> wanted(tags.begin(), tags.end());
  std::string found;
  for (auto& meta_graph : *saved_model.mutable_meta_graphs()) {
    const auto& own = meta_graph.meta_info_def().tags();
    if (std::set<std::string>(own.begin(), own.end()) == wanted) return meta_graph;
    found += (found.empty() ? "" : ", ") + Join({own.begin(), own.end()});
  }
  throw InvalidArgumentError("the SavedModel \"" + path + "\" has no graph with the tag set " + Join(tags) +
                             "; it has " + (found.empty() ? "no graph at all" : found));
}

}  // namespace tftrt
