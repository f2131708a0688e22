#ifndef TFTRT_API_DEVICE_CHOICE_H_
#define TFTRT_API_DEVICE_CHOICE_H_

#include <string>

namespace tftrt {

// `device` (of ModelOptions) as it can be had with the TensorFlow in `tensorflow_dir`: the CPU for "auto" where
// `tftrt bundle-runtime` left CUDA's device code out. Throws IncompatibleError if it is a GPU there.
std::string ChooseDevice(const std::string& device, const std::string& tensorflow_dir);

}  // namespace tftrt

#endif  // TFTRT_API_DEVICE_CHOICE_H_
