# Installs the build into an empty prefix, and checks that every public header arrives and nothing else. MOVED_TO, if
# given, is where the prefix goes then.
cmake_minimum_required(VERSION 3.24)

file(REMOVE_RECURSE "${PREFIX}")
execute_process(
  COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}"
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

file(GLOB_RECURSE expected RELATIVE "${SOURCE}/cpp/include" "${SOURCE}/cpp/include/*")
file(GLOB_RECURSE installed RELATIVE "${PREFIX}/${INCLUDEDIR}" "${PREFIX}/${INCLUDEDIR}/*")
if(NOT installed STREQUAL expected)
  message(FATAL_ERROR "installed headers: ${installed}; expected: ${expected}")
endif()
if(MOVED_TO)
  file(REMOVE_RECURSE "${MOVED_TO}")
  file(RENAME "${PREFIX}" "${MOVED_TO}")
endif()
