#ifndef TFTRT_TESTS_FUZZ_MODEL_FOLDER_H_
#define TFTRT_TESTS_FUZZ_MODEL_FOLDER_H_

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

// A temporary folder for a SavedModel, removed when the program ends.
class ModelFolder {
 public:
  ModelFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "tftrt_fuzz_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) abort();
    path_ = name;
    std::filesystem::create_directory(path_ / "assets.extra");
  }
  ModelFolder(const ModelFolder&) = delete;
  ModelFolder& operator=(const ModelFolder&) = delete;
  ~ModelFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const char* path() const { return path_.c_str(); }

  void Write(const char* file, const std::string& bytes) const {
    std::ofstream(path_ / file, std::ios::binary) << bytes;
  }
  void Remove(const char* file) const { std::filesystem::remove(path_ / file); }

 private:
  std::filesystem::path path_;
};

#endif  // TFTRT_TESTS_FUZZ_MODEL_FOLDER_H_
