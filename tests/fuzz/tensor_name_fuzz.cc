// Made-up names of tensors: what is taken apart can be written, and is then the same.

#include "input.h"
#include "inspection.h"
#include "runtime/tensor_name.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = Input(data, size).Rest();
  const auto name = tftrt::ParseTensorName(text);
  Expect(name.has_value() == !tftrt::NodeName(text).empty());
  if (!name) return 0;
  Expect(name->control == tftrt::IsControl(text) && name->index >= 0);
  Expect(!name->control || (name->output.empty() && name->index == 0));
  const std::string written = ToString(*name);
  const auto again = tftrt::ParseTensorName(written);
  Expect(again && again->node == name->node && again->output == name->output && again->index == name->index &&
         again->control == name->control && ToString(*again) == written);
  return 0;
}
