#include "direct/cuda_graph.h"

#include <memory>

#include "tftrt/error.h"

namespace tftrt {
namespace {

std::string Describe(const char* what, int error) {
  return std::string(what) + ": CUDA error " + std::to_string(error) + ", " + GetCuda().GetErrorString(error);
}

}  // namespace

std::string CudaGraphRun::Capture(CudaStream stream, const std::function<void()>& queue) {
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
  if (const int error = cuda.GraphInstantiateWithFlags(&executable_, graph, 0)) {
    executable_ = nullptr;
    cuda.GetLastError();
    return Describe("making a graph", error);
  }
  // So that the first launch is as fast as any.
  CheckCuda(cuda.GraphUpload(executable_, stream), "uploading a graph");
  return "";
}

void CudaGraphRun::Reset() {
  if (executable_ != nullptr) GetCuda().GraphExecDestroy(executable_);
  executable_ = nullptr;
}

}  // namespace tftrt
