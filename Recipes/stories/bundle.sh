#!/bin/sh
# Puts trained models into the package: bundle.sh NAME CHECKPOINT
#
# NAME is stories-llama or stories-mamba2, CHECKPOINT a folder that train.sh has written. The weights are rounded to 8 bits.
set -eu
[ $# -eq 2 ] || { echo "usage: $0 NAME CHECKPOINT" >&2; exit 64; }
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
for file in config.json generation_config.json model.safetensors tokenizer.json tokenizer_config.json; do
    cp "$2/$file" "$folder"
done
cp "$here/$1.md" "$folder/README.md"
"${DYNAMAX:-$here/../../.build/release/dynamax}" quantize -m "$folder" --weights q8 \
    -o "$here/../../Sources/DynamaxBundledModels/Models/$1" --force
