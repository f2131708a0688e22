// Bound calls that an engine runs without TensorFlow's session, on the fake GPU.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "fake_gpu.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

using Floats = std::vector<float>;

BoundOutput Named(const char* name, bool on_gpu = false) { return {name, on_gpu, Tensor()}; }

BoundOutput Into(const char* name, const Tensor& memory) { return {name, memory.on_gpu(), memory}; }

Tensor Pageable(const Shape& shape) { return Tensor::Empty(DType::kFloat32, shape); }

class Bound {
 public:
  Bound(const FakeModel& model, const Tensor& x, std::vector<BoundOutput> bound)
      : outputs(bound.size()), binding_(model.callable().Bind({x}, std::move(bound))) {}

  void Run(void* const* stream = nullptr) { binding_->Run(outputs, stream); }

  std::vector<Tensor> outputs;

 private:
  const std::unique_ptr<Binding> binding_;
};

TEST(DirectBinding, ReadsAndWritesWhereItIsTold) {
  const FakeModel model;
  const GpuDevice& gpu = model.gpu().device();
  const Shape shape = {3, 3};
  const std::vector<Tensor> inputs = {gpu.AllocatePinned(DType::kFloat32, shape), Pageable(shape),
                                      gpu.AllocateZeros(DType::kFloat32, shape)};
  for (const Tensor& input : inputs) {
    for (const bool on_gpu : {false, true}) {
      Bound bound(model, input, {Named("sums", on_gpu), Named("incremented")});
      const void* memory = nullptr;
      for (int time = 0; time < 5; ++time) {
        const Floats x = Numbers(3, static_cast<float>(time));
        if (input.on_gpu()) {
          GetCuda().MemcpyAsync(const_cast<void*>(input.data()), x.data(), input.num_bytes(), kCudaMemcpyHostToDevice,
                                kCudaDefaultStream);
        } else {
          std::copy(x.begin(), x.end(), static_cast<float*>(const_cast<void*>(input.data())));
        }
        bound.Run();
        EXPECT_EQ(ValuesOn(bound.outputs[0]), Sums(x));
        EXPECT_EQ(ValuesOn(bound.outputs[1]), Incremented(x));
        EXPECT_EQ(bound.outputs[0].on_gpu(), on_gpu);
        EXPECT_TRUE(memory == nullptr || memory == bound.outputs[0].data());
        memory = bound.outputs[0].data();
      }
    }
  }
}

TEST(DirectBinding, WritesToTheCallersMemory) {
  const FakeModel model;
  const GpuDevice& gpu = model.gpu().device();
  for (const Tensor& sums :
       {gpu.AllocatePinned(DType::kFloat32, {2}), Pageable({2}), gpu.AllocateZeros(DType::kFloat32, {2})}) {
    const Tensor input = gpu.AllocatePinned(DType::kFloat32, {2, 3});
    Bound bound(model, input, {Into("sums", sums), Named("incremented", true)});
    for (int time = 0; time < 4; ++time) {
      const Floats x = Numbers(2, static_cast<float>(10 * time));
      std::copy(x.begin(), x.end(), static_cast<float*>(const_cast<void*>(input.data())));
      bound.Run();
      EXPECT_EQ(ValuesOn(sums), Sums(x));
      EXPECT_EQ(bound.outputs[0].data(), sums.data());
      EXPECT_EQ(ValuesOn(bound.outputs[1]), Incremented(x));
    }
  }
}

TEST(DirectBinding, ChecksTheCallersMemory) {
  const FakeModel model;
  const Tensor x = Pageable({2, 3});
  const Tensor elsewhere = Tensor::BorrowGpu(const_cast<void*>(x.data()), DType::kFloat32, {2}, 1, x.owner());
  EXPECT_THROW(Bound(model, x, {Into("sums", elsewhere), Named("incremented")}), UnsupportedError);
  Bound bound(model, x, {Into("sums", Pageable({3})), Named("incremented")});
  EXPECT_THROW(bound.Run(), InvalidArgumentError);
}

TEST(DirectBinding, OverwritesGpuOutputsAfterWhatTheDefaultStreamDoesWithThem) {
  const FakeModel model;
  Tensor input = model.gpu().device().AllocatePinned(DType::kFloat32, {1, 3});
  Bound bound(model, input, {Named("sums", true), Named("incremented")});
  Floats before(1);
  for (int time = 0; time < 4; ++time) {
    const Floats x = Numbers(1, static_cast<float>(time));
    std::copy(x.begin(), x.end(), static_cast<float*>(input.data()));
    if (time > 0) {
      GetCuda().MemcpyAsync(before.data(), bound.outputs[0].data(), sizeof(float), kCudaMemcpyDeviceToHost,
                            kCudaDefaultStream);
    }
    bound.Run();
    if (time > 0) {
      GetCuda().StreamSynchronize(kCudaDefaultStream);
      EXPECT_EQ(before, Sums(Numbers(1, static_cast<float>(time - 1))));
    }
  }
}

