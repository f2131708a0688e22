// Stands in for libtensorflow_cc.so.2 and libtensorflow_framework.so.2 of a version that tftrt was not built with.

extern "C" const char* TF_Version() { return FAKE_TENSORFLOW_VERSION; }
