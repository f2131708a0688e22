#include "environment/private_log.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace tftrt {
namespace {

using Level = std::atomic<int>;

// A file in memory, to be read; empty if that failed.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file == -1) return;
    struct stat status;
    if (fstat(file, &status) == 0 && status.st_size > 0) {
      void* begin = mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
      if (begin != MAP_FAILED) bytes_ = {static_cast<const char*>(begin), static_cast<std::size_t>(status.st_size)};
    }
    close(file);
  }
  ~MappedFile() {
    if (!bytes_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // Null if the file ends before.
  template <typename T>
  const T* At(std::size_t offset, std::size_t count = 1) const {
    if (offset > bytes_.size() || count > (bytes_.size() - offset) / sizeof(T)) return nullptr;
    return reinterpret_cast<const T*>(bytes_.data() + offset);
  }

  std::string_view TextAt(std::size_t offset) const {
    if (offset >= bytes_.size()) return {};
    const std::string_view rest = bytes_.substr(offset);
    return rest.substr(0, rest.find('\0'));
  }

 private:
  std::string_view bytes_;
};

bool IsLogLevel(const Elf64_Sym& symbol, const MappedFile& file, std::size_t names) {
  if (ELF64_ST_TYPE(symbol.st_info) != STT_OBJECT || symbol.st_size != sizeof(Level)) return false;
  if (symbol.st_value % alignof(Level) != 0 || symbol.st_shndx == SHN_UNDEF) return false;
  const std::string_view name = file.TextAt(names + symbol.st_name);
  // absl::lts_...::(anonymous namespace)::min_log_level, and what the compiler appended
  return name.rfind("_ZN4absl", 0) == 0 && name.find("12_GLOBAL__N_113min_log_levelE") != std::string_view::npos;
}

// Its address before the library is moved to where it is loaded; 0 if it is not to be found.
std::size_t FindLogLevel(const MappedFile& file, const Elf64_Ehdr& header) {
  const auto* const sections = file.At<Elf64_Shdr>(header.e_shoff, header.e_shnum);
  if (sections == nullptr) return 0;
  for (const Elf64_Shdr* section = sections; section != sections + header.e_shnum; ++section) {
    if (section->sh_type != SHT_SYMTAB || section->sh_link >= header.e_shnum) continue;
    // Of the symbols, those of the library alone come first.
    const auto* const symbols = file.At<Elf64_Sym>(section->sh_offset, section->sh_info);
    if (symbols == nullptr) continue;
    const std::size_t names = sections[section->sh_link].sh_offset;
    for (const Elf64_Sym* symbol = symbols; symbol != symbols + section->sh_info; ++symbol) {
      if (IsLogLevel(*symbol, file, names)) return symbol->st_value;
    }
  }
  return 0;
}

}  // namespace

void SetPrivateLogLevel(const SharedLibrary& library, int level) {
  link_map* loaded = nullptr;
  Dl_info info;
  if (dlinfo(library.handle, RTLD_DI_LINKMAP, static_cast<void*>(&loaded)) != 0 || dladdr(loaded->l_ld, &info) == 0)
    return;
  const MappedFile file(loaded->l_name);
  // Another library may have taken the file's place since.
  const auto* const header = file.At<Elf64_Ehdr>(0);
  if (header == nullptr || std::memcmp(header, info.dli_fbase, sizeof(*header)) != 0) return;
  const std::size_t address = FindLogLevel(file, *header);
  if (address == 0) return;
  // Shared libraries count their addresses from their header.
  reinterpret_cast<Level*>(static_cast<char*>(info.dli_fbase) + address)->store(level, std::memory_order_relaxed);
}

}  // namespace tftrt
