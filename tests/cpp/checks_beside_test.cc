// Checks of inputs that TensorFlow's session runs, beside an engine on the fake GPU.

#include "direct/checks_beside.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fake_gpu.h"
#include "google/protobuf/text_format.h"
#include "runtime/callable.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

// Fails unless all of ids are below 5. Nothing reads x.
constexpr char kGraph[] = R"(
  node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
  node { name: "ids" op: "Placeholder" attr { key: "dtype" value { type: DT_INT32 } } }
  node { name: "limit" op: "Const" attr { key: "dtype" value { type: DT_INT32 } }
    attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape { } int_val: 5 } } } }
  node { name: "axes" op: "Const" attr { key: "dtype" value { type: DT_INT32 } }
    attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 0 } } } }
  node { name: "less" op: "Less" input: "ids" input: "limit" attr { key: "T" value { type: DT_INT32 } } }
  node { name: "all" op: "All" input: "less" input: "axes" attr { key: "Tidx" value { type: DT_INT32 } } }
  node { name: "assert" op: "Assert" input: "all" input: "ids"
    attr { key: "T" value { list { type: DT_INT32 } } } }
  node { name: "effects" op: "NoOp" input: "^assert" })";

class ChecksBesideTest : public testing::Test {
 protected:
  ChecksBesideTest() {
    tensorflow::GraphDef graph;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kGraph, &graph));
    EXPECT_TRUE(gpu_.session().Create(graph).ok());
    CallableTensors tensors;
    tensors.signature = "serving_default";
    tensors.inputs = {"ids:0"};
    tensors.copy_input = {false};
    tensors.targets = {"effects"};
    checks_ = std::make_unique<ChecksBeside>(
        std::vector<std::size_t>{1}, MakeSessionCallable(gpu_.session(), tensors, /*single_threaded=*/true, nullptr));
  }

  void Check(const Tensor& ids) const {
    const Tensor x = Tensor::From<float>({1}, {1});
    const Tensor* inputs[] = {&x, &ids};
    ChecksBeside::Call(*checks_, inputs, kCudaDefaultStream).Run();
  }

  static Tensor Host(std::vector<std::int32_t> ids) {
    const auto size = static_cast<std::int64_t>(ids.size());
    return Tensor::From<std::int32_t>(std::move(ids), {size});
  }

  Tensor OnGpu(const Tensor& tensor) const { return gpu_.Copy(tensor); }

  FakeGpu gpu_;
  std::unique_ptr<ChecksBeside> checks_;
};

TEST_F(ChecksBesideTest, RaisesWhatTensorFlowRaises) {
  for (const bool on_gpu : {false, true}) {
    for (int time = 0; time < 3; ++time) {
      const Tensor right = Host({0, 4});
      const Tensor wrong = Host({1, 7, 2});
      Check(on_gpu ? OnGpu(right) : right);
      try {
        Check(on_gpu ? OnGpu(wrong) : wrong);
        FAIL() << "the check held";
      } catch (const InvalidArgumentError& error) {
        EXPECT_NE(std::string(error.what()).find("serving_default"), std::string::npos) << error.what();
        EXPECT_NE(std::string(error.what()).find("1 7 2"), std::string::npos) << error.what();
      }
    }
  }
}

TEST_F(ChecksBesideTest, RunsInManyThreads) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int time = 0; time < 50; ++time) {
        if ((thread + time) % 2 == 0) {
          Check(Host({thread}));
        } else {
          EXPECT_THROW(Check(Host({9})), InvalidArgumentError);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace tftrt
