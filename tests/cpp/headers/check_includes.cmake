# A machine may have TensorFlow's or CUDA's headers where the compiler finds them by itself. So that nobody needs them:
# lists all that tftrt.h includes.
cmake_minimum_required(VERSION 3.24)

execute_process(
  COMMAND "${COMPILER}" -std=c++17 -M "-I${INCLUDE}" -x c++ "${INCLUDE}/tftrt/tftrt.h"
  OUTPUT_VARIABLE files
  COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "[ \\\n]+" ";" files "${files}")
list(FILTER files EXCLUDE REGEX "^${INCLUDE}/tftrt/[a-z]+\\.h$")
list(FILTER files INCLUDE REGEX "tensorflow|absl|google|protobuf|Eigen|cuda|cudnn|Nv[A-Z]|dlpack|pybind|Python\\.h")
if(files)
  message(FATAL_ERROR "tftrt.h includes headers of other projects: ${files}")
endif()
