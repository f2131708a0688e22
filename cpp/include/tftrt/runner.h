#ifndef TFTRT_RUNNER_H_
#define TFTRT_RUNNER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tftrt/export.h"
#include "tftrt/model.h"
#include "tftrt/tensor.h"

namespace tftrt {

// A signature bound to inputs and outputs that stay where they are: fill the inputs, Run, read the outputs. Nothing is
// looked up, checked or allocated on the way. Model::Bind makes it.
//
//   tftrt::Runner runner = model.Bind({{"x", {1, 4}}});
//   float* x = runner.input("x").data<float>();
//   ...                                              // fill it
//   runner.Run();
//   const float* y = runner.output("y").data<float>();
//
// Not thread-safe: one thread at a time, which also keeps its hands off the inputs while Run runs. Several runners of
// one model may run at once. A runner keeps its model loaded unless that is closed.
class TFTRT_EXPORT Runner {
 public:
  Runner(Runner&&) noexcept;
  Runner& operator=(Runner&&) noexcept;
  ~Runner();

  // Of the signature, in the order of Model::inputs() and of the outputs asked for.
  const std::vector<TensorSpec>& inputs() const;
  const std::vector<TensorSpec>& outputs() const;

  // A handle of what Run reads, on the GPU if it was bound so; its memory stays where it is. By name, or by index into
  // inputs(). Throws InvalidArgumentError for an unknown name, std::out_of_range for another index.
  Tensor input(const std::string& name) const;
  Tensor input(std::size_t index) const;

  // What the last Run wrote, not valid() before the first. Its memory stays where it is as long as the output's shape
  // is the same; the next Run overwrites it. Strings are new each time.
  const Tensor& output(const std::string& name) const;
  const Tensor& output(std::size_t index) const;

  // Runs the signature once, in the caller's thread where the graph allows. Inputs on a GPU are read after what was
  // queued in CUDA's default stream; all outputs are there when it returns. Throws InvalidArgumentError if the model is
  // closed or cannot compute these inputs; the outputs are then what they were, or new.
  void Run();

  // The same in the order of a CUDA stream of the model's GPU (a cudaStream_t): inputs are read, on the host as well,
  // after what was queued there, and what is queued there later finds the outputs. It may return before the run is
  // over: until the stream has passed it, host inputs are not to be written to nor host outputs to be read. Throws
  // UnsupportedError if the model does not run on a GPU.
  void RunOn(void* cuda_stream);

  class Impl;

 private:
  friend class Model;
  explicit Runner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tftrt

#endif  // TFTRT_RUNNER_H_
