// What the graph alone says against sharing runs.

#include "runtime/batch_shapes.h"

#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/text_format.h"

namespace tftrt {
namespace {

constexpr char kInput[] = R"(node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } }
    attr { key: "shape" value { shape { dim { size: -1 } dim { size: 4 } } } } } )";
constexpr char kFloat[] = R"( attr { key: "T" value { type: DT_FLOAT } } )";

std::string Obstacle(const std::string& nodes, bool known_rank = true) {
  tensorflow::GraphDef graph;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kInput + nodes, &graph)) << nodes;
  BoundSignature signature;
  TensorSpec input, output;
  input.name = "x";
  input.dtype = DType::kFloat32;
  input.known_rank = known_rank;
  if (known_rank) input.shape = {-1, 4};
  output.name = "y";
  signature.spec.inputs = {input};
  signature.spec.outputs = {output};
  signature.input_tensors = {"x:0"};
  signature.output_tensors = {"y:0"};
  return ObstacleToSharing(graph, signature);
}

TEST(BatchShapes, RowWiseGraphsHaveNoObstacle) {
  EXPECT_EQ(Obstacle(R"(node { name: "y" op: "Relu" input: "x")" + std::string(kFloat) + "}"), "");
  // What shapes cannot tell, runs do.
  EXPECT_EQ(Obstacle(R"(node { name: "y" op: "Relu" input: "x")" + std::string(kFloat) + "}", false), "");
}

TEST(BatchShapes, ShapesThatGrowOtherwiseAreAnObstacle) {
  const std::string gram =
      R"(node { name: "y" op: "MatMul" input: "x" input: "x" attr { key: "transpose_b" value { b: true } })" +
      std::string(kFloat) + "}";
  EXPECT_EQ(Obstacle(gram), "output \"y\" has the shape [1009, 1009] for 1009 rows");
  const std::string sum = R"(
    node { name: "axis" op: "Const" attr { key: "dtype" value { type: DT_INT32 } }
      attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape {} int_val: 0 } } } }
    node { name: "y" op: "Sum" input: "x" input: "axis" attr { key: "Tidx" value { type: DT_INT32 } })" +
                          std::string(kFloat) + "}";
  EXPECT_EQ(Obstacle(sum), "output \"y\" has the shape [4] for 1009 rows");
}

TEST(BatchShapes, EffectsAndRandomNumbersAreAnObstacle) {
  EXPECT_EQ(
      Obstacle(R"(node { name: "p" op: "PrintV2" input: "x" } node { name: "y" op: "Relu" input: "x" input: "^p")" +
               std::string(kFloat) + "}"),
      "its calls have effects");
  EXPECT_EQ(Obstacle(R"(node { name: "y" op: "RandomUniform" input: "x" })"), "its results are random");
}

}  // namespace
}  // namespace tftrt
