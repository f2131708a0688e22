#include "engines/tf_trt.h"

#include <mutex>

#include "tftrt/error.h"

namespace tftrt {
namespace {

struct Opened {
  std::mutex mutex;
  TfTrt* tf_trt = nullptr;
  std::string problem = "this process sees no GPU, so TF-TRT was not opened";
};

Opened& TheOpened() {
  static Opened opened;
  return opened;
}

}  // namespace

std::unique_ptr<EngineCache> TfTrt::OpenCache(tensorflow::ResourceMgr& resources, const std::string& name) {
  if (auto cache = FindCache(resources, name)) return cache;
  throw InternalError("there is no engine cache of the name \"" + name + "\"");
}

void SetTfTrt(TfTrt* tf_trt, const std::string& problem) {
  Opened& opened = TheOpened();
  const std::lock_guard lock(opened.mutex);
  opened.tf_trt = tf_trt;
  opened.problem = problem;
}

TfTrt& GetTfTrt() {
  Opened& opened = TheOpened();
  const std::lock_guard lock(opened.mutex);
  if (opened.tf_trt == nullptr) throw IncompatibleError(opened.problem);
  return *opened.tf_trt;
}

std::string TfTrtProblem() {
  Opened& opened = TheOpened();
  const std::lock_guard lock(opened.mutex);
  return opened.tf_trt == nullptr ? opened.problem : "";
}

}  // namespace tftrt
