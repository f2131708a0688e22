// Made-up manifests beside a SavedModel that is good: read by inspection, and verified by loading.

#include <fstream>
#include <iterator>

#include "input.h"
#include "inspection.h"
#include "model_folder.h"

namespace {

std::string GoodModel() {
  std::ifstream file(TFTRT_TEST_MODELS_DIR "/add/saved_model.pbtxt", std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Expect(!bytes.empty());
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ModelFolder folder;
  static const bool written = (folder.Write("saved_model.pbtxt", GoodModel()), true);
  Expect(written);
  folder.Write("assets.extra/tftrt.json", Input(data, size).Rest());
  tftrt_saved_model* saved = nullptr;
  if (Succeeded(tftrt_inspect_saved_model(folder.path(), nullptr, 0, &saved))) ReadAll(saved);
  tftrt_saved_model_free(saved);
  tftrt_model_options options;
  tftrt_model_options_init(&options, sizeof options);
  options.device = "cpu";
  tftrt_model* model = nullptr;
  Expect(Succeeded(tftrt_model_load(folder.path(), &options, &model)) == (model != nullptr));
  tftrt_model_free(model);
  return 0;
}
