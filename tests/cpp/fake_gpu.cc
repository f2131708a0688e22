#include "fake_gpu.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "gpu/transfer.h"
#include "tf/gpu_device.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

constexpr std::int64_t kColumns = 3;
constexpr std::int64_t kRowsOfProfile = 4;

template <typename Function>
void Find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr) std::abort();
}

bool IsAlignedTo(std::uintptr_t bytes, const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) % bytes == 0;
}

class FakeExecution final : public EngineExecution {
 public:
  // `workspace`: the one that was used last, of all contexts that use the same.
  FakeExecution(const EngineSlot& slot, std::shared_ptr<std::atomic<void*>> workspace)
      : slot_(slot), workspace_(std::move(workspace)) {}

  const EngineSlot& slot() const override { return slot_; }
  std::size_t workspace_bytes() const override { return slot_.profile == 0 ? 4096 : 16384; }

  std::vector<tensorflow::TensorShape> SetInputs(const std::vector<tensorflow::Tensor>& inputs) override {
    rows_ = inputs.at(0).dim_size(0);
    return {tensorflow::TensorShape({rows_}), inputs[0].shape()};
  }

  void Enqueue(void* workspace, const std::vector<void*>& inputs, const std::vector<void*>& outputs,
               CudaStream stream) override {
    EXPECT_TRUE(IsAlignedTo(512, workspace) && IsAlignedTo(256, inputs[0]));
    EXPECT_TRUE(IsAlignedTo(256, outputs[0]) && IsAlignedTo(256, outputs[1]));
    const auto* x = static_cast<const float*>(inputs[0]);
    auto* sums = static_cast<float*>(outputs[0]);
    auto* incremented = static_cast<float*>(outputs[1]);
    *workspace_ = workspace;
    GetFakeCuda().Launch(stream, [rows = rows_, last = workspace_, workspace, x, sums, incremented] {
      EXPECT_EQ(workspace, last->load()) << "a graph has one that was given back";
      const std::vector<float> in(x, x + rows * kColumns);
      const std::vector<float> all = Sums(in);
      std::copy(all.begin(), all.end(), sums);
      const std::vector<float> more = Incremented(in);
      std::copy(more.begin(), more.end(), incremented);
    });
  }

 private:
  const EngineSlot slot_;
  const std::shared_ptr<std::atomic<void*>> workspace_;
  std::int64_t rows_ = 0;
};

class FakeSource final : public EngineSource {
 public:
  std::optional<EngineSlot> Slot(const std::vector<Shape>& shapes) const override {
    const std::int64_t rows = shapes.at(0).at(0);
    if (rows < 1 || rows > 2 * kRowsOfProfile) return std::nullopt;
    return EngineSlot{nullptr, rows <= kRowsOfProfile ? 0 : 1};
  }
  std::unique_ptr<EngineExecution> Execution(const EngineSlot& slot) const override {
    return std::make_unique<FakeExecution>(slot, workspace_);
  }

 private:
  const std::shared_ptr<std::atomic<void*>> workspace_ = std::make_shared<std::atomic<void*>>();
};

// For what the engine does not take: says so.
class NoEngine final : public Callable {
 public:
  std::vector<Tensor> Run(const Tensor* const*, const RunTerms&) const override { throw UnsupportedError("no engine"); }
  std::unique_ptr<Binding> Bind(std::vector<Tensor>, std::vector<BoundOutput>) const override {
    throw UnsupportedError("no engine");
  }
  Tensor MakeInput(DType, const Shape&, bool) const override { throw UnsupportedError("no engine"); }
};

class NoNegatives final : public Callable {
 public:
  explicit NoNegatives(int* runs) : runs_(runs) {}

  std::vector<Tensor> Run(const Tensor* const* inputs, const RunTerms&) const override {
    ++*runs_;
    const auto* values = static_cast<const float*>(inputs[0]->data());
    if (std::any_of(values, values + inputs[0]->num_elements(), [](float value) { return value < 0; })) {
      throw InvalidArgumentError("a value is negative");
    }
    return {};
  }
  std::unique_ptr<Binding> Bind(std::vector<Tensor>, std::vector<BoundOutput>) const override { std::abort(); }
  Tensor MakeInput(DType, const Shape&, bool) const override { std::abort(); }

 private:
  int* const runs_;
};

EnginePlans FakePlans() {
  EnginePlans plans;
  for (const std::int64_t first : {std::int64_t{1}, kRowsOfProfile + 1}) {
    EnginePlans::ProfileWithValues& profile = plans.profiles.emplace_back();
    const Shape max = {first + kRowsOfProfile - 1, kColumns};
    profile.shapes = {{{first, kColumns}}, {max}, {max}};
    profile.min_values.resize(1);
    profile.max_values.resize(1);
  }
  return plans;
}

}  // namespace

