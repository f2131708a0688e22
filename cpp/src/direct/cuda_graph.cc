#include "direct/cuda_graph.h"

#include <algorithm>
#include <cstdint>
#include <memory>

#include "tftrt/error.h"

namespace tftrt {
namespace {

std::string Describe(const char* what, int error) {
  return std::string(what) + ": CUDA error " + std::to_string(error) + ", " + GetCuda().GetErrorString(error);
}

std::int64_t FreeBytes() {
  std::size_t free = 0;
  std::size_t total = 0;
  CheckCuda(GetCuda().MemGetInfo(&free, &total), "asking for the GPU's free memory");
  return static_cast<std::int64_t>(free);
}

}  // namespace

std::string CudaGraphRun::Capture(CudaStream stream, const std::shared_ptr<MemoryCounters>& counters,
                                  const std::function<void()>& queue) {
  const Cuda& cuda = GetCuda();
  Reset();
  // Other threads go on allocating and copying meanwhile.
  if (const int error = cuda.StreamBeginCapture(stream, kCudaStreamCaptureModeThreadLocal)) {
    cuda.GetLastError();
    return Describe("beginning a capture", error);
  }
  std::string problem;
  try {
    queue();
  } catch (const Error& error) {
    problem = error.what();
  }
  CudaGraph graph = nullptr;
  const int ended = cuda.StreamEndCapture(stream, &graph);
  const std::unique_ptr<CUgraph_st, int (*)(CudaGraph)> owner(graph, cuda.GraphDestroy);
  if (ended != kCudaSuccess) {
    cuda.GetLastError();
    return problem.empty() ? Describe("ending a capture", ended) : problem;
  }
  if (!problem.empty()) return problem;
  const std::int64_t free_before = FreeBytes();
  if (const int error = cuda.GraphInstantiateWithFlags(&executable_, graph, 0)) {
    executable_ = nullptr;
    cuda.GetLastError();
    return Describe("making a graph", error);
  }
  // So that the first launch is as fast as any.
  CheckCuda(cuda.GraphUpload(executable_, stream), "uploading a graph");
  number_ = CountedUse(counters, &MemoryCounters::graphs, 1);
  bytes_ = CountedUse(counters, &MemoryCounters::gpu_graphs, std::max<std::int64_t>(free_before - FreeBytes(), 0));
  return "";
}

void CudaGraphRun::Reset() {
  if (executable_ != nullptr) GetCuda().GraphExecDestroy(executable_);
  executable_ = nullptr;
  number_ = CountedUse();
  bytes_ = CountedUse();
}

}  // namespace tftrt
