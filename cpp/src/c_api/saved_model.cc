#include <string>
#include <vector>

#include "c_api/arguments.h"
#include "c_api/spec.h"
#include "c_api/status.h"
#include "c_api/versioned_struct.h"
#include "tftrt/model.h"

struct tftrt_saved_model {
  explicit tftrt_saved_model(tftrt::SavedModelInfo read);
  tftrt_saved_model(const tftrt_saved_model&) = delete;
  tftrt_saved_model& operator=(const tftrt_saved_model&) = delete;

  const tftrt::SavedModelInfo info;
  // Arrays as C reads them.
  const std::vector<const char*> tags;
  std::vector<std::vector<const char*>> tag_sets;
};

using namespace tftrt::c_api;

tftrt_saved_model::tftrt_saved_model(tftrt::SavedModelInfo read) : info(std::move(read)), tags(Pointers(info.tags)) {
  for (const std::vector<std::string>& set : info.tag_sets) tag_sets.push_back(Pointers(set));
}

tftrt_status* tftrt_inspect_saved_model(const char* path, const char* const* tags, size_t num_tags,
                                        tftrt_saved_model** saved_model) {
  return Guard([&] {
    RequireHandle(saved_model, "saved_model");
    Require(path, "path");
    const bool defaults = tags == nullptr && num_tags == 0;
    *saved_model = new tftrt_saved_model(defaults ? tftrt::InspectSavedModel(path)
                                                  : tftrt::InspectSavedModel(path, Texts(tags, num_tags, "tags")));
  });
}

tftrt_status* tftrt_saved_model_get_info(const tftrt_saved_model* saved_model, tftrt_saved_model_info* info) {
  return Guard([&] {
    Require(saved_model, "saved_model");
    Require(info, "info");
    tftrt_saved_model_info value = {};
    value.tags = saved_model->tags.data();
    value.num_tags = saved_model->tags.size();
    value.num_tag_sets = saved_model->tag_sets.size();
    value.num_signatures = saved_model->info.signatures.size();
    value.num_ops = saved_model->info.ops.size();
    value.manifest = saved_model->info.manifest.c_str();
    WriteStruct(info, "tftrt_saved_model_info", value);
  });
}

tftrt_status* tftrt_saved_model_get_tag_set(const tftrt_saved_model* saved_model, size_t index,
                                            const char* const** tags, size_t* num_tags) {
  return Guard([&] {
    Clear(tags, num_tags);
    Require(saved_model, "saved_model");
    Require(tags, "tags");
    Require(num_tags, "num_tags");
    const std::vector<const char*>& set = At(saved_model->tag_sets, index, "tag set");
    *tags = set.data();
    *num_tags = set.size();
  });
}

tftrt_status* tftrt_saved_model_get_signature(const tftrt_saved_model* saved_model, size_t index,
                                              tftrt_signature_info* info) {
  return Guard([&] {
    Require(saved_model, "saved_model");
    Require(info, "info");
    const tftrt::SignatureSpec& found = At(saved_model->info.signatures, index, "signature");
    tftrt_signature_info value = {};
    value.name = found.name.c_str();
    value.num_inputs = found.inputs.size();
    value.num_outputs = found.outputs.size();
    value.unsupported = found.unsupported.c_str();
    value.num_unavailable = found.unavailable.size();
    WriteStruct(info, "tftrt_signature_info", value);
  });
}

tftrt_status* tftrt_saved_model_get_input(const tftrt_saved_model* saved_model, size_t signature, size_t index,
                                          tftrt_tensor_spec* spec) {
  return Guard([&] {
    Require(saved_model, "saved_model");
    GetSpec(At(saved_model->info.signatures, signature, "signature").inputs, index, "input", spec);
  });
}

tftrt_status* tftrt_saved_model_get_output(const tftrt_saved_model* saved_model, size_t signature, size_t index,
                                           tftrt_tensor_spec* spec) {
  return Guard([&] {
    Require(saved_model, "saved_model");
    GetSpec(At(saved_model->info.signatures, signature, "signature").outputs, index, "output", spec);
  });
}

tftrt_status* tftrt_saved_model_get_unavailable(const tftrt_saved_model* saved_model, size_t signature, size_t index,
                                                const char** name, const char** reason) {
  return Guard([&] {
    Clear(name, reason);
    Require(saved_model, "saved_model");
    Require(name, "name");
    Require(reason, "reason");
    const tftrt::SignatureSpec& spec = At(saved_model->info.signatures, signature, "signature");
    const auto& found = At(spec.unavailable, index, "unavailable output");
    *name = found.first.c_str();
    *reason = found.second.c_str();
  });
}

tftrt_status* tftrt_saved_model_get_op(const tftrt_saved_model* saved_model, size_t index, const char** type,
                                       int64_t* count) {
  return Guard([&] {
    Clear(type, count);
    Require(saved_model, "saved_model");
    Require(type, "type");
    Require(count, "count");
    const auto& op = At(saved_model->info.ops, index, "op");
    *type = op.first.c_str();
    *count = op.second;
  });
}

void tftrt_saved_model_free(tftrt_saved_model* saved_model) { delete saved_model; }
