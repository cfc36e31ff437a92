#!/bin/sh
# Fuzzes one reader; see README.md beside this file.
set -eu
export FUZZ="$1" SWIFT_BACKTRACE=enable=no
shift
cd "$(dirname "$0")/.."
build=.build-fuzz
objects=$build/release

# All Swift is instrumented; the address sanitizer watches the memory that release builds do not check. Of the C kernels only
# those that read files are: instrumented, the vector kernels would take many minutes to compile.
swift build -c release --scratch-path $build --target DynamaxText -Xswiftc -sanitize=fuzzer,address
# By the names of today's sources: the build folder keeps objects of files that are gone.
linked=""
for module in CDynamax DynamaxTensor DynamaxFormats DynamaxText; do
    for source in $(find Sources/$module -name '*.c' -o -name '*.swift'); do
        linked="$linked $objects/$module.build/${source##*/}.o"
    done
done
for source in gguf convert; do
    clang -O1 -g -fsanitize=address,fuzzer-no-link -ISources/CDynamax/include -c Sources/CDynamax/$source.c \
        -o $objects/CDynamax.build/$source.c.o
done
swiftc -O -sanitize=fuzzer,address -parse-as-library -I $objects/Modules -I Sources/CDynamax/include \
    -Xcc -fmodule-map-file=$objects/CDynamax.build/module.modulemap \
    Fuzzing/Fuzz.swift Tests/TestSupport/Exercise.swift Tests/DynamaxTextTests/TokenizerExercise.swift $linked \
    -o $build/fuzz

found=$build/found/$FUZZ
mkdir -p "$found"
exec $build/fuzz -artifact_prefix=$build/found/ -timeout=5 -rss_limit_mb=1024 "$@" "$found" "Tests/Fixtures/corpus/$FUZZ"