const FakeCuda& GetFakeCuda() {
  static const FakeCuda fake = [] {
    void* library = dlopen(TFTRT_TEST_FAKE_CUDA, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) std::abort();
    FakeCuda functions;
    Find(library, "FakeCudaLaunch", functions.Launch);
    Find(library, "FakeCudaMakeEager", functions.MakeEager);
    Find(library, "FakeCudaHold", functions.Hold);
    Find(library, "FakeCudaGraphLaunches", functions.GraphLaunches);
    Find(library, "FakeCudaObjects", functions.Objects);
    Find(library, "FakeCudaRefuseCaptures", functions.RefuseCaptures);
    return functions;
  }();
  return fake;
}

FakeGpu::FakeGpu() : session_(tensorflow::NewSession({})) {
  GetFakeCuda();
  GetCuda().StreamCreateWithFlags(&stream_, kCudaStreamNonBlocking);
  GetFakeCuda().MakeEager(stream_);
  tensorflow::Device& device = FindDevice(*session_, "/job:localhost/replica:0/task:0/device:CPU:0");
  device_ = std::make_unique<GpuDevice>(device, /*index=*/0, stream_);
}

FakeGpu::~FakeGpu() { GetCuda().StreamDestroy(stream_); }

std::unique_ptr<const EngineSource> MakeFakeSource() { return std::make_unique<FakeSource>(); }

EngineTypes FakeTypes() { return {{tensorflow::DT_FLOAT}, {tensorflow::DT_FLOAT, tensorflow::DT_FLOAT}}; }

std::vector<float> Numbers(std::int64_t rows, float seed) {
  std::vector<float> numbers;
  for (std::int64_t i = 0; i < rows * kColumns; ++i) numbers.push_back(seed + static_cast<float>(i % 17));
  return numbers;
}

std::vector<float> Sums(const std::vector<float>& x) {
  std::vector<float> sums;
  for (std::size_t i = 0; i < x.size(); i += kColumns) sums.push_back(2 * (x[i] + x[i + 1] + x[i + 2]));
  return sums;
}

std::vector<float> Incremented(const std::vector<float>& x) {
  std::vector<float> more = x;
  for (float& value : more) value += 1;
  return more;
}

FakeModel::FakeModel(CudaGraphs cuda_graphs, int instances, std::vector<std::size_t> outputs,
                     std::unique_ptr<ChecksBeside> checks)
    : record_("fake") {
  record_.SetPlans(FakePlans());
  std::vector<std::unique_ptr<EngineInstance>> lent;
  for (int i = 0; i < instances; ++i) {
    lent.push_back(std::make_unique<EngineInstance>(gpu_.device(), MakeFakeSource(), FakeTypes(),
                                                    EngineInstance::Options{cuda_graphs, nullptr}));
  }
  DirectSignature signature;
  signature.inputs = {0};
  signature.outputs = {0, 1};
  signature.output_dtypes = {DType::kFloat32, DType::kFloat32};
  signature.types = FakeTypes();
  engine_ = std::make_shared<DirectEngine>(gpu_.device(), record_, std::move(lent));
  callable_ = MakeDirectCallable(engine_, signature, outputs, std::make_unique<NoEngine>(), std::move(checks));
}

Tensor FakeModel::Host(const std::vector<float>& x) {
  return Tensor::From<float>(x, {static_cast<std::int64_t>(x.size()) / kColumns, kColumns});
}

Tensor FakeGpu::Copy(const Tensor& tensor) const {
  Tensor copy = device().AllocateZeros(tensor.dtype(), tensor.shape());
  GetCuda().MemcpyAsync(copy.data(), tensor.data(), tensor.num_bytes(), kCudaMemcpyHostToDevice, kCudaDefaultStream);
  return copy;
}

Tensor FakeModel::OnGpu(const std::vector<float>& x) const { return gpu_.Copy(Host(x)); }

std::vector<Tensor> FakeModel::Run(const Tensor& x, const RunTerms& terms) const {
  const Tensor* inputs[] = {&x};
  return callable_->Run(inputs, terms);
}

std::vector<float> ValuesOn(const Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.num_elements()));
  CopyElements(tensor, values.data());
  return values;
}

std::unique_ptr<ChecksBeside> MakeFakeChecks(int* runs) {
  return std::make_unique<ChecksBeside>(std::vector<std::size_t>{0}, std::make_unique<NoNegatives>(runs));
}

}  // namespace tftrt
