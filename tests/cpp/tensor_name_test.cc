// The names that graphs and functions have for tensors.

#include "runtime/tensor_name.h"

#include <gtest/gtest.h>

#include <string>

namespace tftrt {
namespace {

bool operator==(const TensorName& a, const TensorName& b) {
  return a.node == b.node && a.output == b.output && a.index == b.index && a.control == b.control;
}

TEST(TensorName, EveryFormIsTakenApart) {
  const struct {
    const char* text;
    TensorName name;
  } cases[] = {
      {"node", {"node", "", 0, false}},
      {"scope/node:0", {"scope/node", "", 0, false}},
      {"node:12", {"node", "", 12, false}},
      {"^scope/node", {"scope/node", "", 0, true}},
      {"node:output:3", {"node", "output", 3, false}},
      {"node:output", {"node", "output", 0, false}},
      {"_tf.keras-1>2\\x/y:0", {"_tf.keras-1>2\\x/y", "", 0, false}},
      {"node:2147483647", {"node", "", 2147483647, false}},
  };
  for (const auto& one : cases) {
    const auto parsed = ParseTensorName(one.text);
    ASSERT_TRUE(parsed) << one.text;
    EXPECT_TRUE(*parsed == one.name) << one.text;
    const std::string written = ToString(*parsed);
    const auto again = ParseTensorName(written);
    ASSERT_TRUE(again) << written;
    EXPECT_TRUE(*again == one.name) << written;
    EXPECT_EQ(NodeName(one.text), one.name.node);
    EXPECT_EQ(IsControl(one.text), one.name.control);
  }
}

TEST(TensorName, AnythingElseIsRefused) {
  for (const char* text :
       {"", "^", ":", ":0", "^:0", "^^node", "^node:0", "node:", "node::", "node::0", "node:0:", "node:0:0",
        "node:o:", "node:o:x", "node:o:0:0", "node:-1", "node:o:-1", "node:2147483648", "node:99999999999999999999"}) {
    const bool is_output_name = std::string(text) == "node:-1";  // which no op has, but which is none of these faults
    EXPECT_EQ(ParseTensorName(text).has_value(), is_output_name) << text;
    EXPECT_EQ(NodeName(text).empty(), !is_output_name) << text;
  }
}

TEST(TensorName, TheShortestTextIsWritten) {
  EXPECT_EQ(ToString({"node", "", 0, false}), "node");
  EXPECT_EQ(ToString({"node", "", 2, false}), "node:2");
  EXPECT_EQ(ToString({"node", "", 0, true}), "^node");
  EXPECT_EQ(ToString({"node", "y", 0, false}), "node:y:0");
}

}  // namespace
}  // namespace tftrt
