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
