#include "environment/open_failure.h"

#include <sys/resource.h>

#include "tftrt/error.h"

namespace tftrt {
namespace {

bool Contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// The limit that the process has on its address space, and what to do about it.
std::string DescribeMemory() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return "the machine or its container has no memory left. Free some, or give it more";
  }
  return "this process may use " + std::to_string(limit.rlim_cur >> 20) +
         " MiB of address space (RLIMIT_AS, \"ulimit -v\"). Raise that limit: TensorFlow needs some 3000 MiB of "
         "address "
         "space before it loads a model";
}

}  // namespace

bool IsOutOfMemory(const std::string& error) {
  // A file system that is mounted without permission to execute has the loader say the same.
  if (Contains(error, "not permitted") || Contains(error, "static TLS")) return false;
  for (const char* part : {"failed to map segment", "annot allocate memory", "cannot map zero-fill pages",
                           "cannot create shared object descriptor", "out of memory"}) {
    if (Contains(error, part)) return true;
  }
  return false;
}

void ThrowOpenFailure(const std::string& what, const std::string& error, const std::string& remedy) {
  const std::string problem = "cannot open " + what + ": " + error;
  if (IsOutOfMemory(error)) throw ResourceExhaustedError(problem + "; " + DescribeMemory());
  throw IncompatibleError(problem + ". " + remedy);
}

}  // namespace tftrt
