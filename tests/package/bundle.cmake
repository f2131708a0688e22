# Has PYTHON's tftrt make the bundle BUNDLE, which goes to MOVED_TO then. It must not be larger than MOST_MEGABYTES.
cmake_minimum_required(VERSION 3.24)

file(REMOVE_RECURSE "${BUNDLE}" "${MOVED_TO}")
execute_process(COMMAND "${PYTHON}" -m tftrt bundle-runtime "${BUNDLE}" --headers COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${BUNDLE}" "${MOVED_TO}")

set(bytes 0)
file(GLOB_RECURSE files "${MOVED_TO}/*")
foreach(file IN LISTS files)
  file(SIZE "${file}" size)
  math(EXPR bytes "${bytes} + ${size}")
endforeach()
math(EXPR megabytes "${bytes} / 1000000")
message(STATUS "${megabytes} MB")
if(megabytes GREATER MOST_MEGABYTES)
  message(FATAL_ERROR "the bundle has ${megabytes} MB, expected at most ${MOST_MEGABYTES}")
endif()
