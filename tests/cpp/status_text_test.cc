// What becomes of TensorFlow's messages.

#include "tf/status_text.h"

#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "testing.h"
#include "tf/status.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

TEST(StatusText, NodesKeepTheirNames) {
  EXPECT_EQ(CauseOf("In[0] mismatch\n\t [[{{node f/MatMul}}]]"), "In[0] mismatch");
  EXPECT_EQ(CauseOf("{{function_node __inference_f_7}} {{node f/Add}} bad shape"), "node f/Add bad shape");
  EXPECT_EQ(CauseOf("used by {{node p}} and {{node q}}"), "used by node p and node q");
  EXPECT_EQ(CauseOf("an open {{node x"), "an open {{node x");
  EXPECT_EQ(CauseOf(""), "");
  EXPECT_EQ(CauseOf("Traceback (most recent call last):\n  File \"f.py\", line 2, in f\n    g()"), "g()");
}

TEST(StatusText, FramesAreCutAndTheCauseStays) {
  const std::string session =
      "Graph execution error:\n\nDetected at node 'read' defined at (most recent call last):\n"
      "  File \"/usr/bin/tftrt\", line 8, in <module>\n\n      main()\n"
      "  File \"cli.py\", line 45, in main\n\nCould not find variable dense/kernel.\n\t [[{{node read}}]]\n\n"
      "Original stack trace for 'read':\n  File \"a.py\", line 1, in <module>\n    load()\n";
  EXPECT_EQ(CauseOf(session), "Could not find variable dense/kernel.");
  const std::string python =
      "ValueError: no\nTraceback (most recent call last):\n\n  File \"f.py\", line 2, in f\n    raise ValueError\n"
      "    ^^^^^^^^^^^^^^^^\n\nValueError: no\n\n\n\t [[{{node PyFunc}}]]";
  EXPECT_EQ(CauseOf(python), "ValueError: no");
  const std::string graph =
      "in user code:\n\n    File \"m.py\", line 5, in f  *\n        return g(x)\n\n    TypeError: not a tensor\n";
  EXPECT_EQ(CauseOf(graph), "    TypeError: not a tensor");
  EXPECT_EQ(CauseOf("two\n  lines"), "two\n  lines");
  EXPECT_EQ(CauseOf("x differs at\n[[0]]\n\t [[a/Assert]]"), "x differs at\n[[0]]");
}

TEST(StatusText, AMissingKernelIsNoDamage) {
  const absl::Status status = absl::InvalidArgumentError(
      "No OpKernel was registered to support Op 'EagerPyFunc' used by {{node p}} with these attrs: [token=\"x\"]\n"
      "Registered devices: [CPU]\n\t [[{{node p}}]]");
  for (const auto& raise : {ThrowIfError, ThrowIfLoadError}) {
    const std::string message = MessageOf<UnsupportedError>([&] { raise(status, "loading"); });
    ExpectContains(message, "the op EagerPyFunc has no kernel that runs here: it calls a Python function");
    ExpectContains(message, "used by node p");
    EXPECT_EQ(message.find("Registered"), std::string::npos) << message;
  }
  ExpectContains(ExplainMissingKernel("CudnnRNN"), "needs a GPU");
  ExpectContains(ExplainMissingKernel("MatMul"), "other types");
  ExpectContains(ExplainMissingKernel("TftrtUnknown"), "op_libraries");
  const absl::Status damaged = absl::InvalidArgumentError("NodeDef mentions attr 'x'");
  ExpectContains(MessageOf<ModelError>([&] { ThrowIfLoadError(damaged, "loading"); }), "damaged");
}

}  // namespace
}  // namespace tftrt
