#ifndef TFTRT_EXPORT_H_
#define TFTRT_EXPORT_H_

// Marks what libtftrt.so exports; everything else in it is hidden.
#define TFTRT_EXPORT __attribute__((visibility("default")))

#endif  // TFTRT_EXPORT_H_
