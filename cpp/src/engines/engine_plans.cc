#include "engines/engine_plans.h"

#include <algorithm>

namespace tftrt {
namespace {

bool IsBetween(const Shape& shape, const Shape& min, const Shape& max) {
  if (shape.size() != min.size() || shape.size() != max.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < min[i] || shape[i] > max[i]) return false;
  }
  return true;
}

bool Includes(const EnginePlans::ProfileWithValues& profile, const std::vector<Shape>& shapes) {
  if (shapes.size() != profile.shapes.min.size()) return false;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (!IsBetween(shapes[i], profile.shapes.min[i], profile.shapes.max[i])) return false;
  }
  return true;
}

bool IncludesValues(const EnginePlans::ProfileWithValues& profile, const std::vector<std::size_t>& inputs,
                    const std::vector<Shape>& values) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!IsBetween(values[i], profile.min_values[inputs[i]], profile.max_values[inputs[i]])) return false;
  }
  return true;
}

// All but the batch is equal, and the batch is no larger.
bool FitsInto(const std::vector<Shape>& shapes, const std::vector<Shape>& engine) {
  if (shapes.size() != engine.size()) return false;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const Shape& shape = shapes[i];
    if (shape.empty() || shape.size() != engine[i].size() || shape[0] < 1 || shape[0] > engine[i][0] ||
        shape[0] != shapes[0][0] || !std::equal(shape.begin() + 1, shape.end(), engine[i].begin() + 1)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string ToString(const std::vector<Shape>& shapes) {
  std::string text;
  for (const Shape& shape : shapes) text += (text.empty() ? "" : ", ") + ToString(shape);
  return text;
}

bool EnginePlans::Accept(const std::vector<Shape>& shapes, const std::vector<Shape>* values) const {
  return std::any_of(profiles.begin(), profiles.end(),
                     [&](const ProfileWithValues& profile) {
                       return Includes(profile, shapes) &&
                              (values == nullptr || IncludesValues(profile, shape_inputs, *values));
                     }) ||
         std::any_of(static_shapes.begin(), static_shapes.end(),
                     [&](const std::vector<Shape>& engine) { return FitsInto(shapes, engine); });
}

std::string EnginePlans::Describe() const {
  std::string text;
  for (const ProfileWithValues& profile : profiles) text += (text.empty() ? "" : " or ") + ToString(profile.shapes);
  for (const std::vector<Shape>& engine : static_shapes) {
    text += (text.empty() ? "" : " or ") + ToString(engine) + " and smaller batches";
  }
  return text.empty() ? "none" : text;
}

}  // namespace tftrt
