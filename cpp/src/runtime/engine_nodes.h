#ifndef TFTRT_RUNTIME_ENGINE_NODES_H_
#define TFTRT_RUNTIME_ENGINE_NODES_H_

#include <map>
#include <string>
#include <vector>

#include "engines/engine_table.h"
#include "tensorflow/core/framework/graph.pb.h"
#include "tensorflow/core/protobuf/meta_graph.pb.h"

namespace tftrt {

// The nodes of a graph that have to do with engines: TRTEngineOp itself, and the ones that TF-TRT saves with a model to
// fill the cache of an engine from an asset when the model is initialised.

inline constexpr char kEngineOp[] = "TRTEngineOp";

// Number of TRTEngineOp nodes, in functions too.
int CountEngines(const tensorflow::GraphDef& graph);

// Makes the TRTEngineOp nodes use EngineOp with `table`, and has a record made there for each. Nodes whose plan lies in
// the node itself (static_engine, which tftrt does not write) stay with TensorFlow's kernel.
void UseEngineOp(tensorflow::GraphDef& graph, EngineTable& table);

// Has TensorFlow's optimiser leave the native segments of engines as they are: TF-TRT, which builds from them, does not
// know the fused ops that it would make.
void ProtectSegments(tensorflow::GraphDef& graph);

// Whether there are engines in the model: initialising it fills a cache, or a plan lies in a node.
bool HoldsEngines(const tensorflow::GraphDef& graph);

// The files in assets/ from which initialising the model fills caches of engines.
std::vector<std::string> EngineAssets(const tensorflow::MetaGraphDef& meta_graph);

// Has initialising the model leave engines alone, and forgets the assets that they are in.
void DropEngineRestore(tensorflow::MetaGraphDef& meta_graph);

// Has initialising the model fill the caches of the engines from these assets, {"TRTEngineOp_000": "file in assets/"}:
// the nodes that TF-TRT itself saves, so that TensorFlow's own loaders do the same.
// `cache_size`: how many engines each cache may hold.
void AddEngineRestore(const std::map<std::string, std::string>& assets, std::int64_t cache_size,
                      tensorflow::MetaGraphDef& meta_graph);

// Nodes that a build runs by name. Each needs no feed but the file's name.
struct EngineControls {
  std::string handle;       // makes the engine cache: fetch it first
  std::string file;         // feed: "placeholder:0", the name of a file
  std::string restore;      // fills the cache from the file
  std::string serialize;    // writes the cache to the file
  std::string calibration;  // fetch: ends the calibration and gives its table
};
std::map<std::string, EngineControls> AddEngineControls(const std::vector<std::string>& engines,
                                                        const std::string& device, tensorflow::GraphDef& graph);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_ENGINE_NODES_H_
