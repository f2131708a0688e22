#ifndef TFTRT_TOOLS_COMMON_INPUTS_H_
#define TFTRT_TOOLS_COMMON_INPUTS_H_

#include <map>
#include <string>

#include "tftrt/tftrt.h"

namespace tftrt::tools {

// What the inputs of a signature look like, as far as it leaves that open.
struct InputShapes {
  std::map<std::string, Shape> shapes;  // by name; of the others
  int batch = 1;                        // the first dimension, and
  int size = 224;                       // every other one
};

// Throws InvalidArgumentError if the model's signature has no input `name`, which the flag names.
void CheckInput(const std::string& flag, const std::string& name, const Model& model);

// The same for each of the names in --shapes.
void CheckShapes(const InputShapes& shapes, const Model& model);

// Throws InvalidArgumentError if the number of dimensions is not known.
Shape ShapeOf(const TensorSpec& spec, const InputShapes& shapes);

// Whether the input is left out: it has a default value, and --shapes does not name it.
bool IsLeftOut(const TensorSpec& spec, const InputShapes& shapes);

// Seeded elements: numbers from 0 to 1, also as the real part of complex ones; integers 0 to 9; bools; strings "a" or
// "b".
void FillRandom(const TensorSpec& spec, Tensor& tensor);

}  // namespace tftrt::tools

#endif  // TFTRT_TOOLS_COMMON_INPUTS_H_
