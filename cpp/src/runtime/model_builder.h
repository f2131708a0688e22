#ifndef TFTRT_RUNTIME_MODEL_BUILDER_H_
#define TFTRT_RUNTIME_MODEL_BUILDER_H_

#include <memory>
#include <string>

#include "api/backend.h"

namespace tftrt {

// Loads the SavedModel in folder `path` for building its engines; see EngineBuilder::Open.
std::unique_ptr<ModelBuilder> MakeModelBuilder(const std::string& path, const BuilderOptions& options,
                                               const ResolvedRuntimeOptions& runtime);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_MODEL_BUILDER_H_
