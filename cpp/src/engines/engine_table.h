#ifndef TFTRT_ENGINES_ENGINE_TABLE_H_
#define TFTRT_ENGINES_ENGINE_TABLE_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engines/engine_record.h"
#include "tftrt/options.h"
#include "tftrt/stats.h"

namespace tftrt {

// What happens where an engine's node runs.
enum class EngineMode {
  kRun,      // a request
  kCollect,  // building: run the native segment, and note the shapes
  kBuild,    // building: let TensorFlow's kernel build, or calibrate
};

enum class OnMiss { kNative, kError, kBuild };

// Throws InvalidArgumentError for anything but "native", "error" and "build".
OnMiss ParseOnMiss(const std::string& on_miss);

// What an engine's node saw while shapes were collected.
struct CollectedInputs {
  std::vector<Shape> shapes;
  std::vector<Shape> values;  // of each input that may be a shape (few int32 numbers); else empty
};

// All engines of a loaded model. The kernels of its graph find it by its id, which stands in their nodes. Thread-safe.
class EngineTable {
 public:
  // A new table under a new id. It is found as long as somebody holds it.
  static std::shared_ptr<EngineTable> Create(std::string model_path, OnMiss on_miss, bool warnings);
  // Null if there is none.
  static std::shared_ptr<EngineTable> Find(const std::string& id);

  const std::string& id() const { return id_; }
  const std::string& model_path() const { return model_path_; }
  OnMiss on_miss() const { return on_miss_; }

  // The record of an engine, made when first asked for.
  EngineRecord& Get(const std::string& engine);
  std::vector<EngineRecord*> records() const;

  // The mode and the observer are set while no call is under way.
  EngineMode mode() const { return mode_.load(std::memory_order_acquire); }
  void set_mode(EngineMode mode) { mode_.store(mode, std::memory_order_release); }

  // Writes a line to stderr, the first time only, and not at all without `warnings`.
  void WarnOnce(const std::string& message);

  // Called with an engine's name before it is built, in kBuild mode.
  using BuildObserver = std::function<void(const std::string& engine)>;
  void set_build_observer(BuildObserver observer) { build_observer_ = std::move(observer); }
  void NotifyBuild(const std::string& engine) const {
    if (build_observer_) build_observer_(engine);
  }

  void Collect(const std::string& engine, CollectedInputs inputs);
  // What was collected since the last call, for each engine.
  std::map<std::string, std::vector<CollectedInputs>> TakeCollected();

  std::vector<EngineStats> Snapshot() const;
  // Sets all counts to zero.
  void Reset();

 private:
  EngineTable(std::string id, std::string model_path, OnMiss on_miss, bool warnings);

  const std::string id_;
  const std::string model_path_;
  const OnMiss on_miss_;
  std::atomic<bool> warn_;
  std::atomic<EngineMode> mode_{EngineMode::kRun};
  BuildObserver build_observer_;
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<EngineRecord>> records_;
  std::map<std::string, std::vector<CollectedInputs>> collected_;
};

}  // namespace tftrt

#endif  // TFTRT_ENGINES_ENGINE_TABLE_H_
