# Configures tftrt, SOURCE, in BINARY with the options after "--", and checks tftrt.pc's PC_LIBDIR and PC_INCLUDEDIR and
# the programs' RUN_PATH.
cmake_minimum_required(VERSION 3.24)

set(options "")
set(are_options OFF)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(index RANGE ${last})
  if(are_options)
    list(APPEND options "${CMAKE_ARGV${index}}")
  elseif(CMAKE_ARGV${index} STREQUAL "--")
    set(are_options ON)
  endif()
endforeach()

file(REMOVE_RECURSE "${BINARY}")
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${SOURCE}" -B "${BINARY}" ${options} OUTPUT_QUIET
                        COMMAND_ERROR_IS_FATAL ANY)

# expect(<file> <text>): quotes are left out, which versions of CMake write in several ways.
function(expect file text)
  file(READ "${BINARY}/${file}" content)
  string(REGEX REPLACE "[]\"\\[]" "" content "${content}")
  string(FIND "${content}" "${text}" position)
  if(position EQUAL -1)
    message(FATAL_ERROR "expected \"${text}\" in ${file}, found:\n${content}")
  endif()
endfunction()
expect(cmake/tftrt.pc "libdir=${PC_LIBDIR}\nincludedir=${PC_INCLUDEDIR}\n")
expect(cpp/tools/tftrt_run/cmake_install.cmake "RPATH ${RUN_PATH})")