TEST(DirectBinding, IsOrderedByTheCallersStream) {
  const FakeModel model;
  const GpuDevice& gpu = model.gpu().device();
  CudaStream stream = nullptr;
  GetCuda().StreamCreateWithFlags(&stream, kCudaStreamNonBlocking);
  const Tensor input = gpu.AllocateZeros(DType::kFloat32, {4, 3});
  Bound bound(model, input, {Named("sums", true), Named("incremented", true)});
  for (int time = 0; time < 6; ++time) {
    // Nothing is waited for until the end of the line.
    const Floats x = Numbers(4, static_cast<float>(7 * time));
    GetCuda().MemcpyAsync(const_cast<void*>(input.data()), x.data(), input.num_bytes(), kCudaMemcpyHostToDevice,
                          stream);
    void* const address = stream;
    bound.Run(&address);
    Floats sums(4);
    GetCuda().MemcpyAsync(sums.data(), bound.outputs[0].data(), sums.size() * sizeof(float), kCudaMemcpyDeviceToHost,
                          stream);
    GetCuda().StreamSynchronize(stream);
    EXPECT_EQ(sums, Sums(x));
  }
  GetCuda().StreamDestroy(stream);
}

TEST(DirectBinding, ARunThatNobodyWaitedForEndsBeforeShapesChange) {
  const FakeModel model(CudaGraphs::kOff);
  const GpuDevice& gpu = model.gpu().device();
  CudaStream stream = nullptr;
  GetCuda().StreamCreateWithFlags(&stream, kCudaStreamNonBlocking);
  void* const address = stream;
  const Tensor first = gpu.AllocatePinned(DType::kFloat32, {1, 3});
  const Tensor second = gpu.AllocatePinned(DType::kFloat32, {4, 3});
  const Floats x = Numbers(1, 11);
  std::copy(x.begin(), x.end(), static_cast<float*>(const_cast<void*>(first.data())));
  Bound one(model, first, {Named("sums"), Named("incremented")});
  Bound four(model, second, {Named("sums"), Named("incremented")});
  one.Run(&address);
  four.Run();
  GetCuda().StreamSynchronize(stream);
  EXPECT_EQ(ValuesOn(one.outputs[0]), Sums(x));
  EXPECT_EQ(ValuesOn(four.outputs[0]), Sums(Floats(12)));
  GetCuda().StreamDestroy(stream);
}

TEST(DirectBinding, ChecksReadWhatTheEngineReads) {
  int runs = 0;
  const FakeModel model(CudaGraphs::kAuto, 1, {0, 1}, MakeFakeChecks(&runs));
  const GpuDevice& gpu = model.gpu().device();
  const Shape shape = {3, 3};
  CudaStream stream = nullptr;
  GetCuda().StreamCreateWithFlags(&stream, kCudaStreamNonBlocking);
  void* address = stream;
  for (const Tensor& input :
       {gpu.AllocatePinned(DType::kFloat32, shape), Pageable(shape), gpu.AllocateZeros(DType::kFloat32, shape)}) {
    Bound bound(model, input, {Named("sums"), Named("incremented", true)});
    for (int time = 0; time < 6; ++time) {
      const bool queued = time % 2 == 1;
      const Floats x = Numbers(3, time < 2 ? 1.0F : -static_cast<float>(time % 3));
      if (input.on_gpu()) {
        GetCuda().MemcpyAsync(const_cast<void*>(input.data()), x.data(), input.num_bytes(), kCudaMemcpyHostToDevice,
                              queued ? stream : kCudaDefaultStream);
      } else {
        std::copy(x.begin(), x.end(), static_cast<float*>(const_cast<void*>(input.data())));
      }
      runs = 0;
      if (x.front() < 0) {
        EXPECT_THROW(bound.Run(queued ? &address : nullptr), InvalidArgumentError);
      } else {
        bound.Run(queued ? &address : nullptr);
        GetCuda().StreamSynchronize(stream);
        EXPECT_EQ(ValuesOn(bound.outputs[0]), Sums(x));
        EXPECT_EQ(ValuesOn(bound.outputs[1]), Incremented(x));
      }
      EXPECT_EQ(runs, 1);
    }
  }
  GetCuda().StreamDestroy(stream);
}

TEST(DirectBinding, SeveralShareAnEngineAndItsShapesAlternate) {
  const FakeModel model(CudaGraphs::kAuto, 2);
  std::vector<std::unique_ptr<Bound>> bound;
  std::vector<Tensor> inputs;
  for (std::int64_t rows = 1; rows <= 8; ++rows) {
    inputs.push_back(model.gpu().device().AllocatePinned(DType::kFloat32, {rows, 3}));
    bound.push_back(
        std::make_unique<Bound>(model, inputs.back(), std::vector<BoundOutput>{Named("sums"), Named("incremented")}));
  }
  for (int round = 0; round < 4; ++round) {
    for (std::size_t i = 0; i < bound.size(); ++i) {
      const Floats x = Numbers(static_cast<std::int64_t>(i) + 1, static_cast<float>(round));
      std::copy(x.begin(), x.end(), static_cast<float*>(inputs[i].data()));
      for (int time = 0; time <= round; ++time) bound[i]->Run();
      EXPECT_EQ(ValuesOn(bound[i]->outputs[0]), Sums(x));
    }
  }
}

}  // namespace
}  // namespace tftrt
