#ifndef TFTRT_DIRECT_CHECKS_BESIDE_H_
#define TFTRT_DIRECT_CHECKS_BESIDE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "api/backend.h"
#include "gpu/cuda_event.h"

namespace tftrt {

// Checks of a signature's inputs, which the caller's thread runs on the host while the GPU runs the engine.
// Thread-safe.
class ChecksBeside {
 public:
  // `inputs`: what they read, as indices into the signature's inputs. `callable` takes these alone, and returns
  // nothing.
  ChecksBeside(std::vector<std::size_t> inputs, std::unique_ptr<Callable> callable)
      : inputs_(std::move(inputs)), callable_(std::move(callable)) {}

  // Whether they read an input that lies on a GPU. `inputs`: of the signature.
  bool ReadsFromGpu(const Tensor* const* inputs) const;

  // The checks of one call.
  class Call {
   public:
    // `inputs`: of the signature, as they are until Run returns. Those on a GPU are read in `stream`, after what is
    // queued there.
    Call(const ChecksBeside& checks, const Tensor* const* inputs, CudaStream stream);

    // Throws what the first check throws that fails.
    void Run() const;

   private:
    const Callable& callable_;
    std::vector<Tensor> copies_;  // of inputs on a GPU
    std::vector<const Tensor*> inputs_;
    std::optional<CudaEventOwner> copied_;
  };

 private:
  const std::vector<std::size_t> inputs_;
  const std::unique_ptr<Callable> callable_;
};

}  // namespace tftrt

#endif  // TFTRT_DIRECT_CHECKS_BESIDE_H_
