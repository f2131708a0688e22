#include "tf/gpu_device.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "gpu/cuda_event.h"
#include "tensorflow/core/common_runtime/device_mgr.h"
#include "tf/device_buffer.h"
#include "tf/status.h"
#include "tf/tensor_conversion.h"
#include "tftrt/error.h"
#include "xla/stream_executor/stream.h"

namespace tftrt {
namespace {

std::size_t BytesOf(DType dtype, const Shape& shape) {
  return ElementSize(dtype) * static_cast<std::size_t>(ToTensorFlow(shape).num_elements());
}

}  // namespace

tensorflow::Tensor GpuDevice::AllocateInOrder(tensorflow::DataType dtype, const tensorflow::TensorShape& shape) const {
  tensorflow::Tensor tensor(device_.GetAllocator({}), dtype, shape);
  if (!tensor.IsInitialized()) {
    throw InternalError("the GPU has no room for " +
                        std::to_string(shape.num_elements() * tensorflow::DataTypeSize(dtype)) +
                        " bytes; load fewer models or instances, or raise gpu_memory_limit_mb");
  }
  return tensor;
}

tensorflow::Tensor GpuDevice::Allocate(std::int64_t bytes) const {
  tensorflow::Tensor tensor = AllocateInOrder(tensorflow::DT_UINT8, tensorflow::TensorShape({bytes}));
  // What had the memory before may still be in TensorFlow's queue.
  CheckCuda(GetCuda().StreamSynchronize(compute_stream_), "waiting for TensorFlow's stream");
  return tensor;
}

Tensor GpuDevice::AllocateZeros(DType dtype, const Shape& shape) const {
  const std::size_t bytes = BytesOf(dtype, shape);
  MakeCurrent();
  const auto memory = std::make_shared<DeviceBuffer>();
  memory->Reserve(*this, bytes);
  CheckCuda(GetCuda().Memset(memory->data(), 0, bytes), "filling GPU memory");
  // Streams that do not wait for the default one are about to use it.
  CheckCuda(GetCuda().StreamSynchronize(kCudaDefaultStream), "waiting for the GPU");
  return Tensor::BorrowGpu(memory->data(), dtype, shape, index_, ForOthers(memory));
}

std::shared_ptr<void> GpuDevice::ForOthers(std::shared_ptr<void> memory) const {
  void* const address = memory.get();
  return std::shared_ptr<void>(
      address, [memory = std::move(memory), index = index_, stream = compute_stream_](void*) mutable {
        try {
          CheckCuda(GetCuda().SetDevice(index), "choosing the GPU");
          CudaEventOwner().Order(kCudaDefaultStream, stream);
        } catch (const Error&) {  // the process ends, or the GPU has failed: nothing uses it any more
        }
        memory.reset();
      });
}

Tensor GpuDevice::AllocatePinned(DType dtype, Shape shape) const {
  const std::size_t bytes = BytesOf(dtype, shape);
  void* memory = nullptr;
  CheckCuda(GetCuda().HostAlloc(&memory, std::max<std::size_t>(bytes, 1), 0), "allocating pinned memory");
  const auto use = std::make_shared<CountedUse>(counters_, &MemoryCounters::pinned, static_cast<std::int64_t>(bytes));
  const std::shared_ptr<void> owner(memory, [use](void* pointer) { GetCuda().FreeHost(pointer); });
  std::memset(memory, 0, bytes);
  return Tensor::Borrow(memory, dtype, std::move(shape), owner);
}

std::int64_t GpuDevice::PoolBytesInUse() const {
  const auto stats = device_.GetAllocator({})->GetStats();
  return stats ? stats->bytes_in_use : 0;
}

bool GpuDevice::IsPinned(const void* pointer) { return AttributesOf(pointer).type == kCudaMemoryTypeHost; }

tensorflow::Device& FindDevice(tensorflow::Session& session, const std::string& name) {
  const tensorflow::DeviceMgr* devices = nullptr;
  ThrowIfError(session.LocalDeviceManager(&devices), "looking for the session's devices");
  tensorflow::Device* found = nullptr;
  ThrowIfError(devices->LookupDevice(name, &found), "looking for " + name);
  return *found;
}

GpuDevice OpenGpu(tensorflow::Session& session, const std::string& name, int index) {
  tensorflow::Device& device = FindDevice(session, name);
  const auto* info = device.tensorflow_accelerator_device_info();
  if (info == nullptr || info->stream == nullptr) throw InternalError(name + " has no stream");
  return GpuDevice(device, index, static_cast<CudaStream>(info->stream->platform_specific_handle().stream));
}

}  // namespace tftrt
