// Stands in for libtensorflow_cc.so.2 and libtensorflow_framework.so.2 of a version that tftrt was not built with.

// In both libraries, as much of TensorFlow's is.
int tftrt_test_shared;

// Where the library that defines this finds it.
extern "C" const int* FAKE_ADDRESS() { return &tftrt_test_shared; }

extern "C" const char* TF_Version() { return FAKE_TENSORFLOW_VERSION; }
