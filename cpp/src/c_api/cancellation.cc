#include "c_api/cancellation.h"

#include "c_api/arguments.h"
#include "c_api/status.h"

using namespace tftrt::c_api;

tftrt_status* tftrt_cancellation_new(tftrt_cancellation** cancellation) {
  return Guard([&] {
    RequireHandle(cancellation, "cancellation");
    *cancellation = new tftrt_cancellation;
  });
}

tftrt_status* tftrt_cancellation_cancel(const tftrt_cancellation* cancellation) {
  return Guard([&] {
    Require(cancellation, "cancellation");
    cancellation->cancellation.Cancel();
  });
}

void tftrt_cancellation_free(tftrt_cancellation* cancellation) { delete cancellation; }
