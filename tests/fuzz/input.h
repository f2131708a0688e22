#ifndef TFTRT_TESTS_FUZZ_INPUT_H_
#define TFTRT_TESTS_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

// What a fuzzer made up, read from its beginning. After its end everything is zero.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  bool empty() const { return size_ == 0; }

  std::uint8_t Byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }

  std::string Text(std::size_t length) {
    const std::size_t taken = std::min(length, size_);
    std::string text(reinterpret_cast<const char*>(data_), taken);
    data_ += taken;
    size_ -= taken;
    return text;
  }

  std::string Rest() { return Text(size_); }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

#endif  // TFTRT_TESTS_FUZZ_INPUT_H_
