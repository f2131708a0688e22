#include "engines/engine_table.h"

#include <cstdio>
#include <utility>

#include "tftrt/error.h"

namespace tftrt {
namespace {

struct Registry {
  std::mutex mutex;
  std::uint64_t tables = 0;
  std::map<std::string, std::weak_ptr<EngineTable>> by_id;
};

// Never destroyed: kernels may outlive static objects.
Registry& TheRegistry() {
  static auto* registry = new Registry;
  return *registry;
}

}  // namespace

OnMiss ParseOnMiss(const std::string& on_miss) {
  if (on_miss == "native") return OnMiss::kNative;
  if (on_miss == "error") return OnMiss::kError;
  if (on_miss == "build") return OnMiss::kBuild;
  throw InvalidArgumentError("on_miss is \"" + on_miss + R"("; expected "native", "error" or "build")");
}

EngineTable::EngineTable(std::string id, std::string model_path, OnMiss on_miss, bool warnings)
    : id_(std::move(id)), model_path_(std::move(model_path)), on_miss_(on_miss), warn_(warnings) {}

std::shared_ptr<EngineTable> EngineTable::Create(std::string model_path, OnMiss on_miss, bool warnings) {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  for (auto entry = registry.by_id.begin(); entry != registry.by_id.end();) {
    entry = entry->second.expired() ? registry.by_id.erase(entry) : std::next(entry);
  }
  const std::string id = std::to_string(++registry.tables);
  std::shared_ptr<EngineTable> table(new EngineTable(id, std::move(model_path), on_miss, warnings));
  registry.by_id[id] = table;
  return table;
}

std::shared_ptr<EngineTable> EngineTable::Find(const std::string& id) {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  const auto found = registry.by_id.find(id);
  return found == registry.by_id.end() ? nullptr : found->second.lock();
}

EngineRecord& EngineTable::Get(const std::string& engine) {
  const std::lock_guard lock(mutex_);
  auto& record = records_[engine];
  if (record == nullptr) record = std::make_unique<EngineRecord>(engine);
  return *record;
}

std::vector<EngineRecord*> EngineTable::records() const {
  const std::lock_guard lock(mutex_);
  std::vector<EngineRecord*> records;
  for (const auto& [name, record] : records_) records.push_back(record.get());
  return records;
}

void EngineTable::WarnOnce(const std::string& message) {
  if (!warn_.load(std::memory_order_relaxed) || !warn_.exchange(false)) return;
  std::fprintf(stderr, "tftrt: warning: %s\n", message.c_str());
}

void EngineTable::Collect(const std::string& engine, CollectedInputs inputs) {
  const std::lock_guard lock(mutex_);
  collected_[engine].push_back(std::move(inputs));
}

std::map<std::string, std::vector<CollectedInputs>> EngineTable::TakeCollected() {
  const std::lock_guard lock(mutex_);
  return std::exchange(collected_, {});
}

std::vector<EngineStats> EngineTable::Snapshot() const {
  std::vector<EngineStats> stats;
  for (const EngineRecord* record : records()) stats.push_back(record->Snapshot());
  return stats;
}

void EngineTable::Reset() {
  for (EngineRecord* record : records()) record->Reset();
}

}  // namespace tftrt
