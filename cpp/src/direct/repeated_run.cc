#include "direct/repeated_run.h"

namespace tftrt {

RepeatedRun::RepeatedRun(RunAddresses addresses) : addresses_(std::move(addresses)) {
  CheckCuda(GetCuda().EventCreateWithFlags(&over_, kCudaEventDisableTiming), "making an event");
}

RepeatedRun::~RepeatedRun() { GetCuda().EventDestroy(over_); }

}  // namespace tftrt
