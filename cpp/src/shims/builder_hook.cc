// What the shim in front of TensorRT adds: what TF-TRT does not set of a builder's configuration. TensorFlow gets its
// builder from the function below, whose product has createBuilderConfig replaced by one that sets the optimization
// level, and that several execution contexts may use a profile at the same time.
//
// TensorRT's headers are in no package that the build can reach. What is used of its interface is the same in all of
// TensorRT 8.6 and was read off the code that TensorFlow 2.17 and TensorRT's own Python module were compiled to:
// objects hold a pointer to their implementation behind their vtable pointer, and the slots below.

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

namespace {

constexpr int kCreateBuilderConfig = 9;  // of a builder's implementation
constexpr int kSetPreviewFeature = 49;   // of a configuration's implementation
constexpr int kGetPreviewFeature = 50;
constexpr int kSetBuilderOptimizationLevel = 51;
constexpr int kGetBuilderOptimizationLevel = 52;
constexpr int kBuilderSlots = 32;   // as many as there may be, and more
constexpr int kSlotsBefore = 2;     // what a vtable holds before its first function
constexpr int kProfileSharing = 2;  // PreviewFeature::kPROFILE_SHARING_0806

struct Implementation {
  void** vtable;
};

// nvinfer1::IBuilder, nvinfer1::IBuilderConfig
struct Interface {
  void** vtable;
  Implementation* implementation;
};

using CreateConfigFunction = Interface* (*)(Implementation* builder);
using SetFeature = void (*)(Implementation* config, int feature, bool enable);
using GetFeature = bool (*)(Implementation* config, int feature);
using SetLevel = void (*)(Implementation* config, int level);
using GetLevel = int (*)(Implementation* config);

std::atomic<int> wanted_level{-1};
std::atomic<CreateConfigFunction> create_config{nullptr};

template <typename Function>
Function FunctionOf(Implementation* implementation, int slot) {
  return reinterpret_cast<Function>(implementation->vtable[slot]);
}

void ShareProfiles(Implementation* config) {
  FunctionOf<SetFeature>(config, kSetPreviewFeature)(config, kProfileSharing, true);
  if (FunctionOf<GetFeature>(config, kGetPreviewFeature)(config, kProfileSharing)) return;
  std::fprintf(stderr, "tftrt: error: TensorRT does not share profiles after it was told to\n");
}

void SetOptimizationLevel(Implementation* config, int level) {
  FunctionOf<SetLevel>(config, kSetBuilderOptimizationLevel)(config, level);
  const int found = FunctionOf<GetLevel>(config, kGetBuilderOptimizationLevel)(config);
  if (found == level) return;
  std::fprintf(stderr, "tftrt: error: TensorRT's optimization level is %d after it was set to %d\n", found, level);
}

Interface* CreateConfig(Implementation* builder) {
  Interface* config = create_config.load()(builder);
  if (config == nullptr) return nullptr;
  ShareProfiles(config->implementation);
  const int level = wanted_level.load();
  if (level >= 0) SetOptimizationLevel(config->implementation, level);
  return config;
}

void Hook(Implementation* builder) {
  static void* vtable[kSlotsBefore + kBuilderSlots];
  static const bool made = [&] {
    std::copy_n(builder->vtable - kSlotsBefore, kSlotsBefore + kBuilderSlots, vtable);
    create_config.store(reinterpret_cast<CreateConfigFunction>(builder->vtable[kCreateBuilderConfig]));
    vtable[kSlotsBefore + kCreateBuilderConfig] = reinterpret_cast<void*>(&CreateConfig);
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
  if (builder != nullptr) Hook(builder->implementation);
  return builder;
}

}  // extern "C"
