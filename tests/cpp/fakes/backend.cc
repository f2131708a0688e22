#include "fakes/backend.h"

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "api/backend.h"
#include "api/runtime_loader.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

// `amount` is the model's: plain memory that is freed with it, so that a run after that is seen.
class AddingCallable : public Callable {
 public:
  explicit AddingCallable(const float& amount) : amount_(amount) {}

  std::vector<Tensor> Run(const Tensor* const* inputs, const RunTerms& terms) const override {
    static_cast<void>(terms);
    FakeBackend& backend = FakeBackend::Get();
    ++backend.runs;
    if (backend.on_run) backend.on_run(amount_);
    const std::chrono::microseconds pause = backend.pause.load();
    if (pause.count() > 0) std::this_thread::sleep_for(pause);
    std::vector<float> sums(inputs[0]->data<float>(), inputs[0]->data<float>() + inputs[0]->num_elements());
    for (float& sum : sums) sum += amount_;
    return {Tensor::From<float>(sums, inputs[0]->shape())};
  }

  Tensor MakeInput(DType dtype, const Shape& shape, bool on_gpu) const override {
    static_cast<void>(on_gpu);
    return Tensor::Empty(dtype, shape);
  }

  std::unique_ptr<Binding> Bind(std::vector<Tensor> inputs, std::vector<BoundOutput> outputs) const override {
    static_cast<void>(inputs);
    static_cast<void>(outputs);
    throw UnsupportedError("the fake binds nothing");
  }

 private:
  const float& amount_;
};

class AddingModel : public LoadedModel {
 public:
  explicit AddingModel(const std::string& path)
      : amount_(std::make_unique<float>(std::stof(path.substr(path.rfind('/') + 1)))) {
    info_.path = path;
    SignatureSpec spec;
    spec.name = "serving_default";
    spec.inputs.push_back({"x", DType::kFloat32, {-1}});
    spec.outputs.push_back({"y", DType::kFloat32, {-1}});
    signatures_.push_back(spec);
    ++FakeBackend::Get().models;
  }
  ~AddingModel() override {
    *amount_ = -1e6F;
    --FakeBackend::Get().models;
  }

  const ModelInfo& info() const override { return info_; }
  const std::string& manifest() const override { return manifest_; }
  const std::vector<SignatureSpec>& signatures() const override { return signatures_; }
  std::vector<EngineStats> engine_stats() const override { return {}; }
  void EndLoading() override {}
  ModelMemory memory() const override { return {}; }
  const WarmUp& warm_up() const override { return warm_up_; }
  void WarmEngines() override { ++FakeBackend::Get().warmed_engines; }
  std::unique_ptr<Callable> MakeCallable(const SignatureSpec&, const std::vector<std::size_t>&) override {
    return std::make_unique<AddingCallable>(*amount_);
  }

 private:
  ModelInfo info_;
  std::string manifest_;
  std::vector<SignatureSpec> signatures_;
  const WarmUp warm_up_ = FakeBackend::Get().warm_up;
  const std::unique_ptr<float> amount_;
};

class AddingBackend : public Backend {
 public:
  std::unique_ptr<LoadedModel> Load(const std::string& path, const ModelOptions&,
                                    const ResolvedRuntimeOptions&) override {
    FakeBackend::Get().Load(path);
    return std::make_unique<AddingModel>(path);
  }
  std::unique_ptr<ModelBuilder> OpenBuilder(const std::string&, const BuilderOptions&,
                                            const ResolvedRuntimeOptions&) override {
    throw UnsupportedError("the fake builds nothing");
  }
  SavedModelInfo Inspect(const std::string&, const std::vector<std::string>&) override { return {}; }
  void SetTfTrt(TfTrt*, const std::string&) override {}
  void Copy(const Tensor&, Tensor&) override { throw UnsupportedError("the fake copies nothing"); }
  int GpuOf(const void*) override { return -1; }
  void OrderDefaultStreamAfter(void*, int) override {}
};

}  // namespace

// Takes the place of api/runtime_loader.cc.
Backend& GetBackend() {
  static auto* backend = new AddingBackend;
  return *backend;
}

FakeBackend& FakeBackend::Get() {
  static auto* backend = new FakeBackend;
  return *backend;
}

void FakeBackend::set_on_load(std::function<void(const std::string&)> on_load) {
  const std::lock_guard lock(mutex_);
  on_load_ = std::move(on_load);
}

void FakeBackend::Load(const std::string& path) {
  ++loads;
  const std::lock_guard lock(mutex_);
  if (on_load_) on_load_(path);
}

NamedTensors FakeInputs(float x) { return {{"x", Tensor::From<float>({x, x}, {2})}}; }

float FakeRun(const Model& model, float x) { return model.Run(FakeInputs(x))[0].data<float>()[1]; }

Model LoadFake(int amount, ModelOptions options) { return Model::Load("/nowhere/" + std::to_string(amount), options); }

}  // namespace tftrt
