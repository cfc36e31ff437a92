#!/bin/sh
# Prepares the data where that has not been done, and trains or goes on training: train.sh CORPORA transformer|mamba2
set -eu
[ $# -eq 2 ] || { echo "usage: $0 CORPORA transformer|mamba2" >&2; exit 64; }
here=$(cd "$(dirname "$0")" && pwd)
dynamax=${DYNAMAX:-dynamax}
data=$here/data
[ -f "$data/held-out/books.txt" ] || "$here/prepare.sh" "$1" "$data"
if [ ! -f "$data/tokenizer/tokenizer_config.json" ]; then
    stories=$data/train/tinystories.txt
    "$dynamax" train tokenizer "$stories" "$stories" "$stories" "$stories" \
        "$data/train/fairytales.txt" "$data/train/books.txt" \
        --separator '<|endoftext|>' --vocabulary 4096 --kind llama3 --output "$data/tokenizer"
fi
exec "$dynamax" train "$here/$2.json" --resume
