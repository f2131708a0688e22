#include "load/memory_stock.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace tftrt {
namespace {

std::int64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

std::uint64_t Growth(std::int64_t before, std::int64_t now) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(now - before, 0));
}

std::uint64_t Value(const std::atomic<std::int64_t>& counter) { return Growth(0, counter.load()); }

}  // namespace

MemoryStock::MemoryStock() : resident_before_(ResidentBytes()) {}

void MemoryStock::AddPlan(const std::string& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (!error) loaded_.plans += size;
}

void MemoryStock::BeginRestoring(const GpuDevice& gpu) { pool_before_ = gpu.PoolBytesInUse(); }

void MemoryStock::EndLoading(const GpuDevice* gpu) {
  loaded_.host_model = Growth(resident_before_, ResidentBytes());
  if (gpu == nullptr) return;
  const MemoryCounters& counters = *gpu->counters();
  const std::int64_t ours = counters.gpu_workspaces + counters.gpu_buffers;
  loaded_.gpu_model = Growth(pool_before_, gpu->PoolBytesInUse() - ours);
}

ModelMemory MemoryStock::Now(const GpuDevice* gpu) const {
  ModelMemory memory = loaded_;
  if (gpu == nullptr) return memory;
  const MemoryCounters& counters = *gpu->counters();
  memory.host_pinned = Value(counters.pinned);
  memory.gpu_workspaces = Value(counters.gpu_workspaces);
  memory.gpu_buffers = Value(counters.gpu_buffers);
  memory.cuda_graphs = Value(counters.graphs);
  memory.gpu_graphs = Value(counters.gpu_graphs);
  return memory;
}

}  // namespace tftrt
