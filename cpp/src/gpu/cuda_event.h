#ifndef TFTRT_GPU_CUDA_EVENT_H_
#define TFTRT_GPU_CUDA_EVENT_H_

#include "gpu/cuda.h"

namespace tftrt {

// A point in a stream's work. Made with the stream's GPU made current.
class CudaEventOwner {
 public:
  CudaEventOwner() { CheckCuda(GetCuda().EventCreateWithFlags(&event_, kCudaEventDisableTiming), "making an event"); }
  CudaEventOwner(const CudaEventOwner&) = delete;
  CudaEventOwner& operator=(const CudaEventOwner&) = delete;
  ~CudaEventOwner() { GetCuda().EventDestroy(event_); }

  // What is in `stream` now.
  void Record(CudaStream stream) const { CheckCuda(GetCuda().EventRecord(event_, stream), "recording an event"); }
  // Has what is queued in `stream` from now on come after what was recorded.
  void MakeWait(CudaStream stream) const {
    CheckCuda(GetCuda().StreamWaitEvent(stream, event_, 0), "having a stream wait for another");
  }
  // Has what is queued in `later` from now on come after what is in `earlier` now.
  void Order(CudaStream earlier, CudaStream later) const {
    Record(earlier);
    MakeWait(later);
  }
  bool IsOver() const {
    const int error = GetCuda().EventQuery(event_);
    if (error == kCudaErrorNotReady) {
      GetCuda().GetLastError();
      return false;
    }
    CheckCuda(error, "looking whether the GPU is done");
    return true;
  }
  void Wait() const { CheckCuda(GetCuda().EventSynchronize(event_), "waiting for the GPU"); }

 private:
  CudaEvent event_ = nullptr;
};

}  // namespace tftrt

#endif  // TFTRT_GPU_CUDA_EVENT_H_
