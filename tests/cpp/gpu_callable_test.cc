// TensorFlow's session with inputs and outputs on the fake GPU.

#include "runtime/gpu_callable.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "fake_gpu.h"
#include "google/protobuf/text_format.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

using Floats = std::vector<float>;

// doubled = 2 x, count = n + n (int32), and x itself.
constexpr char kGraph[] = R"(
  node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
  node { name: "n" op: "Placeholder" attr { key: "dtype" value { type: DT_INT32 } } }
  node { name: "doubled" op: "AddV2" input: "x" input: "x" attr { key: "T" value { type: DT_FLOAT } } }
  node { name: "count" op: "AddV2" input: "n" input: "n" attr { key: "T" value { type: DT_INT32 } } }
  node { name: "one" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } }
    attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: 2 } } float_val: 1 } } } })";

class GpuCallableTest : public testing::Test {
 protected:
  GpuCallableTest() {
    tensorflow::GraphDef graph;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kGraph, &graph));
    EXPECT_TRUE(gpu_.session().Create(graph).ok());
    CallableTensors tensors;
    tensors.signature = "serving_default";
    tensors.inputs = {"x:0", "n:0"};
    tensors.copy_input = {false, false};
    tensors.outputs = {"doubled:0", "count:0", "x:0", "doubled:0", "one:0"};
    const CallableDTypes dtypes = {{DType::kFloat32, DType::kInt32},
                                   {DType::kFloat32, DType::kInt32, DType::kFloat32, DType::kFloat32, DType::kFloat32}};
    callable_ = MakeGpuCallable(gpu_.session(), gpu_.device(), tensors, dtypes, nullptr);
  }

  static Tensor Integers(std::int32_t value) { return Tensor::From<std::int32_t>({value, value}, {2}); }
  static Tensor Host(const Floats& x) { return Tensor::From<float>(x, {static_cast<std::int64_t>(x.size())}); }

  Tensor OnGpu(const Tensor& tensor) const { return gpu_.Copy(tensor); }

  static void ExpectRight(const std::vector<Tensor>& outputs, const Floats& x, std::int32_t n) {
    Floats doubled = x;
    for (float& value : doubled) value *= 2;
    EXPECT_EQ(ValuesOn(outputs[0]), doubled);
    EXPECT_EQ(outputs[1].dtype(), DType::kInt32);
    std::vector<std::int32_t> count(2);
    GetCuda().Memcpy(count.data(), outputs[1].data(), 8, kCudaMemcpyDefault);
    EXPECT_EQ(count, (std::vector<std::int32_t>{2 * n, 2 * n}));
    EXPECT_EQ(ValuesOn(outputs[2]), x);
    EXPECT_EQ(ValuesOn(outputs[3]), doubled);
    EXPECT_EQ(ValuesOn(outputs[4]), (Floats{1, 1}));
  }

  FakeGpu gpu_;
  std::unique_ptr<Callable> callable_;
};

TEST_F(GpuCallableTest, TakesAndReturnsTensorsOnEitherSide) {
  std::vector<std::pair<std::vector<Tensor>, float>> kept;
  for (int mask = 0; mask < 4; ++mask) {
    for (const bool on_gpu : {false, true}) {
      const float seed = static_cast<float>(kept.size());
      const Tensor x = (mask & 1) != 0 ? OnGpu(Host({seed, 2, 3})) : Host({seed, 2, 3});
      const Tensor n = (mask & 2) != 0 ? OnGpu(Integers(mask)) : Integers(mask);
      const Tensor* inputs[] = {&x, &n};
      RunTerms terms;
      terms.on_gpu.assign(5, on_gpu);
      std::vector<Tensor> outputs = callable_->Run(inputs, terms);
      for (const Tensor& output : outputs) EXPECT_EQ(output.on_gpu(), on_gpu);
      EXPECT_NE(outputs[0].data(), outputs[3].data()) << "each is the caller's to write to";
      EXPECT_NE(outputs[2].data(), x.data());
      ExpectRight(outputs, {seed, 2, 3}, mask);
      kept.emplace_back(std::move(outputs), seed);
    }
  }
  for (const auto& [outputs, seed] : kept) EXPECT_EQ(ValuesOn(outputs[2]), (Floats{seed, 2, 3}));
}

