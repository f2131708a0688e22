#ifndef SERVICE_WARM_RUNNERS_H_
#define SERVICE_WARM_RUNNERS_H_

#include <tftrt/model.h>
#include <tftrt/runner.h>

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

namespace service {

// Of all inputs, in the signature's order.
using Shapes = std::vector<tftrt::Shape>;
using Runners = std::map<Shapes, tftrt::Runner>;

// Of different shapes; a client that sends ever new ones costs time, not memory.
inline constexpr std::size_t kMostShapes = 16;

tftrt::Runner Bind(const tftrt::Model& model, const Shapes& shapes);

// Knows the shapes that were served, and has calls of a new version bound to them and run before it serves, a set for
// each worker. Thread-safe.
class WarmRunners {
 public:
  explicit WarmRunners(int workers) : workers_(workers) {}

  // These shapes were served. Only those of kMostShapes that were served last are kept.
  void Remember(const Shapes& shapes);

  // Binds and runs the remembered shapes, with zeros. Shapes that the model cannot compute, or not of zeros, are left
  // out; throws what else goes wrong, and has forgotten the shapes that it came with.
  void Prepare(const tftrt::Model& model);

  // One of the sets that were prepared for this model; empty if there is none left.
  Runners Take(const tftrt::Model& model);

 private:
  void Forget(const Shapes& shapes);

  const int workers_;
  std::mutex mutex_;
  std::deque<Shapes> shapes_;
  const tftrt::ModelInfo* prepared_for_ = nullptr;
  std::vector<Runners> prepared_;
};

}  // namespace service

#endif  // SERVICE_WARM_RUNNERS_H_
