// Stands in for libtensorflow_cc.so.2 and libtensorflow_framework.so.2 of a version that tftrt was not built with.

#include <atomic>

// In both libraries, as much of TensorFlow's is.
int tftrt_test_shared;

// Where the library that defines this finds it.
extern "C" const int* FAKE_ADDRESS() { return &tftrt_test_shared; }

// A log level that no exported function sets, as in libtensorflow_cc.
namespace absl {
inline namespace lts_20230802 {
namespace {
std::atomic<int> min_log_level{0};
}  // namespace
}  // namespace lts_20230802
}  // namespace absl

extern "C" int TftrtTestLogLevel() { return absl::min_log_level.load(); }

extern "C" const char* TF_Version() { return FAKE_TENSORFLOW_VERSION; }
