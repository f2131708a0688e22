#ifndef TFTRT_LOAD_LOADED_MODEL_H_
#define TFTRT_LOAD_LOADED_MODEL_H_

#include <memory>
#include <string>

#include "api/backend.h"

namespace tftrt {

// Verifies, reads, edits and loads the SavedModel in folder `path`; see Model::Load.
std::unique_ptr<LoadedModel> LoadModel(const std::string& path, const ModelOptions& options,
                                       const ResolvedRuntimeOptions& runtime);

}  // namespace tftrt

#endif  // TFTRT_LOAD_LOADED_MODEL_H_
