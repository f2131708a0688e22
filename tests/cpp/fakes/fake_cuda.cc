// CUDA's runtime library, as far as tftrt uses it, without a GPU: see fake_cuda.h.

#include "fake_cuda.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace {

constexpr int kSuccess = 0;
constexpr int kInvalidValue = 1;
constexpr int kNotReady = 600;
constexpr int kCaptureUnsupported = 900;

using Work = std::function<void()>;

struct Stream;

// Up to where a stream has to be.
struct Point {
  Stream* stream = nullptr;
  std::uint64_t position = 0;
};

struct Stream {
  std::deque<Work> queued;
  std::uint64_t done = 0;  // how much was ever done
  bool eager = false;
  std::vector<Work>* capture = nullptr;
};

struct Event {
  Point point;
};

struct Graph {
  std::vector<Work> work;
};

struct State {
  std::recursive_mutex mutex;
  std::condition_variable_any changed;
  bool held = false;
  bool refuse_captures = false;
  int launches = 0;
  int objects = 0;
  Stream default_stream;
  std::map<char*, std::size_t> pinned;  // by the first byte
};

State& TheState() {
  static auto* state = new State;
  return *state;
}

using Lock = std::unique_lock<std::recursive_mutex>;

Stream& StreamOf(void* stream) { return stream == nullptr ? TheState().default_stream : *static_cast<Stream*>(stream); }

void AdvanceTo(const Point& point) {
  if (point.stream == nullptr) return;
  while (point.stream->done < point.position) {
    const Work work = std::move(point.stream->queued.front());
    point.stream->queued.pop_front();
    work();
    ++point.stream->done;
  }
}

Point EndOf(Stream& stream) { return {&stream, stream.done + stream.queued.size()}; }

void Queue(Stream& stream, Work work) {
  if (stream.capture != nullptr) {
    stream.capture->push_back(std::move(work));
    return;
  }
  stream.queued.push_back(std::move(work));
  if (stream.eager) AdvanceTo(EndOf(stream));
}

void WaitFor(Lock& lock, const Point& point) {
  TheState().changed.wait(lock, [] { return !TheState().held; });
  AdvanceTo(point);
}

bool IsPinned(const void* address) {
  const auto& pinned = TheState().pinned;
  auto after = pinned.upper_bound(static_cast<char*>(const_cast<void*>(address)));
  if (after == pinned.begin()) return false;
  const auto& [begin, size] = *std::prev(after);
  return static_cast<const char*>(address) < begin + size;
}

int DestroyGraph(void* graph) {
  const Lock lock(TheState().mutex);
  delete static_cast<Graph*>(graph);
  --TheState().objects;
  return kSuccess;
}

constexpr int kHostToDevice = 1;

}  // namespace

extern "C" {

void FakeCudaLaunch(void* stream, std::function<void()> kernel) {
  const Lock lock(TheState().mutex);
  Queue(StreamOf(stream), std::move(kernel));
}

void FakeCudaMakeEager(void* stream) {
  const Lock lock(TheState().mutex);
  StreamOf(stream).eager = true;
}

void FakeCudaHold(bool held) {
  const Lock lock(TheState().mutex);
  TheState().held = held;
  TheState().changed.notify_all();
}

int FakeCudaGraphLaunches() {
  const Lock lock(TheState().mutex);
  return TheState().launches;
}

int FakeCudaObjects() {
  const Lock lock(TheState().mutex);
  return TheState().objects;
}

void FakeCudaRefuseCaptures(bool refuse) {
  const Lock lock(TheState().mutex);
  TheState().refuse_captures = refuse;
}

int cudaSetDevice(int) { return kSuccess; }
int cudaGetLastError() { return kSuccess; }
const char* cudaGetErrorString(int) { return "an error of the fake"; }

int cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *free = std::size_t{1} << 30;
  *total = std::size_t{1} << 31;
  return kSuccess;
}

int cudaHostAlloc(void** pointer, std::size_t bytes, unsigned) {
  const Lock lock(TheState().mutex);
  *pointer = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  TheState().pinned[static_cast<char*>(*pointer)] = bytes;
  ++TheState().objects;
  return kSuccess;
}

int cudaFreeHost(void* pointer) {
  const Lock lock(TheState().mutex);
  TheState().pinned.erase(static_cast<char*>(pointer));
  --TheState().objects;
  std::free(pointer);
  return kSuccess;
}

struct FakePointerAttributes {
  int type;
  int device;
  void* device_pointer;
  void* host_pointer;
};

int cudaPointerGetAttributes(FakePointerAttributes* attributes, const void* pointer) {
  const Lock lock(TheState().mutex);
  *attributes = {};
  attributes->type = IsPinned(pointer) ? 1 : 0;
  return kSuccess;
}

int cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, int kind, void* stream) {
  const Lock lock(TheState().mutex);
  Stream& queue = StreamOf(stream);
  if (kind == kHostToDevice && !IsPinned(from)) {
    // CUDA has read it when this returns.
    auto staged =
        std::make_shared<std::vector<char>>(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
    Queue(queue, [to, staged] { std::memcpy(to, staged->data(), staged->size()); });
    return kSuccess;
  }
  Queue(queue, [to, from, bytes] { std::memcpy(to, from, bytes); });
  return kSuccess;
}

int cudaMemcpy(void* to, const void* from, std::size_t bytes, int) {
  Lock lock(TheState().mutex);
  WaitFor(lock, EndOf(TheState().default_stream));
  std::memcpy(to, from, bytes);
  return kSuccess;
}

int cudaMemset(void* pointer, int value, std::size_t bytes) {
  const Lock lock(TheState().mutex);
  Queue(TheState().default_stream, [pointer, value, bytes] { std::memset(pointer, value, bytes); });
  return kSuccess;
}

int cudaStreamCreateWithFlags(void** stream, unsigned) {
  const Lock lock(TheState().mutex);
  *stream = new Stream;
  ++TheState().objects;
  return kSuccess;
}

int cudaStreamDestroy(void* stream) {
  const Lock lock(TheState().mutex);
  // CUDA lets it finish.
  AdvanceTo(EndOf(StreamOf(stream)));
  --TheState().objects;
  return kSuccess;  // never freed: events refer to it
}

int cudaStreamSynchronize(void* stream) {
  Lock lock(TheState().mutex);
  WaitFor(lock, EndOf(StreamOf(stream)));
  return kSuccess;
}

int cudaStreamWaitEvent(void* stream, void* event, unsigned) {
  const Lock lock(TheState().mutex);
  const Point point = static_cast<Event*>(event)->point;
  Queue(StreamOf(stream), [point] { AdvanceTo(point); });
  return kSuccess;
}

int cudaStreamBeginCapture(void* stream, int) {
  const Lock lock(TheState().mutex);
  Stream& queue = StreamOf(stream);
  if (TheState().refuse_captures) return kCaptureUnsupported;
  if (queue.capture != nullptr) return kInvalidValue;
  queue.capture = new std::vector<Work>;
  return kSuccess;
}

int cudaStreamEndCapture(void* stream, void** graph) {
  const Lock lock(TheState().mutex);
  Stream& queue = StreamOf(stream);
  const std::unique_ptr<std::vector<Work>> captured(std::exchange(queue.capture, nullptr));
  *graph = new Graph{std::move(*captured)};
  ++TheState().objects;
  return kSuccess;
}

int cudaEventCreateWithFlags(void** event, unsigned) {
  const Lock lock(TheState().mutex);
  *event = new Event;
  ++TheState().objects;
  return kSuccess;
}

int cudaEventDestroy(void* event) {
  const Lock lock(TheState().mutex);
  delete static_cast<Event*>(event);
  --TheState().objects;
  return kSuccess;
}

int cudaEventRecord(void* event, void* stream) {
  const Lock lock(TheState().mutex);
  static_cast<Event*>(event)->point = EndOf(StreamOf(stream));
  return kSuccess;
}

int cudaEventSynchronize(void* event) {
  Lock lock(TheState().mutex);
  WaitFor(lock, static_cast<Event*>(event)->point);
  return kSuccess;
}

int cudaEventQuery(void* event) {
  const Lock lock(TheState().mutex);
  const Point& point = static_cast<Event*>(event)->point;
  if (point.stream == nullptr || point.stream->done >= point.position) return kSuccess;
  if (TheState().held) return kNotReady;
  AdvanceTo({point.stream, point.stream->done + 1});
  return kNotReady;
}

int cudaGraphInstantiateWithFlags(void** executable, void* graph, unsigned long long) {
  const Lock lock(TheState().mutex);
  *executable = new Graph(*static_cast<Graph*>(graph));
  ++TheState().objects;
  return kSuccess;
}

int cudaGraphUpload(void*, void*) { return kSuccess; }

int cudaGraphLaunch(void* executable, void* stream) {
  const Lock lock(TheState().mutex);
  ++TheState().launches;
  for (const Work& work : static_cast<Graph*>(executable)->work) Queue(StreamOf(stream), work);
  return kSuccess;
}

int cudaGraphDestroy(void* graph) { return DestroyGraph(graph); }

int cudaGraphExecDestroy(void* executable) {
  // Not by cudaGraphDestroy, which may be TensorFlow's.
  return DestroyGraph(executable);
}
}
