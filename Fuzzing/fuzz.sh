#!/bin/sh
# Fuzzes one reader; see README.md beside this file.
set -eu
export FUZZ="$1" SWIFT_BACKTRACE=enable=no
shift
cd "$(dirname "$0")/.."
build=.build-fuzz
objects=$build/release

# Everything is instrumented; the address sanitizer watches the memory that checks in release builds leave alone.
for target in DynamaxText TestSupport; do
    swift build -c release --scratch-path $build --target $target \
        -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=address,fuzzer-no-link
done
modules="CDynamax DynamaxTensor DynamaxFormats DynamaxText TestSupport"
swiftc -O -sanitize=fuzzer,address -parse-as-library -I $objects/Modules -I Sources/CDynamax/include \
    -Xcc -fmodule-map-file=$objects/CDynamax.build/module.modulemap Fuzzing/Fuzz.swift \
    $(for module in $modules; do find -L $objects/$module.build -name '*.o'; done) -o $build/fuzz

found=$build/found/$FUZZ
mkdir -p "$found"
exec $build/fuzz -artifact_prefix=$build/found/ -timeout=5 -rss_limit_mb=1024 "$@" "$found" "Tests/Fixtures/corpus/$FUZZ"
