#ifndef TFTRT_RUNTIME_SIGNATURES_H_
#define TFTRT_RUNTIME_SIGNATURES_H_

#include <string>
#include <vector>

#include "tensorflow/core/protobuf/meta_graph.pb.h"
#include "tftrt/model.h"

namespace tftrt {

// A signature and the tensors of the graph that it stands for, in the order of its specs.
struct BoundSignature {
  SignatureSpec spec;
  std::vector<std::string> input_tensors;  // "serving_default_x:0"
  std::vector<std::string> output_tensors;
};

// All signatures that are meant to be called, sorted by name; the initialiser that TensorFlow 2 stores among them
// is not.
std::vector<BoundSignature> ReadSignatures(const tensorflow::MetaGraphDef& meta_graph);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_SIGNATURES_H_
