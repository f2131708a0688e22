#include "direct/instance_warming.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

namespace tftrt {
namespace {

bool IsEmpty(const Shape& shape) { return std::count(shape.begin(), shape.end(), 0) != 0; }

// The shapes that the engines are tuned for, without empty ones.
std::vector<ShapeKey> TunedShapes(const EnginePlans& plans) {
  std::vector<std::vector<Shape>> tuned = plans.static_shapes;
  for (const EnginePlans::ProfileWithValues& profile : plans.profiles) tuned.push_back(profile.shapes.opt);
  std::vector<ShapeKey> keys;
  for (const std::vector<Shape>& shapes : tuned) {
    if (std::any_of(shapes.begin(), shapes.end(), IsEmpty)) continue;
    ShapeKey& key = keys.emplace_back();
    for (const Shape& shape : shapes) key.AddShape(shape);
  }
  return keys;
}

void FillWithZeros(const ShapedExecution& execution, StagedRun& staged) {
  for (std::size_t i = 0; i < staged.places.inputs.size(); ++i) {
    if (staged.places.inputs[i]) {
      CheckCuda(GetCuda().Memset(execution.input(i), 0, execution.input_bytes()[i]), "filling GPU memory");
    } else {
      std::memset(staged.inputs[i].data(), 0, execution.input_bytes()[i]);
    }
  }
  // The instance's stream does not wait for the default one.
  CheckCuda(GetCuda().StreamSynchronize(kCudaDefaultStream), "waiting for the GPU");
}

}  // namespace

void WarmInstance(EngineInstance& instance, const EnginePlans& plans, bool on_gpu) {
  const StagedPlaces places{std::vector<bool>(instance.types().inputs.size(), on_gpu),
                            std::vector<bool>(instance.types().outputs.size(), on_gpu)};
  const std::vector<ShapeKey> tuned = TunedShapes(plans);
  // First the workspace of all: graphs have its address.
  for (const ShapeKey& key : tuned) instance.Prepare(key);
  for (const ShapeKey& key : tuned) {
    const auto [execution, staged_runs] = instance.Prepare(key);
    StagedRun& staged = staged_runs.Take(instance.gpu(), execution, places, {});
    const std::unique_ptr<StagedRun, void (*)(StagedRun*)> taken(&staged, [](StagedRun* run) { run->Return(); });
    FillWithZeros(execution, staged);
    // The second time captures a graph.
    for (int time = 0; time < 2; ++time) {
      instance.Queue(execution, *staged.run);
      staged.run->over().Wait();
    }
  }
}

}  // namespace tftrt
