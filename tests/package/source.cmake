# Compiled with the consumer, several files at once: this build has shown that each file compiles by itself.
set(with_source
    "-DTFTRT_SOURCE=${PROJECT_SOURCE_DIR}" "-DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE}"
    "-DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}" "-DTFTRT_WERROR=${TFTRT_WERROR}" -DTFTRT_UNITY_BUILD=ON
    "-DPython_EXECUTABLE=${Python_EXECUTABLE}" "-DTENSORFLOW_ROOT=${TensorFlow_ROOT_DIR}")
add_build(subdirectory -DCONSUMER_TAKES_TFTRT_BY=subdirectory ${with_source})
# With what it may want for itself.
file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/modules/FindTensorFlow.cmake" "message(FATAL_ERROR \"another FindTensorFlow\")\n")
string(TOUPPER "${CMAKE_BUILD_TYPE}" config)
add_build(fetch_content -DCONSUMER_TAKES_TFTRT_BY=fetch_content ${with_source} -DCMAKE_UNITY_BUILD=ON
          -DCMAKE_${config}_POSTFIX=_consumers "-DCMAKE_MODULE_PATH=${CMAKE_CURRENT_BINARY_DIR}/modules")
set_tests_properties(package.subdirectory.build package.fetch_content.build PROPERTIES RUN_SERIAL ON)
