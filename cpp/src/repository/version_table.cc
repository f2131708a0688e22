#include "repository/version_table.h"

#include <chrono>
#include <iterator>
#include <utility>

namespace tftrt {

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

void VersionTable::Break(std::int64_t version, const std::string& error, double load_seconds, Fingerprint files) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.at(version);
  entry.status.error = error;
  entry.status.load_seconds = load_seconds;
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

bool VersionTable::IsBroken(std::int64_t version, const Fingerprint& files) const {
  const std::lock_guard lock(mutex_);
  const Entry& entry = entries_.at(version);
  return entry.status.state == VersionState::kBroken && entry.tried == files;
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
