// The nodes of a model with engines: what tftrt writes, finds and takes out again.

#include "runtime/engine_nodes.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "kernels/engine_op.h"
#include "runtime/engine_build.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/protobuf/meta_graph.pb.h"

namespace tftrt {
namespace {

constexpr char kModel[] = R"(
  graph_def {
    node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
    node { name: "s/TRTEngineOp_1" op: "TRTEngineOp" input: "x"
      attr { key: "max_cached_engines_count" value { i: 3 } }
      attr { key: "precision_mode" value { s: "INT8" } }
      attr { key: "static_engine" value { b: false } }
      attr { key: "_use_implicit_batch" value { b: false } }
      attr { key: "input_shapes" value { list { shape { dim { size: -1 } dim { size: 4 } } } } } }
    node { name: "table" op: "NoOp" }
    node { name: "init" op: "NoOp" input: "^table" }
  }
  collection_def { key: "saved_model_main_op" value { node_list { value: "init" } } }
  asset_file_def { tensor_info { name: "words:0" } filename: "words.txt" })";

tensorflow::MetaGraphDef Model() {
  tensorflow::MetaGraphDef model;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kModel, &model));
  return model;
}

std::map<std::string, const tensorflow::NodeDef*> ByOp(const tensorflow::MetaGraphDef& model) {
  std::map<std::string, const tensorflow::NodeDef*> nodes;
  for (const auto& node : model.graph_def().node()) nodes[node.op()] = &node;
  return nodes;
}

TEST(EngineNodes, RestoringIsPartOfInitialisation) {
  tensorflow::MetaGraphDef model = Model();
  EXPECT_FALSE(HoldsEngines(model.graph_def()));
  AddEngineRestore({{"TRTEngineOp_1", "trt-serialized-engine.TRTEngineOp_1"}}, 3, model);
  EXPECT_TRUE(HoldsEngines(model.graph_def()));

  const auto nodes = ByOp(model);
  ASSERT_EQ(nodes.count("CreateTRTResourceHandle"), 1u);
  EXPECT_EQ(nodes.at("CreateTRTResourceHandle")->attr().at("resource_name").s(), "TRTEngineOp_1");
  const tensorflow::NodeDef& restore = *nodes.at("InitializeTRTResource");
  EXPECT_EQ(restore.attr().at("max_cached_engines_count").i(), 3);
  // TensorFlow keeps what an earlier load restored, and refuses to restore it again.
  ASSERT_EQ(nodes.count("DestroyResourceOp"), 1u);
  const tensorflow::NodeDef& forget = *nodes.at("DestroyResourceOp");
  EXPECT_EQ(forget.input(0), nodes.at("CreateTRTResourceHandle")->name());
  EXPECT_TRUE(forget.attr().at("ignore_lookup_error").b());
  EXPECT_EQ(restore.input(2), "^" + forget.name());
  bool waits = false;
  for (const auto& node : model.graph_def().node()) {
    if (node.name() != "init") continue;
    for (const std::string& input : node.input()) waits |= input == "^" + restore.name();
  }
  EXPECT_TRUE(waits);
  ASSERT_EQ(model.asset_file_def_size(), 2);
  EXPECT_EQ(model.asset_file_def(1).filename(), "trt-serialized-engine.TRTEngineOp_1");
  EXPECT_EQ(model.asset_file_def(1).tensor_info().name(), restore.input(1) + ":0");
}

TEST(EngineNodes, AModelWithoutAnInitialiserGetsOne) {
  tensorflow::MetaGraphDef model = Model();
  model.clear_collection_def();
  AddEngineRestore({{"TRTEngineOp_1", "file"}}, 1, model);
  ASSERT_EQ(model.collection_def().count("saved_model_main_op"), 1u);
}

TEST(EngineNodes, DroppingUndoesAdding) {
  const tensorflow::MetaGraphDef before = Model();
  tensorflow::MetaGraphDef model = before;
  AddEngineRestore({{"TRTEngineOp_1", "file"}}, 1, model);
  DropEngineRestore(model);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(before, model)) << model.DebugString();
  DropEngineRestore(model);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(before, model));
}

// As TensorFlow 2 saves a model of TF-TRT's own.
TEST(EngineNodes, RestoringInAFunctionIsDroppedToo) {
  tensorflow::MetaGraphDef model;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    graph_def {
      node { name: "handle" op: "CreateTRTResourceHandle" }
      node { name: "call" op: "StatefulPartitionedCall" input: "handle" }
      library { function {
        signature { name: "initializer" input_arg { name: "handle" type: DT_RESOURCE } control_output: "done" }
        node_def { name: "restore" op: "InitializeTRTResource" input: "handle" }
        node_def { name: "after" op: "NoOp" input: "^restore" }
        node_def { name: "TRTEngineOp_7" op: "TRTEngineOp" attr { key: "static_engine" value { b: false } } }
        control_ret { key: "done" value: "restore" } } }
    })",
                                                            &model));
  EXPECT_TRUE(HoldsEngines(model.graph_def()));
  EXPECT_EQ(ReadEngineNodes(model.graph_def()).at(0).name, "TRTEngineOp_7");
  DropEngineRestore(model);
  EXPECT_FALSE(HoldsEngines(model.graph_def()));
  const auto& function = model.graph_def().library().function(0);
  EXPECT_EQ(function.node_def_size(), 2);
  EXPECT_TRUE(function.node_def(0).input().empty());
  EXPECT_TRUE(function.control_ret().empty());
  EXPECT_EQ(function.signature().control_output_size(), 0);
  EXPECT_EQ(model.graph_def().node_size(), 2) << "the call still takes the handle";
}

TEST(EngineNodes, NoCacheOfTensorFlowsEverEvicts) {
  tensorflow::MetaGraphDef model = Model();
  AddEngineRestore({{"TRTEngineOp_1", "file"}}, 3, model);
  const auto table = EngineTable::Create("m", OnMiss::kNative, false);
  UseEngineOp(*model.mutable_graph_def(), *table);
  const auto nodes = ByOp(model);
  const auto& engine = nodes.at("TRTEngineOp")->attr();
  EXPECT_EQ(engine.at("_kernel").s(), kEngineOpLabel);
  EXPECT_EQ(engine.at(kMostEnginesAttr).i(), 3) << "the model's own limit";
  EXPECT_GT(engine.at("max_cached_engines_count").i(), 1000);
  EXPECT_GT(nodes.at("InitializeTRTResource")->attr().at("max_cached_engines_count").i(), 1000);
  EXPECT_EQ(table->records().size(), 1u);
}

TEST(EngineNodes, WhatABuildNeedsIsRead) {
  tensorflow::MetaGraphDef model = Model();
  const auto engines = ReadEngineNodes(model.graph_def());
  ASSERT_EQ(engines.size(), 1u);
  EXPECT_EQ(engines[0].name, "TRTEngineOp_1");
  EXPECT_FALSE(engines[0].implicit_batch);
  EXPECT_TRUE(engines[0].calibrates);
  EXPECT_EQ(engines[0].profile_strategy, "Range");
  ASSERT_EQ(engines[0].input_shapes.size(), 1u);
  EXPECT_EQ(engines[0].input_shapes[0].dim_size(1), 4);
  (*model.mutable_graph_def()->mutable_node(1)->mutable_attr())["calibration_data"].set_s("table");
  EXPECT_FALSE(ReadEngineNodes(model.graph_def())[0].calibrates);
}

}  // namespace
}  // namespace tftrt
