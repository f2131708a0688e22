// Inspects made-up SavedModels: a manifest of as many bytes as the first byte says times 16 (none for 0), and the rest
// as saved_model.pb. Nothing is loaded: what TensorFlow does with a hostile graph is TensorFlow's.

#include "input.h"
#include "inspection.h"
#include "model_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ModelFolder folder;
  Input input(data, size);
  const std::string manifest = input.Text(16 * std::size_t{input.Byte()});
  folder.Remove("assets.extra/tftrt.json");
  if (!manifest.empty()) folder.Write("assets.extra/tftrt.json", manifest);
  folder.Write("saved_model.pb", input.Rest());
  tftrt_saved_model* saved = nullptr;
  const bool read = Succeeded(tftrt_inspect_saved_model(folder.path(), nullptr, 0, &saved));
  Expect(read == (saved != nullptr));
  if (read) ReadAll(saved);
  tftrt_saved_model_free(saved);
  return 0;
}
