# Runs PROGRAM with MODEL and compares the exit code with RC, stdout with STDOUT and the beginning of stderr with STDERR
# (all of it if that is empty). TENSORFLOW_DIR, if given, is where tftrt is told to find TensorFlow.
cmake_minimum_required(VERSION 3.24)

set(environment --unset=TFTRT_LOG_LEVEL --unset=TF_CPP_MIN_LOG_LEVEL)
if(TENSORFLOW_DIR)
  list(APPEND environment "TFTRT_TENSORFLOW_DIR=${TENSORFLOW_DIR}")
endif()
execute_process(
  COMMAND "${CMAKE_COMMAND}" -E env ${environment} "${PROGRAM}" "${MODEL}"
  RESULT_VARIABLE rc
  OUTPUT_VARIABLE stdout
  ERROR_VARIABLE stderr
  OUTPUT_STRIP_TRAILING_WHITESPACE)

set(found "exit code: ${rc}\nstdout: \"${stdout}\"\nstderr: \"${stderr}\"")
string(FIND "${stderr}" "${STDERR}" position)
if(NOT rc STREQUAL RC
   OR NOT stdout STREQUAL STDOUT
   OR NOT position EQUAL 0
   OR (STDERR STREQUAL "" AND NOT stderr STREQUAL ""))
  message(FATAL_ERROR "${found}\nexpected ${RC}, \"${STDOUT}\", \"${STDERR}\"")
endif()
message(STATUS "${found}")
