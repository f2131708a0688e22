#ifndef TFTRT_TESTS_CPP_FAKE_GPU_H_
#define TFTRT_TESTS_CPP_FAKE_GPU_H_

#include <functional>
#include <memory>
#include <vector>

#include "direct/direct_callable.h"
#include "direct/engine_instance.h"
#include "engines/engine_source.h"
#include "tensorflow/core/public/session.h"
#include "tf/gpu_device.h"

namespace tftrt {

// fakes/fake_cuda.h, opened at run time as libcudart.so.12 is.
struct FakeCuda {
  void (*Launch)(void* stream, std::function<void()> kernel);
  void (*MakeEager)(void* stream);
  void (*Hold)(bool held);
  int (*GraphLaunches)();
  int (*Objects)();
  void (*RefuseCaptures)(bool refuse);
};
const FakeCuda& GetFakeCuda();

// A GPU on the CPU: TensorFlow's CPU device, and a stream in which work is done at once, as its kernels' is.
class FakeGpu {
 public:
  FakeGpu();
  ~FakeGpu();

  const GpuDevice& device() const { return *device_; }
  tensorflow::Session& session() const { return *session_; }

  // A copy in GPU memory, made through the default stream, with nothing waited for.
  Tensor Copy(const Tensor& tensor) const;

 private:
  std::unique_ptr<tensorflow::Session> session_;
  CudaStream stream_ = nullptr;
  std::unique_ptr<GpuDevice> device_;
};

// Inputs: x, float [n, 3]. Outputs: the doubled sum of each row, [n], and x + 1, [n, 3]. It has one profile for n from
// 1 to 4, and one from 5 to 8.
std::unique_ptr<const EngineSource> MakeFakeSource();
EngineTypes FakeTypes();

// The values of a row-major tensor, and what the engine makes of them.
std::vector<float> Numbers(std::int64_t rows, float seed);
std::vector<float> Sums(const std::vector<float>& x);
std::vector<float> Incremented(const std::vector<float>& x);

// That engine as a model's, with what a signature needs of it: input x, outputs "sums" and "incremented".
class FakeModel {
 public:
  explicit FakeModel(CudaGraphs cuda_graphs = CudaGraphs::kAuto, int instances = 1,
                     std::vector<std::size_t> outputs = {0, 1}, std::unique_ptr<ChecksBeside> checks = nullptr);

  const FakeGpu& gpu() const { return gpu_; }
  const Callable& callable() const { return *callable_; }
  DirectEngine& engine() { return *engine_; }
  EngineRecord& record() { return record_; }

  // On the host, where TensorFlow or a caller has it.
  static Tensor Host(const std::vector<float>& x);
  // In GPU memory, through the default stream, with nothing waited for.
  Tensor OnGpu(const std::vector<float>& x) const;

  std::vector<Tensor> Run(const Tensor& x, const RunTerms& terms = {}) const;

 private:
  FakeGpu gpu_;
  EngineRecord record_;
  std::shared_ptr<DirectEngine> engine_;
  std::unique_ptr<Callable> callable_;
};

std::vector<float> ValuesOn(const Tensor& tensor);

// A check of x: fails with InvalidArgumentError if a value is negative. `runs` counts its runs.
std::unique_ptr<ChecksBeside> MakeFakeChecks(int* runs);

}  // namespace tftrt

#endif  // TFTRT_TESTS_CPP_FAKE_GPU_H_
