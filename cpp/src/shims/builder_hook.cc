// What the shim in front of TensorRT adds: the builder's optimization level, which TF-TRT does not set. TensorFlow gets
// its builder from the function below, whose product has createBuilderConfig replaced by one that sets the level.
//
// TensorRT's headers are in no package that the build can reach. What is used of its interface is the same in all of
// TensorRT 8.6 and was read off the code that TensorFlow 2.17 and TensorRT's own Python module were compiled to:
// objects hold a pointer to their implementation behind their vtable pointer, and the slots below.

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

namespace {

constexpr int kCreateBuilderConfig = 9;           // of a builder's implementation
constexpr int kSetBuilderOptimizationLevel = 51;  // of a configuration's implementation
constexpr int kGetBuilderOptimizationLevel = 52;
constexpr int kBuilderSlots = 32;  // as many as there may be, and more
constexpr int kSlotsBefore = 2;    // what a vtable holds before its first function

struct Implementation {
  void** vtable;
};

// nvinfer1::IBuilder, nvinfer1::IBuilderConfig
struct Interface {
  void** vtable;
  Implementation* implementation;
};

using CreateConfig = Interface* (*)(Implementation* builder);
using SetLevel = void (*)(Implementation* config, int level);
using GetLevel = int (*)(Implementation* config);

std::atomic<int> wanted_level{-1};
std::atomic<CreateConfig> create_config{nullptr};

Interface* CreateConfigWithLevel(Implementation* builder) {
  Interface* config = create_config.load()(builder);
  const int level = wanted_level.load();
  if (config == nullptr || level < 0) return config;
  void** functions = config->implementation->vtable;
  reinterpret_cast<SetLevel>(functions[kSetBuilderOptimizationLevel])(config->implementation, level);
  const int found = reinterpret_cast<GetLevel>(functions[kGetBuilderOptimizationLevel])(config->implementation);
  if (found != level) {
    std::fprintf(stderr, "tftrt: error: TensorRT's optimization level is %d after it was set to %d\n", found, level);
  }
  return config;
}

void Hook(Implementation* builder) {
  static void* vtable[kSlotsBefore + kBuilderSlots];
  static const bool made = [&] {
    std::copy_n(builder->vtable - kSlotsBefore, kSlotsBefore + kBuilderSlots, vtable);
    create_config.store(reinterpret_cast<CreateConfig>(builder->vtable[kCreateBuilderConfig]));
    vtable[kSlotsBefore + kCreateBuilderConfig] = reinterpret_cast<void*>(&CreateConfigWithLevel);
    return true;
  }();
  static_cast<void>(made);
  builder->vtable = vtable + kSlotsBefore;
}

}  // namespace

extern "C" {

// The level of builders' configurations from now on; negative: TensorRT's own.
__attribute__((visibility("default"))) void tftrt_set_optimization_level(int level) { wanted_level.store(level); }

__attribute__((visibility("default"))) void* createInferBuilder_INTERNAL(void* logger, int version) {
  using Create = void* (*)(void*, int);
  void* library = dlopen("libnvinfer.so.8", RTLD_LAZY | RTLD_NOLOAD);
  const auto create =
      library == nullptr ? nullptr : reinterpret_cast<Create>(dlsym(library, "createInferBuilder_INTERNAL"));
  if (create == nullptr) return nullptr;
  auto* builder = static_cast<Interface*>(create(logger, version));
  if (builder != nullptr && wanted_level.load() >= 0) Hook(builder->implementation);
  return builder;
}

}  // extern "C"
