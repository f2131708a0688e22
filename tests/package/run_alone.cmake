# Runs PROGRAM with MODEL and an empty environment, and checks that every file that it maps is itself, in BUNDLE, or of
# the system.
cmake_minimum_required(VERSION 3.24)

execute_process(
  COMMAND "${CMAKE_COMMAND}" -E env --unset=LD_LIBRARY_PATH --unset=PYTHONPATH --unset=HOME PATH=/nonexistent
          "${PROGRAM}" "${MODEL}" --maps
  OUTPUT_VARIABLE stdout
  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" lines "${stdout}")
list(POP_FRONT lines sum)
if(NOT sum STREQUAL "2 3 4 5")
  message(FATAL_ERROR "expected 2 3 4 5, found ${sum}")
endif()
list(REMOVE_DUPLICATES lines)
set(from_bundle 0)
foreach(file IN LISTS lines)
  string(FIND "${file}" "${BUNDLE}/lib/" position)
  if(position EQUAL 0)
    math(EXPR from_bundle "${from_bundle} + 1")
  elseif(NOT file STREQUAL PROGRAM AND NOT file MATCHES "^(/usr)?/lib(64)?/[^/]*-?linux-gnu/|^(/usr)?/lib(64)?/[^/]+$|^/etc/")
    message(FATAL_ERROR "${file} is neither in the bundle nor of the system")
  endif()
endforeach()
if(NOT from_bundle EQUAL 4)
  message(FATAL_ERROR "expected libtftrt.so, libtftrt_runtime.so and TensorFlow's two libraries, found: ${lines}")
endif()
