#include "tftrt/engine_builder.h"

#include <utility>

#include "api/backend.h"
#include "api/device_choice.h"
#include "api/runtime_loader.h"
#include "api/runtime_options.h"
#include "api/signature_check.h"
#include "tftrt/error.h"

namespace tftrt {

class EngineBuilder::Impl {
 public:
  explicit Impl(std::unique_ptr<ModelBuilder> builder) : builder_(std::move(builder)) {}

  ModelBuilder& builder() const { return *builder_; }

  const SignatureSpec& Spec(const std::string& name) const {
    for (const SignatureSpec& spec : builder_->signatures()) {
      if (spec.name != name) continue;
      if (!spec.unsupported.empty())
        throw UnsupportedError("signature \"" + name + "\" cannot be called: " + spec.unsupported);
      return spec;
    }
    throw InvalidArgumentError("the model has no signature \"" + name + "\"");
  }

 private:
  const std::unique_ptr<ModelBuilder> builder_;
};

namespace {

std::vector<Tensor> InOrder(const SignatureSpec& spec, const NamedTensors& inputs) {
  std::vector<Tensor> ordered;
  for (const Tensor* input : OrderInputs(spec, inputs)) ordered.push_back(*input);
  return ordered;
}

}  // namespace

EngineBuilder::EngineBuilder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EngineBuilder::EngineBuilder(EngineBuilder&&) noexcept = default;
EngineBuilder& EngineBuilder::operator=(EngineBuilder&&) noexcept = default;
EngineBuilder::~EngineBuilder() = default;

EngineBuilder EngineBuilder::Open(const std::string& path, const BuilderOptions& options) {
  if (options.max_workspace_size_bytes < 0) {
    throw InvalidArgumentError("max_workspace_size_bytes is " + std::to_string(options.max_workspace_size_bytes) +
                               "; expected 0 (as the model was converted) or more");
  }
  if (options.optimization_level < -1 || options.optimization_level > 5) {
    throw InvalidArgumentError("optimization_level is " + std::to_string(options.optimization_level) +
                               "; expected 0 to 5, or -1 for TensorRT's own");
  }
  Backend& backend = GetBackend();
  BuilderOptions placed = options;
  placed.device = ChooseDevice(options.device, ConfiguredTensorFlowDir().value_or(""));
  return EngineBuilder(std::make_unique<Impl>(backend.OpenBuilder(path, placed, FixSessionOptions())));
}

const GpuReport& EngineBuilder::gpu() const { return impl_->builder().gpu(); }
const std::string& EngineBuilder::tensorrt_version() const { return impl_->builder().tensorrt_version(); }
std::vector<std::string> EngineBuilder::engines() const { return impl_->builder().engines(); }
bool EngineBuilder::needs_calibration() const { return impl_->builder().needs_calibration(); }
const std::vector<SignatureSpec>& EngineBuilder::signatures() const { return impl_->builder().signatures(); }

void EngineBuilder::Collect(const std::string& signature, const NamedTensors& inputs, ShapeRole role) {
  const SignatureSpec& spec = impl_->Spec(signature);
  impl_->builder().Collect(spec, InOrder(spec, inputs), role);
}

void EngineBuilder::Calibrate(const std::string& signature, const NamedTensors& inputs) {
  const SignatureSpec& spec = impl_->Spec(signature);
  impl_->builder().Calibrate(spec, InOrder(spec, inputs));
}

std::vector<std::pair<std::string, std::string>> EngineBuilder::PlanKeys() const { return impl_->builder().PlanKeys(); }

void EngineBuilder::UsePlans(const std::string& engine, const std::string& file) {
  impl_->builder().UsePlans(engine, file);
}

std::vector<BuiltEngine> EngineBuilder::Build(const Progress& progress) { return impl_->builder().Build(progress); }

std::vector<std::pair<std::string, std::string>> EngineBuilder::calibration_tables() const {
  return impl_->builder().calibration_tables();
}

std::string EngineBuilder::timing_cache() const { return impl_->builder().timing_cache(); }
void EngineBuilder::Save(const std::string& directory) const { impl_->builder().Save(directory); }

}  // namespace tftrt
