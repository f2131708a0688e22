// What libtftrt.so does on a machine with a GPU, for the tests of a program that is linked to both libraries' objects.

#include "engines/tf_trt.h"

extern "C" tftrt::TfTrt* tftrt_tf_trt();

namespace {

[[maybe_unused]] const bool opened = [] {
  tftrt::SetTfTrt(tftrt_tf_trt(), "");
  return true;
}();

}  // namespace
