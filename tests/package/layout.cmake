# Other folders than the usual ones: tftrt is configured for them, and what it would install is looked at.
#
# add_layout(<name> <lib folder> <libdir in tftrt.pc> <includedir in tftrt.pc> <run path of programs>)
function(add_layout name libdir pc_libdir pc_includedir run_path)
  add_test(
    NAME package.layout.${name}
    COMMAND
      ${CMAKE_COMMAND} "-DSOURCE=${PROJECT_SOURCE_DIR}" "-DBINARY=${CMAKE_CURRENT_BINARY_DIR}/layouts/${name}"
      "-DPC_LIBDIR=${pc_libdir}" "-DPC_INCLUDEDIR=${pc_includedir}" "-DRUN_PATH=${run_path}" -P
      "${CMAKE_CURRENT_SOURCE_DIR}/check_layout.cmake" -- -G "${CMAKE_GENERATOR}"
      "-DCMAKE_MAKE_PROGRAM=${CMAKE_MAKE_PROGRAM}" "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}"
      -DCMAKE_INSTALL_PREFIX=/tftrt/prefix "-DCMAKE_INSTALL_LIBDIR=${libdir}" "-DTENSORFLOW_ROOT=${TensorFlow_ROOT_DIR}")
  set_tests_properties(package.layout.${name} PROPERTIES LABELS package TIMEOUT 120)
endfunction()
add_layout(lib64 lib64 "\${pcfiledir}/.." "\${pcfiledir}/../../include" "\$ORIGIN/../lib64")
add_layout(multiarch lib/arch "\${pcfiledir}/.." "\${pcfiledir}/../../../include" "\$ORIGIN/../lib/arch")
add_layout(absolute /tftrt/lib /tftrt/lib /tftrt/prefix/include "\$ORIGIN/../../lib")
