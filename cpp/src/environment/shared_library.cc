#include "environment/shared_library.h"

#include <dlfcn.h>
#include <link.h>

#include <cstddef>
#include <filesystem>

namespace tftrt {
namespace {

SharedLibrary Open(const std::string& name_or_path, int flags) {
  SharedLibrary library;
  // As TensorFlow opens them. RTLD_NOW shows an unresolved symbol here, as an error; later it would end the process.
  library.handle = dlopen(name_or_path.c_str(), RTLD_NOW | RTLD_LOCAL | flags);
  if (library.handle == nullptr) {
    const char* error = dlerror();
    library.error = error == nullptr ? "it is not loaded" : error;
  }
  return library;
}

}  // namespace

SharedLibrary OpenLibrary(const std::string& name_or_path) { return Open(name_or_path, 0); }

SharedLibrary FindLoadedLibrary(const std::string& name_or_path) { return Open(name_or_path, RTLD_NOLOAD); }

void* FindSymbol(const SharedLibrary& library, const char* name) {
  return library ? dlsym(library.handle, name) : nullptr;
}

std::string PathOfLibrary(const SharedLibrary& library) {
  link_map* map = nullptr;
  if (!library || dlinfo(library.handle, RTLD_DI_LINKMAP, static_cast<void*>(&map)) != 0 || map == nullptr) return "";
  return map->l_name;
}

std::string PathOfAddress(const void* address) {
  Dl_info info;
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return "";
  return info.dli_fname;
}

std::string OwnDirectory() {
  std::error_code error;
  const std::filesystem::path path = PathOfAddress(reinterpret_cast<const void*>(&OwnDirectory));
  // A program that holds this code itself may have been started by a relative path.
  return std::filesystem::absolute(path, error).lexically_normal().parent_path().string();
}

std::vector<std::string> LoaderDirectories() {
  void* program = dlopen(nullptr, RTLD_LAZY);
  Dl_serinfo size;
  if (program == nullptr || dlinfo(program, RTLD_DI_SERINFOSIZE, &size) != 0) return {};
  std::vector<std::max_align_t> buffer(size.dls_size / sizeof(std::max_align_t) + 1);
  auto* info = reinterpret_cast<Dl_serinfo*>(buffer.data());
  if (dlinfo(program, RTLD_DI_SERINFOSIZE, info) != 0 || dlinfo(program, RTLD_DI_SERINFO, info) != 0) return {};
  std::vector<std::string> directories;
  for (unsigned i = 0; i < info->dls_cnt; ++i) directories.emplace_back(info->dls_serpath[i].dls_name);
  return directories;
}

}  // namespace tftrt
