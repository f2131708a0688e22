# Installed into a prefix.
function(add_install name folder fixture)
  add_test(
    NAME package.${name}
    COMMAND ${CMAKE_COMMAND} "-DBUILD=${PROJECT_BINARY_DIR}" "-DPREFIX=${folder}" "-DSOURCE=${PROJECT_SOURCE_DIR}"
            "-DINCLUDEDIR=${CMAKE_INSTALL_INCLUDEDIR}" ${ARGN} -P "${CMAKE_CURRENT_SOURCE_DIR}/install.cmake")
  # Two installations of one build would write the same list of files.
  set_tests_properties(package.${name} PROPERTIES LABELS package TIMEOUT 120 FIXTURES_SETUP ${fixture}
                                                  RESOURCE_LOCK tftrt_install)
endfunction()
add_install(install "${prefix}" tftrt_prefix)
# A space is where quoting fails.
set(moved_prefix "${CMAKE_CURRENT_BINARY_DIR}/moved prefix")
add_install(install_and_move "${CMAKE_CURRENT_BINARY_DIR}/prefix to move" tftrt_moved_prefix
            "-DMOVED_TO=${moved_prefix}")

set(by_package -DCONSUMER_TAKES_TFTRT_BY=package "-DCMAKE_PREFIX_PATH=${prefix}")
add_build(prefix ${by_package} "-DCONSUMER_TFTRT_REQUEST=${PROJECT_VERSION} EXACT" FIXTURE tftrt_prefix)
set(other "${TFTRT_TEST_FAKES_DIR}/tensorflow_2.18.0")
string(CONCAT message "IncompatibleError: tftrt was built with TensorFlow ${TensorFlow_VERSION}, "
              "but ${other} holds TensorFlow 2.18.0")
set(needed "tftrt_prefix;tftrt_prefix_consumer")
add_run(prefix another_tensorflow_is_an_error FIXTURES "${needed}" -DRC=1 -DSTDOUT= "-DSTDERR=${message}"
        "-DTENSORFLOW_DIR=${other}")
set(message "IncompatibleError: there is no libtensorflow_cc.so.2 in /no/such/folder")
add_run(prefix missing_tensorflow_is_an_error FIXTURES "${needed}" -DRC=1 -DSTDOUT= "-DSTDERR=${message}"
        -DTENSORFLOW_DIR=/no/such/folder)

# As docs/packages.md says, for programs that are installed themselves.
add_build(to_install ${by_package} -DCMAKE_INSTALL_RPATH_USE_LINK_PATH=ON FIXTURE tftrt_prefix BUILD_ONLY)
set(consumers "${CMAKE_CURRENT_BINARY_DIR}/consumers")
add_test(NAME package.to_install.install COMMAND ${CMAKE_COMMAND} --install "${consumers}/to_install" --prefix
                                                 "${consumers}/installed")
set_tests_properties(
  package.to_install.install PROPERTIES LABELS package TIMEOUT 120 FIXTURES_REQUIRED tftrt_to_install_consumer
                                        FIXTURES_SETUP tftrt_installed_consumer)
add_run(installed run FIXTURES "tftrt_prefix;tftrt_installed_consumer" -DRC=0 "-DSTDOUT=${sum}" -DSTDERR=)

# What is asked of the package and of the compiler.
set(same_minor "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
math(EXPR next_minor "${PROJECT_VERSION_MINOR} + 1")
add_build(same_minor_version ${by_package} "-DCONSUMER_TFTRT_REQUEST=${same_minor} COMPONENTS cpp" FIXTURE tftrt_prefix)
add_build(another_version_is_an_error ${by_package} -DCONSUMER_TFTRT_REQUEST=${PROJECT_VERSION_MAJOR}.${next_minor}
          FIXTURE tftrt_prefix
          ERROR "that is compatible with requested version \"${PROJECT_VERSION_MAJOR}.${next_minor}\"")
add_build(unknown_component_is_an_error ${by_package} "-DCONSUMER_TFTRT_REQUEST=COMPONENTS cpp gpu"
          FIXTURE tftrt_prefix ERROR "it has no component gpu; there are cpp and c.")
add_build(c_project PROJECT consumer_c "-DCMAKE_PREFIX_PATH=${prefix}" -DCONSUMER_COMPONENT=c FIXTURE tftrt_prefix)
add_build(cpp_in_a_c_project_is_an_error PROJECT consumer_c "-DCMAKE_PREFIX_PATH=${prefix}" -DCONSUMER_COMPONENT=cpp
          FIXTURE tftrt_prefix ERROR "the component cpp is a C++ API; write CXX among the LANGUAGES of project()")
add_build(another_platform_is_an_error ${by_package} -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64
          FIXTURE tftrt_prefix ERROR "on ${CMAKE_SYSTEM_PROCESSOR}, and this project is for Linux on aarch64")
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_build(other_name_of_the_platform ${by_package} -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=amd64
            FIXTURE tftrt_prefix)
endif()
add_build(no_name_of_the_processor ${by_package} -DCMAKE_SYSTEM_NAME=Linux FIXTURE tftrt_prefix)
add_build(wrong_tensorflow_root_is_an_error ${by_package} -DTENSORFLOW_ROOT=/no/such/folder FIXTURE tftrt_prefix
          ERROR "there is no libtensorflow_cc.so.2 in /no/such/folder, the folder set by TENSORFLOW_ROOT")
add_build(new_string_abi ${by_package} -DCONSUMER_FLAG=-D_GLIBCXX_USE_CXX11_ABI=1 FIXTURE tftrt_prefix)
add_build(old_string_abi_is_an_error ${by_package} -DCONSUMER_FLAG=-D_GLIBCXX_USE_CXX11_ABI=0 FIXTURE tftrt_prefix
          ERROR "Leave out -D_GLIBCXX_USE_CXX11_ABI=0.")
add_build(old_standard_is_an_error ${by_package} -DCONSUMER_FLAG=-std=c++14 FIXTURE tftrt_prefix
          ERROR "tftrt's C++ API needs C++17.")

find_program(TFTRT_PKG_CONFIG pkg-config REQUIRED)
add_compilation(pkg_config "${TFTRT_PKG_CONFIG}" --cflags --libs "tftrt = ${PROJECT_VERSION}" FIXTURE tftrt_prefix
                PKG_CONFIG_PATH "${prefix}/${CMAKE_INSTALL_LIBDIR}/pkgconfig")

add_build(moved_prefix -DCONSUMER_TAKES_TFTRT_BY=package "-DCMAKE_PREFIX_PATH=${moved_prefix}"
          FIXTURE tftrt_moved_prefix)
add_compilation(moved_pkg_config "${TFTRT_PKG_CONFIG}" --cflags --libs tftrt FIXTURE tftrt_moved_prefix
                PKG_CONFIG_PATH "${moved_prefix}/${CMAKE_INSTALL_LIBDIR}/pkgconfig")
