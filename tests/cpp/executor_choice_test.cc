// Which executor runs a graph on a CPU.

#include "runtime/executor_choice.h"

#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/text_format.h"

namespace tftrt {
namespace {

tensorflow::GraphDef Graph(const std::string& text) {
  tensorflow::GraphDef graph;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &graph)) << text;
  return graph;
}

tensorflow::GraphDef GraphOf(const std::string& op) {
  return Graph(R"(node { name: "x" op: "Placeholder" } node { name: "y" op: ")" + op + R"(" input: "x" })");
}

TEST(ExecutorChoice, OpsThatMayWaitNeedThreads) {
  for (const char* op : {"QueueDequeueV2",
                         "QueueEnqueueManyV2",
                         "QueueDequeueUpToV2",
                         "Stage",
                         "Unstage",
                         "StagePeek",
                         "MapStage",
                         "MapUnstageNoKey",
                         "OrderedMapPeek",
                         "BarrierTakeMany",
                         "BarrierInsertMany",
                         "ReaderReadV2",
                         "ReaderReadUpToV2",
                         "CollectiveReduceV2",
                         "NcclAllReduce",
                         "_Recv",
                         "_HostRecv",
                         "InfeedDequeueTuple",
                         "AccumulatorTakeGradient",
                         "IteratorGetNext",
                         "Batch",
                         "Unbatch",
                         "MutexLock"}) {
    const tensorflow::GraphDef graph = GraphOf(op);
    EXPECT_TRUE(MayBlock(graph)) << op;
    EXPECT_FALSE(CanRunSingleThreaded(graph).single) << op;
    EXPECT_FALSE(ChooseCpuExecutor(graph, {{"y:0"}}, false).single) << op;
    const tensorflow::GraphDef in_function = Graph(
        R"(library { function { signature { name: "f" } node_def { name: "n" op: ")" + std::string(op) + R"(" } } })");
    EXPECT_FALSE(CanRunSingleThreaded(in_function).single) << op;
  }
  for (const char* op : {"QueueSizeV2", "QueueCloseV2", "StageSize", "StageClear", "BatchMatMulV2", "BatchToSpaceND",
                         "OrderedMapSize", "MapClear", "ReaderResetV2", "Relu"}) {
    EXPECT_FALSE(MayBlock(GraphOf(op))) << op;
  }
}

std::string Loop(const std::string& body) {
  return R"(
    node { name: "x" op: "Placeholder" }
    node { name: "y" op: "While" input: "x" attr { key: "body" value { func { name: "body" } } } }
    library { function { signature { name: "body" } )" +
         body + R"( }
              function { signature { name: "inner" } node_def { name: "m" op: "MatMul" } } })";
}

TEST(ExecutorChoice, BodiesThatOneDnnComputesRunWithIt) {
  const char* const kCall =
      R"(node_def { name: "c" op: "PartitionedCall" attr { key: "f" value { func { name: "inner" } } } })";
  const char* const kDoubles = R"(node_def { name: "m" op: "MatMul" attr { key: "T" value { type: DT_DOUBLE } } })";
  for (const std::string& body : {std::string(R"(node_def { name: "m" op: "MatMul" })"), std::string(kCall)}) {
    const tensorflow::GraphDef graph = Graph(Loop(body));
    EXPECT_TRUE(ChooseCpuExecutor(graph, {{"y:0"}}, false).single);
    const ExecutorChoice choice = ChooseCpuExecutor(graph, {{"y:0"}}, true);
    EXPECT_FALSE(choice.single);
    EXPECT_NE(choice.reason.find("MatMul in the body of While \"y\""), std::string::npos) << choice.reason;
  }
  for (const std::string& body : {std::string(R"(node_def { name: "m" op: "Mul" })"), std::string(kDoubles)}) {
    EXPECT_TRUE(ChooseCpuExecutor(Graph(Loop(body)), {{"y:0"}}, true).single);
  }
  // Not in a loop: the single-threaded executor has oneDNN's kernels too.
  EXPECT_TRUE(ChooseCpuExecutor(GraphOf("MatMul"), {{"y:0"}}, true).single);
}

}  // namespace
}  // namespace tftrt
