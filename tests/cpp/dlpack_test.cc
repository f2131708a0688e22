#include <dlpack/dlpack.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "all_dtypes.h"
#include "testing.h"
#include "tftrt/error.h"
#include "tftrt/tensor.h"

namespace tftrt {
namespace {

// A tensor of another library: 12 floats, 0 to 11, whose releases are counted.
class Foreign {
 public:
  explicit Foreign(std::vector<std::int64_t> shape, std::vector<std::int64_t> strides = {})
      : shape_(std::move(shape)), strides_(std::move(strides)) {
    std::iota(values_.begin(), values_.end(), 0.0f);
    managed_.dl_tensor.data = values_.data();
    managed_.dl_tensor.device = {kDLCPU, 0};
    managed_.dl_tensor.ndim = static_cast<std::int32_t>(shape_.size());
    managed_.dl_tensor.dtype = {kDLFloat, 32, 1};
    managed_.dl_tensor.shape = shape_.data();
    managed_.dl_tensor.strides = strides_.empty() ? nullptr : strides_.data();
    managed_.manager_ctx = this;
    managed_.deleter = [](DLManagedTensor* self) { ++static_cast<Foreign*>(self->manager_ctx)->released_; };
  }
  Foreign(const Foreign&) = delete;
  Foreign& operator=(const Foreign&) = delete;

  DLManagedTensor* managed() { return &managed_; }
  DLTensor& dl() { return managed_.dl_tensor; }
  const float* values() const { return values_.data(); }
  int released() const { return released_; }

