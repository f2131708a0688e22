# Compiles PROGRAM from SOURCE with COMPILER and the flags that the command after "--" prints, with PKG_CONFIG_PATH set
# if it is given.
cmake_minimum_required(VERSION 3.24)

set(command "")
set(is_command OFF)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(index RANGE ${last})
  if(is_command)
    list(APPEND command "${CMAKE_ARGV${index}}")
  elseif(CMAKE_ARGV${index} STREQUAL "--")
    set(is_command ON)
  endif()
endforeach()

set(ENV{PKG_CONFIG_PATH} "${PKG_CONFIG_PATH}")
execute_process(
  COMMAND ${command}
  OUTPUT_VARIABLE flags
  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${flags}")
execute_process(COMMAND "${COMPILER}" -std=c++17 -Wall -Wextra -Werror "${SOURCE}" ${flags} -o "${PROGRAM}"
                COMMAND_ERROR_IS_FATAL ANY)
message(STATUS "flags: ${flags}")
