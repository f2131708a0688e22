# From the wheel that is installed in the active Python, and from the bundle that it makes.
function(ask_wheel variable option)
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -m tftrt ${option}
    WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}"
    OUTPUT_VARIABLE answer
    OUTPUT_STRIP_TRAILING_WHITESPACE
    ERROR_VARIABLE error
    RESULT_VARIABLE rc)
  if(NOT rc EQUAL 0)
    message(FATAL_ERROR "TFTRT_TEST_WHEEL is on, but there is no tftrt in ${Python_EXECUTABLE}: ${error}"
                        "Install it there first (pip install .), or turn TFTRT_TEST_WHEEL off.")
  endif()
  set(${variable} "${answer}" PARENT_SCOPE)
endfunction()
ask_wheel(wheel_cmake_dir --cmake-dir)
ask_wheel(wheel_pkgconfig_dir --pkgconfig-dir)

add_build(wheel -DCONSUMER_TAKES_TFTRT_BY=package "-Dtftrt_DIR=${wheel_cmake_dir}")
add_compilation(wheel_pkg_config "${TFTRT_PKG_CONFIG}" --cflags --libs tftrt PKG_CONFIG_PATH "${wheel_pkgconfig_dir}")
add_compilation(wheel_flags "${Python_EXECUTABLE}" -m tftrt --cflags --libs)

# Away from TensorFlow: it has to be told where that is.
set(apart "${CMAKE_CURRENT_BINARY_DIR}/wheel apart")
cmake_path(SET wheel_root NORMALIZE "${wheel_cmake_dir}/../../..")
add_test(NAME package.wheel_apart.copy COMMAND ${CMAKE_COMMAND} -E copy_directory "${wheel_root}" "${apart}/tftrt")
set_tests_properties(package.wheel_apart.copy PROPERTIES LABELS package TIMEOUT 120 FIXTURES_SETUP tftrt_wheel_apart)
set(by_wheel_apart -DCONSUMER_TAKES_TFTRT_BY=package "-DCMAKE_PREFIX_PATH=${apart}/tftrt")
add_build(wheel_apart ${by_wheel_apart} "-DTENSORFLOW_ROOT=${TensorFlow_ROOT_DIR}" FIXTURE tftrt_wheel_apart)
add_build(without_tensorflow ${by_wheel_apart} FIXTURE tftrt_wheel_apart BUILD_ONLY)
add_run(without_tensorflow run_is_an_error FIXTURES "tftrt_wheel_apart;tftrt_without_tensorflow_consumer" -DRC=1 -DSTDOUT=
        "-DSTDERR=IncompatibleError: TensorFlow 2.17 was not found: no libtensorflow_cc.so.2 in ")

set(bundle "${CMAKE_CURRENT_BINARY_DIR}/moved bundle")
add_test(NAME package.bundle.make
         COMMAND ${CMAKE_COMMAND} "-DPYTHON=${Python_EXECUTABLE}" "-DBUNDLE=${CMAKE_CURRENT_BINARY_DIR}/bundle to move"
                 "-DMOVED_TO=${bundle}" -DMOST_MEGABYTES=600 -P "${CMAKE_CURRENT_SOURCE_DIR}/bundle.cmake")
set_tests_properties(package.bundle.make PROPERTIES LABELS package TIMEOUT 300 FIXTURES_SETUP tftrt_bundle)
add_build(bundle -DCONSUMER_TAKES_TFTRT_BY=package "-DCMAKE_PREFIX_PATH=${bundle}" FIXTURE tftrt_bundle)
add_test(NAME package.bundle.uses_nothing_else
         COMMAND ${CMAKE_COMMAND} "-DPROGRAM=${CMAKE_CURRENT_BINARY_DIR}/consumers/bundle/consumer"
                 "-DMODEL=${add_model}" "-DBUNDLE=${bundle}" -P "${CMAKE_CURRENT_SOURCE_DIR}/run_alone.cmake")
set_tests_properties(package.bundle.uses_nothing_else PROPERTIES LABELS package TIMEOUT 120
                                                                 FIXTURES_REQUIRED "tftrt_bundle;tftrt_bundle_consumer")