 private:
  alignas(64) std::array<float, 12> values_;
  std::vector<std::int64_t> shape_;
  std::vector<std::int64_t> strides_;
  DLManagedTensor managed_ = {};
  int released_ = 0;
};

std::vector<float> Values(const Tensor& tensor) {
  return {tensor.data<float>(), tensor.data<float>() + tensor.num_elements()};
}

struct Release {
  void operator()(DLManagedTensor* managed) const { managed->deleter(managed); }
};
using Exported = std::unique_ptr<DLManagedTensor, Release>;

TEST(ToDLPack, IsADenseHostView) {
  const Tensor tensor = Tensor::From<std::int32_t>({1, 2, 3, 4, 5, 6}, {2, 3});
  const Exported exported(tensor.ToDLPack());
  const DLTensor& dl = exported->dl_tensor;
  EXPECT_EQ(dl.data, tensor.data());
  EXPECT_EQ(dl.device.device_type, kDLCPU);
  EXPECT_EQ(dl.byte_offset, 0u);
  EXPECT_EQ(dl.strides, nullptr);
  ASSERT_EQ(dl.ndim, 2);
  EXPECT_EQ(dl.shape[0], 2);
  EXPECT_EQ(dl.shape[1], 3);
  EXPECT_EQ(dl.dtype.code, kDLInt);
  EXPECT_EQ(dl.dtype.bits, 32);
  EXPECT_EQ(dl.dtype.lanes, 1);
}

TEST(ToDLPack, KeepsTheMemoryUntilItIsReleased) {
  float value = 3;
  bool released = false;
  Tensor tensor =
      Tensor::Borrow(&value, DType::kFloat32, {}, std::shared_ptr<void>(&value, [&](void*) { released = true; }));
  Exported exported(tensor.ToDLPack());
  tensor = Tensor();
  EXPECT_FALSE(released);
  EXPECT_EQ(*static_cast<float*>(exported->dl_tensor.data), 3);
  exported.reset();
  EXPECT_TRUE(released);
}

TEST(ToDLPack, WhatHasNoViewIsAnError) {
  EXPECT_THROW(Tensor::Strings({"a"}, {1}).ToDLPack(), UnsupportedError);
  EXPECT_THROW(Tensor().ToDLPack(), InvalidArgumentError);
}

TEST(DLPack, RoundTripOfEveryDTypeSharesMemory) {
  const std::vector<Shape> shapes = {{}, {5}, {2, 3, 4}};
  for (DType dtype : kPlainDTypes) {
    for (const Shape& shape : shapes) {
      const Tensor tensor = Tensor::Empty(dtype, shape);
      const Tensor back = Tensor::FromDLPack(tensor.ToDLPack());
      EXPECT_EQ(back.dtype(), dtype);
      EXPECT_EQ(back.shape(), shape);
      EXPECT_EQ(back.data(), tensor.data());
    }
  }
}

TEST(DLPack, RoundTripOfZeroSize) {
  const Tensor back = Tensor::FromDLPack(Tensor::Empty(DType::kInt16, {2, 0}).ToDLPack());
  EXPECT_TRUE(back.valid());
  EXPECT_EQ(back.shape(), (Shape{2, 0}));
}

TEST(FromDLPack, DenseIsBorrowed) {
  Foreign foreign({3, 4});
  {
    const Tensor tensor = Tensor::FromDLPack(foreign.managed());
    EXPECT_EQ(tensor.data(), foreign.values());
    EXPECT_EQ(tensor.shape(), (Shape{3, 4}));
    EXPECT_EQ(foreign.released(), 0);
  }
  EXPECT_EQ(foreign.released(), 1);
}

TEST(FromDLPack, RowMajorStridesAreDense) {
  Foreign foreign({3, 4}, {4, 1});
  EXPECT_EQ(Tensor::FromDLPack(foreign.managed()).data(), foreign.values());
  Foreign ones({1, 12, 1}, {99, 1, 77});
  EXPECT_EQ(Tensor::FromDLPack(ones.managed()).data(), ones.values());
}

TEST(FromDLPack, StridedIsCopiedAndReleasedAtOnce) {
  Foreign transposed({4, 3}, {1, 4});
  const Tensor tensor = Tensor::FromDLPack(transposed.managed());
  EXPECT_EQ(transposed.released(), 1);
  EXPECT_NE(tensor.data(), transposed.values());
  EXPECT_EQ(Values(tensor), (std::vector<float>{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}));
}

TEST(FromDLPack, EveryKindOfStrideIsCopied) {
  Foreign every_second({6}, {2});
  EXPECT_EQ(Values(Tensor::FromDLPack(every_second.managed())), (std::vector<float>{0, 2, 4, 6, 8, 10}));
  Foreign repeated({2, 3}, {0, 1});
  EXPECT_EQ(Values(Tensor::FromDLPack(repeated.managed())), (std::vector<float>{0, 1, 2, 0, 1, 2}));
  Foreign backwards({4}, {-1});
  backwards.dl().byte_offset = 3 * sizeof(float);
  EXPECT_EQ(Values(Tensor::FromDLPack(backwards.managed())), (std::vector<float>{3, 2, 1, 0}));
  Foreign nothing({0, 3}, {1, 5});
  EXPECT_EQ(Tensor::FromDLPack(nothing.managed()).shape(), (Shape{0, 3}));
}

TEST(FromDLPack, ByteOffsetCounts) {
  Foreign foreign({2});
  foreign.dl().byte_offset = 5 * sizeof(float);
  const Tensor tensor = Tensor::FromDLPack(foreign.managed());
  EXPECT_EQ(tensor.data(), foreign.values() + 5);
  EXPECT_EQ(Values(tensor), (std::vector<float>{5, 6}));
}

TEST(FromDLPack, PinnedHostMemoryIsHostMemory) {
  Foreign foreign({12});
  foreign.dl().device.device_type = kDLCUDAHost;
  EXPECT_EQ(Tensor::FromDLPack(foreign.managed()).data(), foreign.values());
}

TEST(FromDLPack, MissingDeleterMeansNothingToRelease) {
  Foreign foreign({12});
  foreign.managed()->deleter = nullptr;
  EXPECT_TRUE(Tensor::FromDLPack(foreign.managed()).valid());
}

TEST(FromDLPack, OtherDevicesAreUnsupportedAndReleased) {
  for (DLDeviceType device : {kDLCUDAManaged, kDLROCM, kDLMetal}) {
    Foreign foreign({12});
    foreign.dl().device.device_type = device;
    const std::string message =
        MessageOf<UnsupportedError>([&] { static_cast<void>(Tensor::FromDLPack(foreign.managed())); });
    ExpectContains(message, "device type " + std::to_string(device));
    ExpectContains(message, "copy it there first");
    EXPECT_EQ(foreign.released(), 1);
  }
}

TEST(FromDLPack, GpuMemoryIsBorrowedAndGoesOutAgain) {
  Foreign foreign({12});
  foreign.dl().device = {kDLCUDA, 3};
  {
    const Tensor tensor = Tensor::FromDLPack(foreign.managed());
    EXPECT_TRUE(tensor.on_gpu());
    EXPECT_EQ(tensor.gpu(), 3);
    EXPECT_EQ(tensor.data(), foreign.dl().data);
    DLManagedTensor* out = tensor.ToDLPack();
    EXPECT_EQ(out->dl_tensor.device.device_type, kDLCUDA);
    EXPECT_EQ(out->dl_tensor.device.device_id, 3);
    EXPECT_EQ(out->dl_tensor.data, foreign.dl().data);
    out->deleter(out);
    EXPECT_EQ(foreign.released(), 0);
  }
  EXPECT_EQ(foreign.released(), 1);
}

TEST(FromDLPack, GpuMemoryHasToBeDense) {
  Foreign foreign({2, 6});
  std::int64_t strides[] = {1, 2};
  foreign.dl().device = {kDLCUDA, 0};
  foreign.dl().strides = strides;
  ExpectContains(MessageOf<UnsupportedError>([&] { static_cast<void>(Tensor::FromDLPack(foreign.managed())); }),
                 "make it contiguous");
  EXPECT_EQ(foreign.released(), 1);
}

TEST(FromDLPack, OtherElementTypesAreUnsupportedAndReleased) {
  const DLDataType types[] = {
      {kDLFloat, 8, 1}, {kDLFloat, 32, 4}, {kDLInt, 4, 1}, {kDLOpaqueHandle, 64, 1}, {99, 32, 1}};
  for (const DLDataType& type : types) {
    Foreign foreign({2});
    foreign.dl().dtype = type;
    ExpectContains(MessageOf<UnsupportedError>([&] { static_cast<void>(Tensor::FromDLPack(foreign.managed())); }),
                   "has no tftrt dtype");
    EXPECT_EQ(foreign.released(), 1);
  }
}

TEST(FromDLPack, InconsistentTensorsAreErrorsAndReleased) {
  const auto expect_error = [](Foreign& foreign) {
    EXPECT_THROW(static_cast<void>(Tensor::FromDLPack(foreign.managed())), InvalidArgumentError);
    EXPECT_EQ(foreign.released(), 1);
  };
  Foreign negative_rank({12});
  negative_rank.dl().ndim = -1;
  expect_error(negative_rank);
  Foreign no_shape({12});
  no_shape.dl().shape = nullptr;
  expect_error(no_shape);
  Foreign negative_dimension({-3});
  expect_error(negative_dimension);
  Foreign no_data({12});
  no_data.dl().data = nullptr;
  expect_error(no_data);
  EXPECT_THROW(static_cast<void>(Tensor::FromDLPack(nullptr)), InvalidArgumentError);
}

TEST(FromDLPack, StridedWithoutDataIsAnError) {
  InChild([] {
    Foreign foreign({6}, {2});
    foreign.dl().data = nullptr;
    EXPECT_THROW(static_cast<void>(Tensor::FromDLPack(foreign.managed())), InvalidArgumentError);
  });
}

}  // namespace
}  // namespace tftrt