TEST_F(GpuCallableTest, TakesEmptyTensors) {
  const Tensor x = Tensor::Empty(DType::kFloat32, {0});
  const Tensor n = Integers(1);
  const Tensor* inputs[] = {&x, &n};
  for (const bool on_gpu : {false, true}) {
    RunTerms terms;
    terms.on_gpu.assign(5, on_gpu);
    ExpectRight(callable_->Run(inputs, terms), {}, 1);
  }
}

TEST_F(GpuCallableTest, BindsMemoryOnEitherSide) {
  const GpuDevice& gpu = gpu_.device();
  CudaStream stream = nullptr;
  GetCuda().StreamCreateWithFlags(&stream, kCudaStreamNonBlocking);
  const Shape shape = {3};
  for (const Tensor& x : {gpu.AllocatePinned(DType::kFloat32, shape), Tensor::Empty(DType::kFloat32, shape),
                          gpu.AllocateZeros(DType::kFloat32, shape)}) {
    for (const bool on_gpu : {false, true}) {
      const Tensor n = on_gpu ? OnGpu(Integers(4)) : Integers(4);
      Tensor into = Tensor::Empty(DType::kFloat32, shape);
      std::vector<BoundOutput> bound;
      for (const char* name : {"doubled", "count", "x", "again", "one"}) bound.push_back({name, on_gpu, Tensor()});
      bound[3] = {"again", false, into};
      std::vector<Tensor> outputs(bound.size());
      const std::unique_ptr<Binding> binding = callable_->Bind({x, n}, bound);
      const void* memory = nullptr;
      for (int time = 0; time < 4; ++time) {
        const Floats values = {static_cast<float>(time), 5, 7};
        void* const address = stream;
        const bool ordered = time % 2 == 1;
        if (x.on_gpu()) {
          GetCuda().MemcpyAsync(const_cast<void*>(x.data()), values.data(), x.num_bytes(), kCudaMemcpyHostToDevice,
                                ordered ? stream : kCudaDefaultStream);
        } else {
          std::copy(values.begin(), values.end(), static_cast<float*>(const_cast<void*>(x.data())));
        }
        binding->Run(outputs, ordered ? &address : nullptr);
        if (ordered) GetCuda().StreamSynchronize(stream);
        ExpectRight(outputs, values, 4);
        EXPECT_EQ(ValuesOn(into), ValuesOn(outputs[0]));
        EXPECT_EQ(outputs[0].on_gpu(), on_gpu);
        EXPECT_TRUE(memory == nullptr || memory == outputs[0].data());
        memory = outputs[0].data();
      }
    }
  }
  GetCuda().StreamDestroy(stream);
}

TEST_F(GpuCallableTest, ChecksBoundMemory) {
  const Tensor x = Host({1, 2, 3});
  std::vector<BoundOutput> bound;
  for (const char* name : {"doubled", "count", "x", "again", "one"}) bound.push_back({name, false, Tensor()});
  bound[0].memory = Host({1, 2});
  std::vector<Tensor> outputs(bound.size());
  const std::unique_ptr<Binding> binding = callable_->Bind({x, Integers(1)}, bound);
  EXPECT_THROW(binding->Run(outputs, nullptr), InvalidArgumentError);
  bound[0].memory = Tensor::BorrowGpu(const_cast<void*>(x.data()), DType::kFloat32, {3}, 1, x.owner());
  EXPECT_THROW(callable_->Bind({x, Integers(1)}, bound), UnsupportedError);
}

TEST_F(GpuCallableTest, IsCalledFromManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      for (int call = 0; call < 50; ++call) {
        const Floats values(static_cast<std::size_t>(1 + (t + call) % 5), static_cast<float>(100 * t + call));
        const Tensor x = call % 3 == 0 ? OnGpu(Host(values)) : Host(values);
        const Tensor n = Integers(call);
        const Tensor* inputs[] = {&x, &n};
        RunTerms terms;
        terms.on_gpu.assign(5, call % 2 == 0);
        ExpectRight(callable_->Run(inputs, terms), values, call);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace tftrt
