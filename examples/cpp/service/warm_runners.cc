#include "warm_runners.h"

#include <tftrt/error.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

namespace service {
namespace {

// A GPU's kernels are captured as a graph by the second run.
constexpr int kRuns = 2;

tftrt::Runner Warm(const tftrt::Model& model, const Shapes& shapes) {
  tftrt::Runner runner = Bind(model, shapes);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    tftrt::Tensor input = runner.input(i);
    if (input.num_bytes() > 0) std::memset(input.data(), 0, input.num_bytes());
  }
  for (int i = 0; i < kRuns; ++i) runner.Run();
  return runner;
}

}  // namespace

tftrt::Runner Bind(const tftrt::Model& model, const Shapes& shapes) {
  tftrt::NamedShapes named;
  for (std::size_t i = 0; i < shapes.size(); ++i) named.emplace_back(model.inputs()[i].name, shapes[i]);
  return model.Bind(named);
}

void WarmRunners::Remember(const Shapes& shapes) {
  const std::lock_guard lock(mutex_);
  if (!shapes_.empty() && shapes_.back() == shapes) return;
  const auto known = std::find(shapes_.begin(), shapes_.end(), shapes);
  if (known != shapes_.end()) {
    shapes_.erase(known);
  } else if (shapes_.size() >= kMostShapes) {
    shapes_.pop_front();
  }
  shapes_.push_back(shapes);
}

void WarmRunners::Forget(const Shapes& shapes) {
  const std::lock_guard lock(mutex_);
  shapes_.erase(std::remove(shapes_.begin(), shapes_.end(), shapes), shapes_.end());
}

void WarmRunners::Prepare(const tftrt::Model& model) {
  std::unique_lock lock(mutex_);
  const std::deque<Shapes> remembered = shapes_;
  lock.unlock();

  std::vector<Runners> sets(static_cast<std::size_t>(workers_));
  for (const Shapes& shapes : remembered) {
    try {
      for (Runners& set : sets) set.emplace(shapes, Warm(model, shapes));
    } catch (const tftrt::InvalidArgumentError&) {
      // The client is told, if it asks for it again.
      for (Runners& set : sets) set.erase(shapes);
    } catch (const std::exception&) {
      // There may be memory without it when the version is tried again.
      Forget(shapes);
      throw;
    }
  }

  lock.lock();
  prepared_for_ = &model.info();
  std::swap(prepared_, sets);
}

Runners WarmRunners::Take(const tftrt::Model& model) {
  const std::lock_guard lock(mutex_);
  if (prepared_for_ != &model.info() || prepared_.empty()) return {};
  Runners runners = std::move(prepared_.back());
  prepared_.pop_back();
  return runners;
}

}  // namespace service
