#include "tftrt/stats.h"

namespace tftrt {

std::string ToString(const EngineProfile& profile) {
  std::string text;
  for (std::size_t i = 0; i < profile.min.size(); ++i) {
    text += (i == 0 ? "" : ", ") + ToString(profile.min[i]);
    if (profile.max[i] != profile.min[i]) text += ".." + ToString(profile.max[i]);
  }
  return text;
}

}  // namespace tftrt
