#ifndef TFTRT_TESTS_CPP_FAKES_FAKE_CUDA_H_
#define TFTRT_TESTS_CPP_FAKES_FAKE_CUDA_H_

#include <functional>

// What libcudart.so.12 of this folder offers besides CUDA's own functions.
//
// Its streams do nothing until somebody waits for them or asks whether they are done: what is read, overwritten or
// freed too early is seen. GPU memory is the host's.
extern "C" {

// Puts a kernel into the stream.
void FakeCudaLaunch(void* stream, std::function<void()> kernel);

// Has the stream do its work as soon as it is queued, as TensorFlow's kernels on the CPU need it.
void FakeCudaMakeEager(void* stream);

// While held, no stream gets on, and whoever waits for one waits.
void FakeCudaHold(bool held);

// How many graphs were launched, and how many graphs, streams, events and pieces of pinned memory there are.
int FakeCudaGraphLaunches();
int FakeCudaObjects();

// Has captures fail from now on, or succeed again.
void FakeCudaRefuseCaptures(bool refuse);
}

#endif  // TFTRT_TESTS_CPP_FAKES_FAKE_CUDA_H_
