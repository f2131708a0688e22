#include "tftrt/dtype.h"

#include <array>

namespace tftrt {
namespace {

struct Entry {
  std::string_view name;
  std::size_t size;
};

// In the order of DType.
constexpr std::array<Entry, 16> kEntries = {{
    {"float16", 2},
    {"bfloat16", 2},
    {"float32", 4},
    {"float64", 8},
    {"int8", 1},
    {"int16", 2},
    {"int32", 4},
    {"int64", 8},
    {"uint8", 1},
    {"uint16", 2},
    {"uint32", 4},
    {"uint64", 8},
    {"bool", 1},
    {"complex64", 8},
    {"complex128", 16},
    {"string", 0},
}};
static_assert(kEntries.size() == static_cast<std::size_t>(DType::kString) + 1);

const Entry& Lookup(DType dtype) { return kEntries[static_cast<std::size_t>(dtype)]; }

}  // namespace

std::string_view Name(DType dtype) { return Lookup(dtype).name; }

std::size_t ElementSize(DType dtype) { return Lookup(dtype).size; }

}  // namespace tftrt
