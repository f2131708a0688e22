// The ops that a TensorFlow without TF-TRT is given are those that TensorFlow has.

#include "kernels/tf_trt_ops.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_def_util.h"

namespace tftrt {
namespace {

TEST(TfTrtOps, AreTensorFlowsOwn) {
  std::set<std::string> names;
  for (const tensorflow::OpDef& op : TfTrtOps()) {
    const tensorflow::OpDef* registered = nullptr;
    ASSERT_TRUE(tensorflow::OpRegistry::Global()->LookUpOpDef(op.name(), &registered).ok()) << op.name();
    tensorflow::OpDef described = *registered;
    tensorflow::RemoveDescriptionsFromOpDef(&described);
    EXPECT_TRUE(tensorflow::OpDefEqual(op, described)) << op.DebugString() << described.DebugString();
    names.insert(op.name());
  }
  EXPECT_EQ(names, (std::set<std::string>{"CreateTRTResourceHandle", "GetCalibrationDataOp", "InitializeTRTResource",
                                          "SerializeTRTResource", "TRTEngineOp"}));
}

TEST(TfTrtOps, AreLeftAsTheyAreWhereTensorFlowHasThem) {
  const tensorflow::OpDef* before = nullptr;
  ASSERT_TRUE(tensorflow::OpRegistry::Global()->LookUpOpDef("TRTEngineOp", &before).ok());
  RegisterMissingTfTrtOps();
  const tensorflow::OpDef* after = nullptr;
  ASSERT_TRUE(tensorflow::OpRegistry::Global()->LookUpOpDef("TRTEngineOp", &after).ok());
  EXPECT_EQ(before, after);
}

}  // namespace
}  // namespace tftrt
