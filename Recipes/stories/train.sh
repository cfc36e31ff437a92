#!/bin/sh
# Prepares the data where that has not been done, and trains or goes on training: train.sh CORPORA transformer|mamba2
#
# DYNAMAX is the command to run, by default what `swift build -c release` has built. What follows goes to `dynamax train`.
set -eu
case ${2-} in
transformer | mamba2) ;;
*) echo "usage: $0 CORPORA transformer|mamba2 [OPTIONS OF dynamax train]" >&2; exit 64 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
dynamax=${DYNAMAX:-$here/../../.build/release/dynamax}
data=$here/data
corpora=$1 model=$2
shift 2

[ -f "$data/held-out/books.txt" ] || "$here/prepare.sh" "$corpora" "$data"
if [ ! -d "$data/tokenizer" ]; then
    stories=$data/train/tinystories.txt
    "$dynamax" train tokenizer "$stories" "$stories" "$stories" "$stories" \
        "$data/train/fairytales.txt" "$data/train/books.txt" \
        --separator '<|endoftext|>' --vocabulary 4096 --kind llama3 --output "$data/tokenizer.part"
    mv "$data/tokenizer.part" "$data/tokenizer"
fi
exec "$dynamax" train "$here/$model.json" --resume "$@"
