#ifndef TFTRT_ENGINES_ENGINE_RECORD_H_
#define TFTRT_ENGINES_ENGINE_RECORD_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engines/engine_plans.h"
#include "engines/engine_replay.h"
#include "engines/shape_key.h"
#include "tftrt/stats.h"

namespace tftrt {

// What happened with inputs of certain shapes. Written by any number of threads.
class ShapeRecord {
 public:
  explicit ShapeRecord(const ShapeKey& key) : key_(key) {}

  const ShapeKey& key() const { return key_; }

  // Whether an engine takes these shapes (the values of shape inputs aside).
  bool has_engine() const { return has_engine_.load(std::memory_order_acquire); }
  void set_has_engine(bool value) { has_engine_.store(value, std::memory_order_release); }

  // A build for these shapes failed and is not tried again.
  bool build_failed() const { return build_failed_.load(std::memory_order_relaxed); }
  void set_build_failed() { build_failed_.store(true, std::memory_order_relaxed); }

  void CountEngineRun(std::int64_t nanoseconds) { Count(engine_runs_, engine_ns_, nanoseconds); }
  void CountNativeRun(std::int64_t nanoseconds) { Count(native_runs_, native_ns_, nanoseconds); }
  void CountBuild(std::int64_t nanoseconds) { Count(builds_, build_ns_, nanoseconds); }
  void CountRefusal() { refused_.fetch_add(1, std::memory_order_relaxed); }

  ShapeStats Snapshot() const;
  void Reset();

 private:
  using Counter = std::atomic<std::uint64_t>;

  static void Count(Counter& runs, Counter& time, std::int64_t nanoseconds) {
    runs.fetch_add(1, std::memory_order_relaxed);
    time.fetch_add(static_cast<std::uint64_t>(nanoseconds), std::memory_order_relaxed);
  }

  const ShapeKey key_;
  std::atomic<bool> has_engine_{false};
  std::atomic<bool> build_failed_{false};
  Counter engine_runs_{0}, native_runs_{0}, refused_{0}, builds_{0};
  Counter engine_ns_{0}, native_ns_{0}, build_ns_{0};
};

// One engine of a loaded model, shared by all kernels that stand for its node. Thread-safe.
class EngineRecord {
 public:
  // Records beyond this many shapes share one.
  static constexpr std::size_t kMostShapes = 256;

  explicit EngineRecord(std::string name) : name_(std::move(name)), others_(ShapeKey()) {}

  const std::string& name() const { return name_; }

  // One at a time through TensorFlow's kernel, whatever kernel instance it is called through: it keeps the values of
  // shape inputs, and the engines themselves, in a resource that it does not lock.
  std::mutex& delegate_mutex() { return delegate_mutex_; }

  EnginePlans plans() const;
  // Also decides anew for all known shapes.
  void SetPlans(EnginePlans plans);
  bool HasPlans() const;

  // What runs its engines in the place of TensorFlow's kernel, if anything does. Set while no call is under way; used
  // with delegate_mutex() held.
  EngineReplay* replay() const { return replay_.get(); }
  void set_replay(std::unique_ptr<EngineReplay> replay) { replay_ = std::move(replay); }

  // The record of inputs with these shapes. In the steady state takes no lock.
  ShapeRecord& Find(const ShapeKey& key);

  // Whether Find returns this one for many shapes.
  bool IsShared(const ShapeRecord& record) const { return &record == &others_; }

  // In explicit-batch mode a build that failed is not tried for another shape: TF-TRT keeps its profiles.
  bool build_failed() const { return build_failed_.load(std::memory_order_relaxed); }
  void set_build_failed() { build_failed_.store(true, std::memory_order_relaxed); }

  // Whether `key` has an engine where Find returned the record that many shapes share.
  bool HasEngine(const ShapeRecord& record, const ShapeKey& key) const;

  // Whether engines also depend on the values of inputs: EnginePlans::shape_inputs.
  bool reads_values() const { return reads_values_.load(std::memory_order_acquire); }

  void set_inlined() { inlined_ = true; }
  bool inlined() const { return inlined_; }

  // Shapes that nothing was counted for are left out.
  EngineStats Snapshot() const;
  void Reset();

 private:
  struct Link {
    Link(const ShapeKey& key, Link* after) : record(key), next(after) {}
    ShapeRecord record;
    Link* const next;
  };

  const std::string name_;
  bool inlined_ = false;
  std::atomic<bool> reads_values_{false};
  std::atomic<bool> build_failed_{false};
  std::mutex delegate_mutex_;
  std::unique_ptr<EngineReplay> replay_;
  mutable std::mutex mutex_;  // of plans_ and links_
  EnginePlans plans_;
  std::deque<Link> links_;
  std::atomic<Link*> newest_{nullptr};
  ShapeRecord others_;
};

}  // namespace tftrt

#endif  // TFTRT_ENGINES_ENGINE_RECORD_H_
