#include "api/device_choice.h"

#include <gtest/gtest.h>

#include <fstream>

#include "testing.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

TEST(DeviceChoice, IsTheOptionsWhereTensorFlowIsWhole) {
  const TemporaryFolder folder;
  for (const char* device : {"auto", "cpu", "gpu:1", "nonsense"}) {
    EXPECT_EQ(ChooseDevice(device, folder.path().string()), device);
    EXPECT_EQ(ChooseDevice(device, ""), device);
  }
}

TEST(DeviceChoice, IsTheCpuWhereDeviceCodeWasLeftOut) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "tftrt_cpu_only.txt") << "as bundles have it";
  const std::string path = folder.path().string();
  EXPECT_EQ(ChooseDevice("auto", path), "cpu");
  EXPECT_EQ(ChooseDevice("cpu", path), "cpu");
  // What is no device is for others to say.
  for (const char* device : {"nonsense", "gpu:", "gpu:-1", "gpu:0x", "gpu:99999999999999"})
    EXPECT_EQ(ChooseDevice(device, path), device);
  const std::string message = MessageOf<IncompatibleError>([&] { ChooseDevice("gpu:0", path); });
  ExpectContains(message, "\"gpu:0\"");
  ExpectContains(message, path);
  ExpectContains(message, "bundle-runtime --gpu");
}

}  // namespace
}  // namespace tftrt
