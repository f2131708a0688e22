# Configures and builds the project SOURCE in BINARY, from nothing, with the options after "--". ERROR, if given: that
# must fail, with this text.
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
set(configure -S "${SOURCE}" -B "${BINARY}" ${options})
set(build --build "${BINARY}" --parallel 2 --target consumer)
set(output "")
foreach(step IN ITEMS configure build)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env --unset=TENSORFLOW_ROOT --unset=CXXFLAGS --unset=LDFLAGS "${CMAKE_COMMAND}"
            ${${step}}
    RESULT_VARIABLE rc
    OUTPUT_VARIABLE printed
    ERROR_VARIABLE printed)
  string(APPEND output "${printed}")
  if(NOT rc EQUAL 0)
    break()
  endif()
endforeach()

# CMake breaks the lines of messages.
string(REGEX REPLACE "[ \n]+" " " words "${output}")
string(FIND "${words}" "${ERROR}" position)
if(ERROR STREQUAL "" AND NOT rc EQUAL 0)
  message(FATAL_ERROR "exit code ${rc}\n${output}")
elseif(NOT ERROR STREQUAL "" AND (rc EQUAL 0 OR position EQUAL -1))
  message(FATAL_ERROR "exit code ${rc}, expected an error with \"${ERROR}\"\n${output}")
endif()
message(STATUS "${output}")
