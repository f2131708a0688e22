#ifndef TFTRT_ENVIRONMENT_SHARED_LIBRARY_H_
#define TFTRT_ENVIRONMENT_SHARED_LIBRARY_H_

#include <string>
#include <vector>

namespace tftrt {

// The result of dlopen. Libraries are never closed: TensorFlow and CUDA do not survive it.
struct SharedLibrary {
  void* handle = nullptr;
  std::string error;  // dlerror's text if handle is null

  explicit operator bool() const { return handle != nullptr; }
};

// A name without a slash is looked for as the loader does.
SharedLibrary OpenLibrary(const std::string& name_or_path);

// Opens it only if the process already has it.
SharedLibrary FindLoadedLibrary(const std::string& name_or_path);

// Null if neither the library nor one that it depends on exports it.
void* FindSymbol(const SharedLibrary& library, const char* name);

// The same as a function; `Function` is its type, without the star.
template <typename Function>
Function* FindFunction(const SharedLibrary& library, const char* name) {
  return reinterpret_cast<Function*>(FindSymbol(library, name));
}

// Path of the file that `library` was loaded from; empty if it is not open.
std::string PathOfLibrary(const SharedLibrary& library);

// Path of the file that `address` (a function or the result of FindSymbol) was loaded from; empty if unknown.
std::string PathOfAddress(const void* address);

// Folder that libtftrt.so was loaded from.
std::string OwnDirectory();

// Folders that the loader looks into for a name without a slash: LD_LIBRARY_PATH as it was when the process began,
// then the system's. What only the loader's cache knows is not among them.
std::vector<std::string> LoaderDirectories();

}  // namespace tftrt

#endif  // TFTRT_ENVIRONMENT_SHARED_LIBRARY_H_
