#include "tftrt/stats.h"

#include <vector>

#include "c_api/arguments.h"
#include "c_api/model.h"
#include "c_api/status.h"
#include "c_api/versioned_struct.h"

namespace tftrt::c_api {

// Arrays as C reads them, of one engine. Not in the namespace below, because a struct of the C API has them.
struct EngineArrays {
  using Shapes = std::vector<tftrt_shape>;
  struct Profile {
    Shapes min, opt, max;
  };
  std::vector<Profile> profiles;
  std::vector<Shapes> static_shapes;
  std::vector<Shapes> shapes;
};

namespace {

EngineArrays::Shapes Pointers(const std::vector<Shape>& shapes) {
  EngineArrays::Shapes result;
  for (const Shape& shape : shapes) result.push_back({shape.data(), shape.size()});
  return result;
}

EngineArrays ArraysOf(const EngineStats& engine) {
  EngineArrays arrays;
  for (const EngineProfile& profile : engine.profiles) {
    arrays.profiles.push_back({Pointers(profile.min), Pointers(profile.opt), Pointers(profile.max)});
  }
  for (const std::vector<Shape>& shapes : engine.static_shapes) arrays.static_shapes.push_back(Pointers(shapes));
  for (const ShapeStats& stats : engine.shapes) arrays.shapes.push_back(Pointers(stats.shapes));
  return arrays;
}

tftrt_run_counts CountsOf(const RunCounts& counts) {
  return {counts.engine_runs,    counts.native_runs,    counts.refused,      counts.builds,
          counts.engine_seconds, counts.native_seconds, counts.build_seconds};
}

}  // namespace
}  // namespace tftrt::c_api

struct tftrt_stats {
  explicit tftrt_stats(tftrt::ModelStats taken) : stats(std::move(taken)) {
    for (const tftrt::EngineStats& engine : stats.engines) engines.push_back(tftrt::c_api::ArraysOf(engine));
  }
  tftrt_stats(const tftrt_stats&) = delete;
  tftrt_stats& operator=(const tftrt_stats&) = delete;

  const tftrt::ModelStats stats;
  std::vector<tftrt::c_api::EngineArrays> engines;
};

using namespace tftrt::c_api;

tftrt_status* tftrt_model_get_stats(const tftrt_model* model, tftrt_stats** stats) {
  return Guard([&] {
    RequireHandle(stats, "stats");
    Require(model, "model");
    *stats = new tftrt_stats(model->model.Stats());
  });
}

tftrt_status* tftrt_stats_get_info(const tftrt_stats* stats, tftrt_stats_info* info) {
  return Guard([&] {
    Require(stats, "stats");
    Require(info, "info");
    tftrt_stats_info value = {};
    value.calls = stats->stats.calls;
    value.errors = stats->stats.errors;
    value.num_engines = stats->stats.engines.size();
    WriteStruct(info, "tftrt_stats_info", value);
  });
}

tftrt_status* tftrt_stats_get_engine(const tftrt_stats* stats, size_t index, tftrt_engine_stats* engine) {
  return Guard([&] {
    Require(stats, "stats");
    Require(engine, "engine");
    const tftrt::EngineStats& found = At(stats->stats.engines, index, "engine");
    tftrt_engine_stats value = {};
    value.name = found.name.c_str();
    value.inlined = found.inlined ? 1 : 0;
    value.num_profiles = found.profiles.size();
    value.num_static_shapes = found.static_shapes.size();
    value.num_shapes = found.shapes.size();
    value.counts = CountsOf(found);
    WriteStruct(engine, "tftrt_engine_stats", value);
  });
}

tftrt_status* tftrt_stats_get_profile(const tftrt_stats* stats, size_t engine, size_t index, tftrt_profile* profile) {
  return Guard([&] {
    Require(stats, "stats");
    Require(profile, "profile");
    const EngineArrays::Profile& found = At(At(stats->engines, engine, "engine").profiles, index, "profile");
    tftrt_profile value = {};
    value.min = found.min.data();
    value.opt = found.opt.data();
    value.max = found.max.data();
    value.num_inputs = found.min.size();
    WriteStruct(profile, "tftrt_profile", value);
  });
}

tftrt_status* tftrt_stats_get_static_shapes(const tftrt_stats* stats, size_t engine, size_t index,
                                            const tftrt_shape** shapes, size_t* num_inputs) {
  return Guard([&] {
    Clear(shapes, num_inputs);
    Require(stats, "stats");
    Require(shapes, "shapes");
    Require(num_inputs, "num_inputs");
    const EngineArrays::Shapes& found =
        At(At(stats->engines, engine, "engine").static_shapes, index, "list of static shapes");
    *shapes = found.data();
    *num_inputs = found.size();
  });
}

tftrt_status* tftrt_stats_get_shape(const tftrt_stats* stats, size_t engine, size_t index, tftrt_shape_stats* shape) {
  return Guard([&] {
    Require(stats, "stats");
    Require(shape, "shape");
    const EngineArrays::Shapes& shapes = At(At(stats->engines, engine, "engine").shapes, index, "list of shapes");
    tftrt_shape_stats value = {};
    value.shapes = shapes.data();
    value.num_inputs = shapes.size();
    value.counts = CountsOf(stats->stats.engines[engine].shapes[index]);
    WriteStruct(shape, "tftrt_shape_stats", value);
  });
}

void tftrt_stats_free(tftrt_stats* stats) { delete stats; }
