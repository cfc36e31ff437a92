#!/bin/sh
# Fuzzes one reader: fuzz.sh safetensors|gguf|json [options of libFuzzer, such as -max_total_time=300]
# New inputs that reach new code are collected in .build-fuzz/found/READER; an input that ends the process is left beside it.
set -eu
export FUZZ="$1" SWIFT_BACKTRACE=enable=no
shift
cd "$(dirname "$0")/.."
build=.build-fuzz
objects=$build/release

# Everything is instrumented; the address sanitizer watches the memory that checks in release builds leave alone.
swift build -c release --scratch-path $build --target DynamaxFormats \
    -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=address,fuzzer-no-link
swiftc -O -sanitize=fuzzer,address -parse-as-library -I $objects/Modules -I Sources/CDynamax/include \
    -Xcc -fmodule-map-file=$objects/CDynamax.build/module.modulemap \
    Fuzzing/Fuzz.swift $(find -L $objects/CDynamax.build $objects/DynamaxTensor.build $objects/DynamaxFormats.build -name '*.o') \
    -o $build/fuzz

mkdir -p $build/found/"$FUZZ"
exec $build/fuzz -artifact_prefix=$build/found/ -timeout=5 -rss_limit_mb=1024 "$@" \
    $build/found/"$FUZZ" Tests/Fixtures/corpus/"$FUZZ"
