// Graphs and signatures that contradict themselves: an error on load or on the call, never a crash or a hang.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>

#include "models.h"
#include "testing.h"
#include "tftrt/error.h"
#include "tftrt/model.h"

namespace tftrt {
namespace {

struct Damage {
  const char* name;
  const char* model;
  const char* part;
  const char* replacement;
};

void PrintTo(const Damage& damage, std::ostream* stream) { *stream << damage.part << " -> " << damage.replacement; }

// The SavedModel of `damage` with the first occurrence of its part replaced.
void WriteDamaged(const Damage& damage, const std::filesystem::path& folder) {
  std::ifstream file(ModelPath(damage.model) + "/saved_model.pbtxt");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t position = text.find(damage.part);
  ASSERT_NE(position, std::string::npos) << damage.part;
  text.replace(position, std::string(damage.part).size(), damage.replacement);
  std::ofstream(folder / "saved_model.pbtxt") << text;
}

class DamagedModel : public testing::TestWithParam<Damage> {
 protected:
  void SetUp() override { WriteDamaged(GetParam(), folder_.path()); }
  Model Load() const { return Model::Load(folder_.path()); }

 private:
  const TemporaryFolder folder_;
};

std::string NameOf(const testing::TestParamInfo<Damage>& info) { return info.param.name; }

class DamagedGraph : public DamagedModel {};

TEST_P(DamagedGraph, IsAModelErrorOnLoad) {
  ExpectContains(MessageOf<ModelError>([&] { static_cast<void>(Load()); }), " again");
}

INSTANTIATE_TEST_SUITE_P(
    All, DamagedGraph,
    testing::Values(Damage{"OutputOfNoNode", "add", "name: \"y:0\"", "name: \"none:0\""},
                    Damage{"OutputIndexTooLarge", "add", "name: \"y:0\"", "name: \"y:7\""},
                    Damage{"OutputIndexNegative", "add", "name: \"y:0\"", "name: \"y:-1\""},
                    Damage{"OutputIndexHuge", "add", "name: \"y:0\"", "name: \"y:99999999999999999999\""},
                    Damage{"OutputIsAControlEdge", "add", "name: \"y:0\"", "name: \"^y\""},
                    Damage{"OutputWithoutName", "add", "name: \"y:0\"", "name: \":0\""},
                    Damage{"InputOfNoNode", "add", "name: \"x:0\"", "name: \"none:0\""},
                    Damage{"NodeTwice", "add", "name: \"one\"", "name: \"x\""},
                    Damage{"EdgeToNoNode", "add", "input: \"one\"", "input: \"none\""},
                    Damage{"EdgeToItself", "add", "input: \"one\"", "input: \"y\""},
                    Damage{"EdgeMissing", "add", "input: \"one\"", ""},
                    Damage{"EdgeOfAnotherType", "add", "dtype: DT_FLOAT tensor_shape { } float_val: 1",
                           "dtype: DT_INT32 tensor_shape { } int_val: 1"},
                    Damage{"AttributeMissing", "add", "attr { key: \"dtype\" value { type: DT_FLOAT } }", ""},
                    Damage{"ConstantTooShort", "add", "tensor_shape { } float_val: 1",
                           "tensor_shape { dim { size: 1000 } } tensor_content: \"abcd\""},
                    Damage{"ConstantOfNegativeShape", "add", "tensor_shape { } float_val: 1",
                           "tensor_shape { dim { size: -5 } } float_val: 1"},
                    Damage{"SegmentMissing", "engine", "func { name: \"TRTEngineOp_000_000_native_segment\" }",
                           "func { name: \"none\" }"},
                    Damage{"SegmentWithoutItsResult", "engine", "value: \"product:z:0\"", "value: \"none:z:0\""}),
    NameOf);

class LyingSignature : public DamagedModel {};

TEST_P(LyingSignature, IsAnErrorOnTheCall) {
  const Model model = Load();
  const TensorSpec& x = model.inputs().at(0);
  EXPECT_THROW(model.Run({{x.name, Tensor::Empty(x.dtype, x.shape)}}), Error);
}

INSTANTIATE_TEST_SUITE_P(
    All, LyingSignature,
    testing::Values(Damage{"DType", "add", "name: \"x:0\" dtype: DT_FLOAT", "name: \"x:0\" dtype: DT_INT32"},
                    Damage{"Strings", "add", "name: \"x:0\" dtype: DT_FLOAT", "name: \"x:0\" dtype: DT_STRING"}),
    NameOf);

}  // namespace
}  // namespace tftrt
