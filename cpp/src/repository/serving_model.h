#ifndef TFTRT_REPOSITORY_SERVING_MODEL_H_
#define TFTRT_REPOSITORY_SERVING_MODEL_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "tftrt/model_repository.h"

namespace tftrt {

// The model that serves, read by every request and replaced now and then. Readers never wait: they count themselves
// while they copy it, threads that run at the same time mostly in different cache lines. Whoever replaces it waits for
// those that may still be copying the old one. Thread-safe.
class ServingModel {
 public:
  ServingModel() = default;
  ServingModel(const ServingModel&) = delete;
  ServingModel& operator=(const ServingModel&) = delete;
  ~ServingModel();

  // Nothing after Close, and before the first Switch.
  std::optional<VersionedModel> Get() const;

  // Exchanges what serves for `next`, which has the one before it then; does nothing after Close. Returns whether it
  // did.
  bool Switch(std::optional<VersionedModel>& next);

  // Lets go of what serves.
  void Close();
  // Close without a lock, for a forked child, where nobody may be left to unlock it: nothing serves from now on.
  void TurnAway() { closed_.store(true, std::memory_order_release); }
  bool closed() const { return closed_.load(std::memory_order_acquire); }

  // Of the last Switch; -1 before the first.
  std::int64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  static constexpr std::size_t kCounters = 32;
  // Readers at work that began in an even and in an odd period.
  struct alignas(64) Readers {
    std::array<std::atomic<std::uint32_t>, 2> in_period{};
  };

  // Returns the one before when no reader has it.
  std::unique_ptr<const VersionedModel> Replace(std::unique_ptr<const VersionedModel> next);

  mutable std::array<Readers, kCounters> readers_;
  std::atomic<std::uint32_t> period_{0};
  std::atomic<const VersionedModel*> current_{nullptr};  // owned
  std::atomic<std::int64_t> version_{-1};
  std::atomic<bool> closed_{false};
  std::mutex replace_mutex_;
};

}  // namespace tftrt

#endif  // TFTRT_REPOSITORY_SERVING_MODEL_H_
