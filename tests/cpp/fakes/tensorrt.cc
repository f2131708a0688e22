// Stands in for libnvinfer.so.8 and libnvinfer_plugin.so.8: only what tftrt and TensorFlow ask about them.

extern "C" int getInferLibVersion() { return FAKE_TENSORRT_VERSION; }

extern "C" bool initLibNvInferPlugins(void*, const char*) { return true; }
