#ifndef TFTRT_TESTS_CPP_MODELS_H_
#define TFTRT_TESTS_CPP_MODELS_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tftrt/model.h"

namespace tftrt {

// The SavedModels in models/, and those that models/CMakeLists.txt makes from them.
inline std::string ModelPath(const std::string& name) { return TFTRT_TEST_MODELS_DIR "/" + name; }

// On the CPU also where there is a GPU.
inline Model LoadOnCpu(const std::string& name, ModelOptions options = {}) {
  options.device = "cpu";
  return Model::Load(ModelPath(name), options);
}

inline Model LoadSignature(const std::string& name, const std::string& signature) {
  ModelOptions options;
  options.signature = signature;
  return LoadOnCpu(name, options);
}

template <typename T>
std::vector<T> ValuesOf(const Tensor& tensor) {
  return {tensor.data<T>(), tensor.data<T>() + tensor.num_elements()};
}

// For the model "add".
inline void ExpectAddWorks(const Model& model, float x = 1) {
  const std::vector<Tensor> outputs = model.Run({{"x", Tensor::From<float>({x, x, x, x}, {1, 4})}});
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(ValuesOf<float>(outputs[0]), std::vector<float>(4, x + 1));
}

}  // namespace tftrt

#endif  // TFTRT_TESTS_CPP_MODELS_H_
