#include "api/signature_check.h"

#include "tftrt/error.h"

namespace tftrt {
namespace {

std::string Names(const std::vector<TensorSpec>& specs) {
  if (specs.empty()) return "none";
  std::string text;
  for (const TensorSpec& spec : specs) {
    if (!text.empty()) text += "; ";
    text += ToString(spec);
    if (spec.default_value.valid()) text += " (may be left out)";
  }
  return text;
}

bool Fits(const Shape& found, const Shape& wanted) {
  if (found.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (wanted[i] != -1 && wanted[i] != found[i]) return false;
  }
  return true;
}

}  // namespace

std::string ToString(const TensorSpec& spec) {
  return spec.name + ": " + std::string(Name(spec.dtype)) + (spec.known_rank ? ToString(spec.shape) : "[...]");
}

std::size_t IndexOf(const std::vector<TensorSpec>& specs, const std::string& name, const char* what,
                    const std::string& signature) {
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].name == name) return i;
  }
  throw InvalidArgumentError("signature \"" + signature + "\" has no " + what + " \"" + name + "\"; its " + what +
                             "s are " + Names(specs));
}

std::size_t OutputIndex(const SignatureSpec& signature, const std::string& name) {
  for (const auto& [unavailable, reason] : signature.unavailable) {
    if (unavailable != name) continue;
    throw UnsupportedError("no call can return the output \"" + name + "\" of signature \"" + signature.name +
                           "\": " + reason + ". Its other outputs are " + Names(signature.outputs));
  }
  return IndexOf(signature.outputs, name, "output", signature.name);
}

void CheckTensor(const TensorSpec& spec, const Tensor& tensor, const char* what) {
  const auto name = [&] { return std::string(what) + " \"" + spec.name + "\""; };
  if (!tensor.valid()) {
    throw InvalidArgumentError(name() + " is an empty Tensor (default-constructed or moved from); expected " +
                               ToString(spec));
  }
  if (tensor.dtype() != spec.dtype) {
    throw InvalidArgumentError(name() + " has dtype " + std::string(Name(tensor.dtype())) + "; expected " +
                               ToString(spec) + ". Convert it first: tftrt does not cast");
  }
  CheckShape(spec, tensor.shape(), what);
}

void CheckShape(const TensorSpec& spec, const Shape& shape, const char* what) {
  if (!spec.known_rank || Fits(shape, spec.shape)) return;
  throw InvalidArgumentError(std::string(what) + " \"" + spec.name + "\" has shape " + ToString(shape) + "; expected " +
                             ToString(spec) +
                             (shape.size() != spec.shape.size() ? ": another number of dimensions" : ""));
}

std::vector<const Tensor*> OrderInputs(const SignatureSpec& signature, const NamedTensors& inputs) {
  std::vector<const Tensor*> ordered(signature.inputs.size(), nullptr);
  for (const auto& [name, tensor] : inputs) {
    const std::size_t index = IndexOf(signature.inputs, name, "input", signature.name);
    if (ordered[index] != nullptr) throw InvalidArgumentError("input \"" + name + "\" is given twice");
    CheckInput(signature.inputs[index], tensor);
    ordered[index] = &tensor;
  }
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    if (ordered[i] != nullptr) continue;
    if (signature.inputs[i].default_value.valid()) {
      ordered[i] = &signature.inputs[i].default_value;
    } else {
      throw InvalidArgumentError("input \"" + signature.inputs[i].name + "\" of signature \"" + signature.name +
                                 "\" is missing; its inputs are " + Names(signature.inputs));
    }
  }
  return ordered;
}

}  // namespace tftrt
