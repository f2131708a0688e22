#ifndef TFTRT_VERSION_H_
#define TFTRT_VERSION_H_

// The one place where the version is written: CMake, the Python package and its metadata read this line.
#define TFTRT_VERSION "0.1.0"

#endif  // TFTRT_VERSION_H_
