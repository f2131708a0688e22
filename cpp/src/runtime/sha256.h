#ifndef TFTRT_RUNTIME_SHA256_H_
#define TFTRT_RUNTIME_SHA256_H_

#include <openssl/sha.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace tftrt {

// A SHA-256 sum, taken piece by piece.
class Sha256 {
 public:
  static constexpr std::size_t kDigits = 2 * std::size_t{SHA256_DIGEST_LENGTH};

  Sha256() { SHA256_Init(&context_); }
  void Update(std::string_view bytes) { SHA256_Update(&context_, bytes.data(), bytes.size()); }
  // In hexadecimal digits. The last call.
  std::string Finish();

 private:
  SHA256_CTX context_;
};

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_SHA256_H_
