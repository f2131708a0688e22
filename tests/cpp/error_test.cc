#include "tftrt/error.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "tftrt/tensor.h"
#include "tftrt/version.h"

namespace tftrt {
namespace {

template <typename T>
class ErrorClass : public testing::Test {};

using ErrorClasses = testing::Types<InvalidArgumentError, ModelError, IncompatibleError, UnsupportedError,
                                    ResourceExhaustedError, InternalError>;
TYPED_TEST_SUITE(ErrorClass, ErrorClasses);

TYPED_TEST(ErrorClass, IsAnErrorAndARuntimeError) {
  static_assert(std::is_base_of_v<Error, TypeParam>);
  static_assert(std::is_base_of_v<std::runtime_error, Error>);
  try {
    throw TypeParam("what was found");
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "what was found");
    EXPECT_NE(dynamic_cast<const TypeParam*>(&error), nullptr);
  }
}

TYPED_TEST(ErrorClass, IsNoneOfTheOthers) {
  const TypeParam typed("");
  const Error& error = typed;
  const int classes = (dynamic_cast<const InvalidArgumentError*>(&error) != nullptr) +
                      (dynamic_cast<const ModelError*>(&error) != nullptr) +
                      (dynamic_cast<const IncompatibleError*>(&error) != nullptr) +
                      (dynamic_cast<const UnsupportedError*>(&error) != nullptr) +
                      (dynamic_cast<const ResourceExhaustedError*>(&error) != nullptr) +
                      (dynamic_cast<const InternalError*>(&error) != nullptr);
  EXPECT_EQ(classes, 1);
}

TEST(Errors, ThrownInsideTheLibraryAreCaughtByTheirClass) {
  EXPECT_THROW(Tensor::Empty(DType::kFloat32, {-1}), InvalidArgumentError);
  EXPECT_THROW(Tensor::Strings({""}, {1}).ToDLPack(), UnsupportedError);
}

TEST(Version, OfTheHeadersIsTheProjects) { EXPECT_STREQ(TFTRT_VERSION, TFTRT_TEST_PROJECT_VERSION); }

}  // namespace
}  // namespace tftrt
