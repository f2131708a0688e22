#include "engines/engine_record.h"

#include <utility>

namespace tftrt {
namespace {

constexpr double kSecondsPerNanosecond = 1e-9;

void Add(const RunCounts& part, RunCounts& sum) {
  sum.engine_runs += part.engine_runs;
  sum.native_runs += part.native_runs;
  sum.refused += part.refused;
  sum.builds += part.builds;
  sum.engine_seconds += part.engine_seconds;
  sum.native_seconds += part.native_seconds;
  sum.build_seconds += part.build_seconds;
}

}  // namespace

ShapeStats ShapeRecord::Snapshot() const {
  const auto count = [](const Counter& counter) { return counter.load(std::memory_order_relaxed); };
  const auto seconds = [&](const Counter& counter) {
    return static_cast<double>(count(counter)) * kSecondsPerNanosecond;
  };
  ShapeStats stats;
  stats.shapes = key_.shapes();
  stats.engine_runs = count(engine_runs_);
  stats.native_runs = count(native_runs_);
  stats.refused = count(refused_);
  stats.builds = count(builds_);
  stats.engine_seconds = seconds(engine_ns_);
  stats.native_seconds = seconds(native_ns_);
  stats.build_seconds = seconds(build_ns_);
  return stats;
}

void ShapeRecord::Reset() {
  for (Counter* counter : {&engine_runs_, &native_runs_, &refused_, &builds_, &engine_ns_, &native_ns_, &build_ns_}) {
    counter->store(0, std::memory_order_relaxed);
  }
}

EnginePlans EngineRecord::plans() const {
  const std::lock_guard lock(mutex_);
  return plans_;
}

bool EngineRecord::HasPlans() const {
  const std::lock_guard lock(mutex_);
  return !plans_.empty();
}

void EngineRecord::SetPlans(EnginePlans plans) {
  const std::lock_guard lock(mutex_);
  plans_ = std::move(plans);
  reads_values_.store(!plans_.shape_inputs.empty(), std::memory_order_release);
  for (Link& link : links_) link.record.set_has_engine(plans_.Accept(link.record.key().shapes()));
}

ShapeRecord& EngineRecord::Find(const ShapeKey& key) {
  for (Link* link = newest_.load(std::memory_order_acquire); link != nullptr; link = link->next) {
    if (link->record.key() == key) return link->record;
  }
  const std::lock_guard lock(mutex_);
  for (Link& link : links_) {
    if (link.record.key() == key) return link.record;
  }
  if (links_.size() >= kMostShapes) return others_;
  Link& link = links_.emplace_back(key, newest_.load(std::memory_order_relaxed));
  link.record.set_has_engine(plans_.Accept(key.shapes()));
  newest_.store(&link, std::memory_order_release);
  return link.record;
}

bool EngineRecord::HasEngine(const ShapeRecord& record, const ShapeKey& key) const {
  if (!IsShared(record)) return record.has_engine();
  const std::lock_guard lock(mutex_);
  return plans_.Accept(key.shapes());
}

EngineStats EngineRecord::Snapshot() const {
  const std::lock_guard lock(mutex_);
  EngineStats stats;
  stats.name = name_;
  stats.inlined = inlined_;
  for (const EnginePlans::ProfileWithValues& profile : plans_.profiles) stats.profiles.push_back(profile.shapes);
  stats.static_shapes = plans_.static_shapes;
  const auto add = [&](const ShapeRecord& record) {
    ShapeStats shape = record.Snapshot();
    if (shape.engine_runs + shape.native_runs + shape.refused + shape.builds == 0) return;
    Add(shape, stats);
    stats.shapes.push_back(std::move(shape));
  };
  for (const Link& link : links_) add(link.record);
  add(others_);
  return stats;
}

void EngineRecord::Reset() {
  const std::lock_guard lock(mutex_);
  for (Link& link : links_) link.record.Reset();
  others_.Reset();
}

}  // namespace tftrt
