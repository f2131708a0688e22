#ifndef TFTRT_ENGINES_ENGINE_PLANS_H_
#define TFTRT_ENGINES_ENGINE_PLANS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tftrt/stats.h"

namespace tftrt {

// "[1, 2], [3]"
std::string ToString(const std::vector<Shape>& shapes);

// What TensorRT has for one engine, as far as it decides which requests can run on it.
struct EnginePlans {
  bool implicit_batch = false;

  // Explicit batch: one engine with these profiles, in TensorRT's order; none if there is no engine. For an input whose
  // values are a shape (int32, read by TensorRT on the host) `values` has bounds of its values, else nothing.
  struct ProfileWithValues {
    EngineProfile shapes;
    std::vector<Shape> min_values;
    std::vector<Shape> max_values;
  };
  std::vector<ProfileWithValues> profiles;
  std::vector<std::size_t> shape_inputs;  // the inputs whose values are a shape

  // Implicit batch: the largest shapes of each engine.
  std::vector<std::vector<Shape>> static_shapes;

  bool empty() const { return profiles.empty() && static_shapes.empty(); }

  // Whether an engine takes `shapes`. `values` are those of shape_inputs, in that order; ignored if `values` is null.
  bool Accept(const std::vector<Shape>& shapes, const std::vector<Shape>* values = nullptr) const;

  // "[4, 128]..[8, 384] or [1, 64]"; "none" if there is no engine.
  std::string Describe() const;
};

}  // namespace tftrt

#endif  // TFTRT_ENGINES_ENGINE_PLANS_H_
