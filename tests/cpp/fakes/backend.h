#ifndef TFTRT_TESTS_CPP_FAKES_BACKEND_H_
#define TFTRT_TESTS_CPP_FAKES_BACKEND_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "api/backend.h"
#include "tftrt/model.h"

namespace tftrt {

// Stands in for TensorFlow: loads any path without looking at it. The model adds the number that the path ends in, as
// ".../3", to its float32 input "x" of one dimension. Thread-safe, but for what is set before the threads begin.
class FakeBackend {
 public:
  static FakeBackend& Get();

  // Called with the path by each load; fails it by throwing.
  void set_on_load(std::function<void(const std::string&)> on_load);
  void Load(const std::string& path);

  // Called by each run with what its model adds; fails it by throwing.
  std::function<void(float)> on_run;

  // What models that are loaded from now on say of warming, and how often their engines were run by themselves.
  WarmUp warm_up;
  std::atomic<int> warmed_engines{0};

  // How long each run takes.
  std::atomic<std::chrono::microseconds> pause{std::chrono::microseconds(0)};

  std::atomic<int> loads{0};
  std::atomic<int> models{0};  // that are loaded now
  std::atomic<std::uint64_t> runs{0};

 private:
  std::mutex mutex_;
  std::function<void(const std::string&)> on_load_;
};

// What a model of the fake returns for `x`.
float FakeRun(const Model& model, float x);
Model LoadFake(int amount, ModelOptions options = {});
NamedTensors FakeInputs(float x);

}  // namespace tftrt

#endif  // TFTRT_TESTS_CPP_FAKES_BACKEND_H_
