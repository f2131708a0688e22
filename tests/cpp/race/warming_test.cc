// What loading runs so that the first request is as fast as any, on a backend of the tests' own.

#include <gtest/gtest.h>

#include <string>

#include "fakes/backend.h"
#include "testing.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

class Warming : public testing::Test {
 protected:
  Warming() : runs_(backend_.runs), warmed_(backend_.warmed_engines) {}
  ~Warming() override {
    backend_.warm_up = {};
    backend_.on_run = nullptr;
  }

  static WarmUp::Call Rows(std::int64_t rows) { return {"serving_default", {{"x", {rows}}}}; }

  std::uint64_t runs() const { return backend_.runs - runs_; }
  int warmed() const { return backend_.warmed_engines - warmed_; }

  FakeBackend& backend_ = FakeBackend::Get();

 private:
  const std::uint64_t runs_;
  const int warmed_;
};

TEST_F(Warming, SignaturesThatOnlyComputeAreCalled) {
  backend_.warm_up = {{Rows(2), Rows(4)}, false};
  LoadFake(1);
  EXPECT_EQ(runs(), 2u);
  EXPECT_EQ(warmed(), 0);
}

TEST_F(Warming, EnginesOfOthersRunByThemselves) {
  backend_.warm_up = {{}, true};
  LoadFake(1);
  EXPECT_EQ(runs(), 0u);
  EXPECT_EQ(warmed(), 1);
}

TEST_F(Warming, AModelThatRefusesZerosIsLoaded) {
  backend_.warm_up = {{Rows(2), Rows(4)}, false};
  backend_.on_run = [](float) { throw InvalidArgumentError("not a picture"); };
  LoadFake(1);
  EXPECT_EQ(warmed(), 1);
}

TEST_F(Warming, ADamagedModelIsNotLoaded) {
  backend_.warm_up = {{Rows(2)}, false};
  backend_.on_run = [](float) { throw ModelError("a variable has no value"); };
  EXPECT_THROW(LoadFake(1), InvalidArgumentError);
}

TEST_F(Warming, AnEngineThatFailsIsAnError) {
  backend_.warm_up = {{Rows(2)}, false};
  backend_.on_run = [](float) { throw InternalError("no memory"); };
  try {
    LoadFake(1);
    FAIL() << "expected an error";
  } catch (const InternalError& error) {
    ExpectContains(error.what(), "warm_engines = false");
  }
}

}  // namespace
}  // namespace tftrt
