#include "repository/version_table.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace tftrt {
namespace {

// Doubles from attempt to attempt, so that a large model does not spend the machine on loading.
std::chrono::duration<double> PauseAfter(int passing_errors, double load_seconds) {
  constexpr double kLeast = 1;
  constexpr double kMost = 600;
  const int doublings = std::min(passing_errors - 1, 10);
  return std::chrono::duration<double>(std::min(std::max(kLeast, load_seconds) * (1 << doublings), kMost));
}

}  // namespace

void VersionTable::Enter(Entry& entry, VersionState state) {
  entry.status.state = state;
  entry.status.since = std::chrono::system_clock::now();
}

void VersionTable::Update(const std::vector<VersionFolder>& folders) {
  const std::lock_guard lock(mutex_);
  for (auto& [version, entry] : entries_) entry.status.present = false;
  for (const VersionFolder& folder : folders) {
    const auto [position, is_new] = entries_.try_emplace(folder.version);
    Entry& entry = position->second;
    if (is_new) Enter(entry, VersionState::kAvailable);
    entry.status.version = folder.version;
    entry.status.path = folder.path;
    entry.status.present = true;
  }
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const VersionStatus& status = entry->second.status;
    const bool stays = status.present || status.state == VersionState::kServing;
    entry = stays ? std::next(entry) : entries_.erase(entry);
  }
}

void VersionTable::Load(std::int64_t version) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.at(version);
  entry.status.error.clear();
  Enter(entry, VersionState::kLoading);
}

void VersionTable::Abandon(std::int64_t version) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(version);
  if (entry == entries_.end() || entry->second.status.state != VersionState::kLoading) return;
  Enter(entry->second, VersionState::kAvailable);
}

void VersionTable::Break(std::int64_t version, const std::string& error, bool passing, double load_seconds,
                         Fingerprint files) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.at(version);
  entry.status.error = error;
  entry.status.load_seconds = load_seconds;
  entry.passing_errors = passing ? (entry.tried == files ? entry.passing_errors : 0) + 1 : 0;
  entry.next_attempt.reset();
  if (passing) {
    using Clock = std::chrono::steady_clock;
    entry.next_attempt =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(PauseAfter(entry.passing_errors, load_seconds));
  }
  entry.tried = std::move(files);
  Enter(entry, VersionState::kBroken);
}

void VersionTable::Serve(std::int64_t version, double load_seconds) {
  const std::lock_guard lock(mutex_);
  RetireLocked();
  Entry& entry = entries_.at(version);
  entry.status.load_seconds = load_seconds;
  Enter(entry, VersionState::kServing);
}

void VersionTable::Retire() {
  const std::lock_guard lock(mutex_);
  RetireLocked();
}

void VersionTable::RetireLocked() {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const bool served = entry->second.status.state == VersionState::kServing;
    if (served) Enter(entry->second, VersionState::kRetired);
    entry = served && !entry->second.status.present ? entries_.erase(entry) : std::next(entry);
  }
}

bool VersionTable::IsBroken(std::int64_t version, const Fingerprint& files, bool asked) const {
  const std::lock_guard lock(mutex_);
  const Entry& entry = entries_.at(version);
  if (entry.status.state != VersionState::kBroken || entry.tried != files) return false;
  return !entry.next_attempt || (!asked && std::chrono::steady_clock::now() < *entry.next_attempt);
}

std::vector<VersionStatus> VersionTable::Statuses() const {
  const std::lock_guard lock(mutex_);
  std::vector<VersionStatus> statuses;
  for (const auto& [version, entry] : entries_) statuses.push_back(entry.status);
  return statuses;
}

std::string VersionTable::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

std::string VersionTable::set_problem(std::string problem) {
  const std::lock_guard lock(mutex_);
  return std::exchange(problem_, std::move(problem));
}

}  // namespace tftrt
