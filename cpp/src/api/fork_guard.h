#ifndef TFTRT_API_FORK_GUARD_H_
#define TFTRT_API_FORK_GUARD_H_

namespace tftrt {

// TensorFlow's threads do not exist in a forked child, and a session there waits for them for ever. A ForkGuard
// remembers the process that it was made in.
class ForkGuard {
 public:
  ForkGuard();

  // Whether this process was forked since.
  bool InForkedChild() const;

  // Throws IncompatibleError with the remedy if so.
  void Check() const {
    if (InForkedChild()) Throw();
  }

 private:
  [[noreturn]] static void Throw();

  unsigned generation_;
};

}  // namespace tftrt

#endif  // TFTRT_API_FORK_GUARD_H_
