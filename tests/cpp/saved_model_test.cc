// Reading SavedModels without loading them, and checking converted ones against their manifest.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "models.h"
#include "testing.h"
#include "tftrt/error.h"
#include "tftrt/model.h"

namespace tftrt {
namespace {

namespace fs = std::filesystem;

constexpr char kManifest[] = "assets.extra/tftrt.json";
constexpr char kGraph[] = "saved_model.pbtxt";

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteFile(const fs::path& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

void ExpectDoubles(const Model& model) {
  const Tensor x = Tensor::From<float>({1, 2, 3, 4}, {1, 4});
  EXPECT_EQ(ValuesOf<float>(model.Run({{"x", x}})[0]), (std::vector<float>{2, 4, 6, 8}));
}

// What loading the model "converted" says after `damage` to a copy of it.
std::string MessageAfter(const std::function<void(const fs::path&)>& damage) {
  const TemporaryFolder folder;
  const fs::path model = folder.path() / "model";
  fs::copy(ModelPath("converted"), model, fs::copy_options::recursive);
  damage(model);
  return MessageOf<ModelError>([&] { Model::Load(model.string()); });
}

std::string MessageWithManifest(const std::string& manifest) {
  return MessageAfter([&](const fs::path& model) { WriteFile(model / kManifest, manifest); });
}

TEST(Inspect, ListsSignaturesTagsAndOps) {
  const SavedModelInfo info = InspectSavedModel(ModelPath("several"));
  EXPECT_EQ(info.tag_sets, (std::vector<std::vector<std::string>>{{"serve"}}));
  EXPECT_EQ(info.tags, std::vector<std::string>{"serve"});
  EXPECT_EQ(info.manifest, "");
  ASSERT_EQ(info.signatures.size(), 6u);
  EXPECT_EQ(info.signatures[0].name, "count");
  EXPECT_EQ(info.signatures[1].inputs[0].dtype, DType::kString);
  EXPECT_FALSE(info.signatures[2].inputs[0].known_rank);
  EXPECT_EQ(info.signatures[4].outputs.size(), 3u);
  EXPECT_EQ(info.signatures[4].unsupported, "");
  ExpectContains(info.signatures[5].unsupported, "sparse");
  EXPECT_TRUE(std::is_sorted(info.ops.begin(), info.ops.end()));
  EXPECT_EQ(std::count(info.ops.begin(), info.ops.end(), std::pair(std::string("Placeholder"), std::int64_t{5})), 1);
}

TEST(Inspect, CountsOpsOfFunctionsAndNeedsNoneRegistered) {
  const SavedModelInfo info = InspectSavedModel(ModelPath("unknown_ops"));
  const std::vector<std::pair<std::string, std::int64_t>> expected = {
      {"PartitionedCall", 1}, {"Placeholder", 1}, {"TftrtUnknownInner", 1}, {"TftrtUnknownOuter", 1}};
  EXPECT_EQ(info.ops, expected);
}

TEST(Inspect, TakesTags) {
  const SavedModelInfo info = InspectSavedModel(ModelPath("add"), {"serve", "double"});
  EXPECT_EQ(info.tag_sets.size(), 2u);
  EXPECT_EQ(info.ops.size(), 2u);
  EXPECT_THROW(InspectSavedModel(ModelPath("add"), {"train"}), InvalidArgumentError);
  EXPECT_THROW(InspectSavedModel(ModelPath("none")), ModelError);
}

// Lets nobody in the process open a file.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreFiles(const NoMoreFiles&) = delete;
  NoMoreFiles& operator=(const NoMoreFiles&) = delete;

 private:
  rlimit before_;
};

TEST(Inspect, TooManyOpenFilesAreNotTheModelsFault) {
  for (const char* name : {"add", "converted"}) {
    InspectSavedModel(ModelPath(name));
    std::string message;
    {
      const NoMoreFiles no_more;
      message = MessageOf<InternalError>([&] { InspectSavedModel(ModelPath(name)); });
    }
    ExpectContains(message, std::string("cannot open ") + ModelPath(name) + "/");
    ExpectContains(message, "Too many open files");
    InspectSavedModel(ModelPath(name));
  }
}

TEST(Inspect, WhatCannotBeReadIsNotDamaged) {
  // Opens, and fails with EIO at address 0.
  const fs::path unreadable = "/proc/self/mem";
  const TemporaryFolder folder;
  fs::create_symlink(unreadable, folder.path() / "saved_model.pb");
  ExpectContains(MessageOf<InternalError>([&] { InspectSavedModel(folder.path().string()); }),
                 "cannot read " + (folder.path() / "saved_model.pb").string());
  fs::remove(folder.path() / "saved_model.pb");
  fs::copy(ModelPath("converted"), folder.path(), fs::copy_options::recursive);
  fs::remove(folder.path() / kManifest);
  fs::create_symlink(unreadable, folder.path() / kManifest);
  ExpectContains(MessageOf<InternalError>([&] { InspectSavedModel(folder.path().string()); }), "cannot read");
}

TEST(Inspect, LinksInCirclesAreTheModelsFault) {
  const TemporaryFolder folder;
  fs::create_symlink("model", folder.path() / "model");
  ExpectContains(MessageOf<ModelError>([&] { InspectSavedModel((folder.path() / "model").string()); }),
                 "cannot look for " + (folder.path() / "model").string());
}

TEST(Manifest, IsShownAndTheModelRuns) {
  const std::string text = ReadFile(fs::path(ModelPath("converted")) / kManifest);
  EXPECT_FALSE(text.empty());
  const Model model = LoadOnCpu("converted");
  EXPECT_EQ(model.manifest(), text);
  EXPECT_EQ(InspectSavedModel(ModelPath("converted")).manifest, text);
  ExpectDoubles(model);
}

TEST(Manifest, ModelMayMoveToAnotherFolder) {
  const TemporaryFolder folder;
  fs::copy(ModelPath("converted"), folder.path() / "moved", fs::copy_options::recursive);
  ExpectDoubles(Model::Load(folder.path() / "moved"));
}

TEST(ManifestErrors, ChangedFileIsNamed) {
  const std::string message = MessageAfter([](const fs::path& model) {
    std::string graph = ReadFile(model / kGraph);
    graph[graph.find("float_val: 2") + 11] = '3';
    WriteFile(model / kGraph, graph);
  });
  ExpectContains(message, std::string(kGraph) + " was changed");
  ExpectContains(message, "sha256");
  ExpectContains(message, "convert the original model again");
}

TEST(ManifestErrors, TruncatedFileIsNamedWithBothSizes) {
  const auto size = fs::file_size(fs::path(ModelPath("converted")) / kGraph);
  const std::string message = MessageAfter([&](const fs::path& model) { fs::resize_file(model / kGraph, size - 10); });
  ExpectContains(message, std::string(kGraph) + " has " + std::to_string(size - 10) + " bytes");
  ExpectContains(message, "the manifest says " + std::to_string(size));
}

TEST(ManifestErrors, MissingFileIsNamed) {
  ExpectContains(MessageAfter([](const fs::path& model) { fs::remove(model / kGraph); }),
                 std::string(kGraph) + " is missing");
}

TEST(ManifestErrors, AnyChangeOfTheManifestIsFound) {
  const std::string manifest = ReadFile(fs::path(ModelPath("converted")) / kManifest);
  for (std::size_t i = 0; i < manifest.size(); ++i) {
    std::string changed = manifest;
    changed[i] ^= 1;
    ExpectContains(MessageWithManifest(changed), kManifest);
  }
}

TEST(ManifestErrors, WhatIsNoManifestIsDamage) {
  const std::string contents[] = {"",
                                  "{",
                                  "null",
                                  "[]",
                                  "\"text\"",
                                  std::string("\xff\xfe\0", 3),
                                  "{\"format_version\": \"1\"}",
                                  "{}",
                                  std::string(100000, '['),
                                  std::string(20000, '{')};
  for (const std::string& content : contents) ExpectContains(MessageWithManifest(content), "is damaged: assets.extra");
}

TEST(ManifestErrors, FolderInItsPlaceIsDamage) {
  const std::string message = MessageAfter([](const fs::path& model) {
    fs::remove(model / kManifest);
    fs::create_directory(model / kManifest);
  });
  ExpectContains(message, "is not a file");
}

TEST(ManifestErrors, NewerFormatAsksForANewerTftrt) {
  const std::string message = MessageOf<ModelError>([] { LoadOnCpu("converted_newer"); });
  ExpectContains(message, "format 99");
  ExpectContains(message, "update tftrt");
}

TEST(ManifestErrors, EmptyListOfFilesIsDamage) {
  ExpectContains(MessageOf<ModelError>([] { LoadOnCpu("converted_no_files"); }), "lists no files");
}

TEST(ManifestErrors, FilesOutsideTheModelAreDamage) {
  ExpectContains(MessageOf<ModelError>([] { LoadOnCpu("converted_outside"); }), "invalid entry");
}

TEST(ManifestErrors, InspectingFindsADamagedManifestToo) {
  const TemporaryFolder folder;
  fs::copy(ModelPath("converted"), folder.path() / "model", fs::copy_options::recursive);
  WriteFile(folder.path() / "model" / kManifest, "{}");
  EXPECT_THROW(InspectSavedModel(folder.path() / "model"), ModelError);
}

}  // namespace
}  // namespace tftrt
