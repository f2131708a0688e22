#ifndef TFTRT_TESTS_CPP_TESTING_H_
#define TFTRT_TESTS_CPP_TESTING_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

namespace tftrt {

inline void ExpectContains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "expected '" << part << "' in: " << text;
}

// What the exception says that `function` throws; a failure if that is not an `Expected`.
template <typename Expected, typename Function>
std::string MessageOf(Function function) {
  try {
    function();
  } catch (const Expected& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another exception than expected: " << error.what();
    return "";
  }
  ADD_FAILURE() << "no exception";
  return "";
}

// For what a process cannot undo, and for what may kill it.
template <typename Function>
void InChild(Function test) {
  EXPECT_EXIT(
      {
        test();
        std::exit(testing::Test::HasFailure() ? EXIT_FAILURE : EXIT_SUCCESS);
      },
      testing::ExitedWithCode(EXIT_SUCCESS), "");
}

// An empty folder that is removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "tftrt_test_XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace tftrt

#endif  // TFTRT_TESTS_CPP_TESTING_H_
