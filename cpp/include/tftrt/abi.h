#ifndef TFTRT_ABI_H_
#define TFTRT_ABI_H_

// Says at once what the linker would tell as a riddle: the C++ API passes std::string and std::vector, so that a
// program must be compiled with the same standard library and the same ABI of it as libtftrt.so.

#include <cstddef>

#if __cplusplus < 201703L
#error "tftrt's C++ API needs C++17. Compile with -std=c++17 or newer."
#endif

#if !defined(__GLIBCXX__)
#error "tftrt is built with GNU's libstdc++. With clang, compile with -stdlib=libstdc++; or use tftrt's C API."
#elif !_GLIBCXX_USE_CXX11_ABI
#error "tftrt is built with _GLIBCXX_USE_CXX11_ABI=1, as TensorFlow 2.17 is. Leave out -D_GLIBCXX_USE_CXX11_ABI=0."
#endif

#endif  // TFTRT_ABI_H_
