#ifndef TFTRT_C_API_CANCELLATION_H_
#define TFTRT_C_API_CANCELLATION_H_

#include "tftrt/c_api.h"
#include "tftrt/call.h"

struct tftrt_cancellation {
  tftrt::Cancellation cancellation;
};

#endif  // TFTRT_C_API_CANCELLATION_H_
