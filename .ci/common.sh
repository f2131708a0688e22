# What several steps do alike; they source it in the repository's root.
deep=$(realpath -m "${DEEP:-build/deep}")

# AddressSanitizer with TensorFlow's libraries, which are not instrumented: containers and definitions that cross their
# borders are not looked at, and what they keep to the end is no leak of ours (the step memcheck looks for those).
export ASAN_OPTIONS=detect_leaks=0:detect_container_overflow=0:detect_odr_violation=0:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

# build_release [TARGET...]: the ordinary build, with tests, in $release.
release=$deep/release
build_release() {
  cmake -S . -B "$release" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTFTRT_BUILD_TESTS=ON > /dev/null
  ninja -C "$release" -j2 "$@"
}

# The package and what its tests need, in an environment of its own.
install_for_tests() {
  [ -e "$deep/tests/venv" ] || python3 -m venv "$deep/tests/venv"
  . "$deep/tests/venv/bin/activate"
  pip install -q --upgrade pip
  pip install -q scikit-build-core pybind11 "tensorflow>=2.17,<2.18" ninja cmake
  pip install -q --no-build-isolation ".[test]" -C build-dir="$deep/tests/package"
}
