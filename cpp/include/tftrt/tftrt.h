#ifndef TFTRT_TFTRT_H_
#define TFTRT_TFTRT_H_

// Everything public in one include. No header here needs TensorFlow, protobuf or CUDA to compile.
#include "tftrt/call.h"
#include "tftrt/dtype.h"
#include "tftrt/engine_builder.h"
#include "tftrt/environment.h"
#include "tftrt/error.h"
#include "tftrt/model.h"
#include "tftrt/model_repository.h"
#include "tftrt/options.h"
#include "tftrt/runner.h"
#include "tftrt/stats.h"
#include "tftrt/tensor.h"
#include "tftrt/version.h"

#endif  // TFTRT_TFTRT_H_
