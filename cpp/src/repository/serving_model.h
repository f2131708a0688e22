#ifndef TFTRT_REPOSITORY_SERVING_MODEL_H_
#define TFTRT_REPOSITORY_SERVING_MODEL_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include "tftrt/model_repository.h"

namespace tftrt {

// The model that serves, read by every request and replaced now and then. Readers lock one of many mutexes, threads
// that run at the same time mostly different ones, so that none waits for another; the writer locks them all.
// Thread-safe.
class ServingModel {
 public:
  ServingModel() = default;
  ServingModel(const ServingModel&) = delete;
  ServingModel& operator=(const ServingModel&) = delete;

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
  static constexpr std::size_t kMutexes = 32;
  struct alignas(64) Padded {  // a cache line
    std::mutex mutex;
  };

  void LockAll();
  void UnlockAll();

  mutable std::array<Padded, kMutexes> mutexes_;
  std::optional<VersionedModel> current_;
  std::atomic<std::int64_t> version_{-1};
  std::atomic<bool> closed_{false};
};

}  // namespace tftrt

#endif  // TFTRT_REPOSITORY_SERVING_MODEL_H_
