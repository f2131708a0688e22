#[=======================================================================[.rst:
FindTensorFlow
--------------
Finds TensorFlow's C++ libraries and headers: in TENSORFLOW_ROOT (a folder that holds libtensorflow_cc.so.2 and
include/) if that is set, else in the Python that builds (Python_EXECUTABLE), without importing TensorFlow.

Defines the target TensorFlow::TensorFlow, and
  TensorFlow_ROOT_DIR      the folder of the libraries
  TensorFlow_INCLUDE_DIR   its headers
  TensorFlow_VERSION       such as 2.17.1
  TensorFlow_CXX11_ABI     the value of _GLIBCXX_USE_CXX11_ABI that its libraries were compiled with
#]=======================================================================]

set(_tensorflow_problem "")
set(TensorFlow_ROOT_DIR "")

if(NOT TENSORFLOW_ROOT AND DEFINED ENV{TENSORFLOW_ROOT})
  set(TENSORFLOW_ROOT "$ENV{TENSORFLOW_ROOT}")
endif()

if(TENSORFLOW_ROOT)
  set(TensorFlow_ROOT_DIR "${TENSORFLOW_ROOT}")
elseif(NOT Python_EXECUTABLE)
  set(_tensorflow_problem "neither TENSORFLOW_ROOT nor a Python interpreter (Python_EXECUTABLE) was given")
else()
  # find_spec does not run the package: importing TensorFlow takes seconds and prints to stderr.
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
            "import importlib.util as u; s = u.find_spec('tensorflow'); print(next(iter(s.submodule_search_locations)) if s else '')"
    OUTPUT_VARIABLE TensorFlow_ROOT_DIR
    OUTPUT_STRIP_TRAILING_WHITESPACE
    ERROR_VARIABLE _tensorflow_error
    RESULT_VARIABLE _tensorflow_status)
  if(NOT _tensorflow_status EQUAL 0)
    set(_tensorflow_problem "${Python_EXECUTABLE} failed: ${_tensorflow_error}")
  elseif(NOT TensorFlow_ROOT_DIR)
    set(_tensorflow_problem
        "${Python_EXECUTABLE} has no package 'tensorflow': install it there with ${Python_EXECUTABLE} -m pip install 'tensorflow>=2.17,<2.18'"
    )
  endif()
endif()

if(TensorFlow_ROOT_DIR)
  set(TensorFlow_INCLUDE_DIR "${TensorFlow_ROOT_DIR}/include")
  set(TensorFlow_CC_LIBRARY "${TensorFlow_ROOT_DIR}/libtensorflow_cc.so.2")
  set(TensorFlow_FRAMEWORK_LIBRARY "${TensorFlow_ROOT_DIR}/libtensorflow_framework.so.2")
  set(_tensorflow_version_header "${TensorFlow_INCLUDE_DIR}/tensorflow/core/public/version.h")
  foreach(_tensorflow_file IN ITEMS "${TensorFlow_CC_LIBRARY}" "${TensorFlow_FRAMEWORK_LIBRARY}"
                                    "${_tensorflow_version_header}")
    if(NOT EXISTS "${_tensorflow_file}")
      string(APPEND _tensorflow_problem "missing ${_tensorflow_file}, ")
    endif()
  endforeach()

  if(NOT _tensorflow_problem)
    file(STRINGS "${_tensorflow_version_header}" _tensorflow_lines
         REGEX "#define TF_(MAJOR|MINOR|PATCH)_VERSION [0-9]+")
    list(TRANSFORM _tensorflow_lines REPLACE "[^0-9]*([0-9]+).*" "\\1")
    list(JOIN _tensorflow_lines "." TensorFlow_VERSION)

    # Names of functions that take a std::string hold "cxx11" only under the new ABI.
    file(STRINGS "${TensorFlow_FRAMEWORK_LIBRARY}" _tensorflow_symbol LIMIT_COUNT 1
         REGEX "tensorflow.*NSt7__cxx1112basic_string")
    if(_tensorflow_symbol)
      set(TensorFlow_CXX11_ABI 1)
    else()
      set(TensorFlow_CXX11_ABI 0)
    endif()
  endif()
endif()

include(FindPackageHandleStandardArgs)
if(_tensorflow_problem)
  set(TensorFlow_CC_LIBRARY "")
endif()
find_package_handle_standard_args(
  TensorFlow
  REQUIRED_VARS TensorFlow_CC_LIBRARY TensorFlow_FRAMEWORK_LIBRARY TensorFlow_INCLUDE_DIR
  VERSION_VAR TensorFlow_VERSION HANDLE_VERSION_RANGE
  REASON_FAILURE_MESSAGE "${_tensorflow_problem}")

if(TensorFlow_FOUND AND NOT TARGET TensorFlow::TensorFlow)
  add_library(TensorFlow::Framework SHARED IMPORTED)
  set_target_properties(TensorFlow::Framework PROPERTIES IMPORTED_LOCATION "${TensorFlow_FRAMEWORK_LIBRARY}")
  target_include_directories(TensorFlow::Framework SYSTEM INTERFACE "${TensorFlow_INCLUDE_DIR}")
  target_compile_features(TensorFlow::Framework INTERFACE cxx_std_17)
  target_compile_definitions(TensorFlow::Framework INTERFACE "_GLIBCXX_USE_CXX11_ABI=${TensorFlow_CXX11_ABI}"
                                                             EIGEN_MAX_ALIGN_BYTES=64)
  add_library(TensorFlow::TensorFlow SHARED IMPORTED)
  set_target_properties(TensorFlow::TensorFlow PROPERTIES IMPORTED_LOCATION "${TensorFlow_CC_LIBRARY}")
  target_link_libraries(TensorFlow::TensorFlow INTERFACE TensorFlow::Framework)
endif()
