#!/bin/sh
# Puts a trained model into the package: bundle.sh NAME RUN DATA [REFERENCE]
#
# NAME is stories-llama or stories-mamba2, RUN the folder of its training run, whose last checkpoint is rounded to 8 bits, DATA what
# prepare.sh laid out. The model card is measured afresh, beside the model REFERENCE where one is given.
set -eu
[ $# -ge 3 ] || { echo "usage: $0 NAME RUN DATA [REFERENCE]" >&2; exit 64; }
here=$(cd "$(dirname "$0")" && pwd)
dynamax=${DYNAMAX:-$here/../../.build/release/dynamax}
target=$here/../../Sources/DynamaxBundledModels/Models/$1
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
for file in config.json generation_config.json model.safetensors tokenizer.json tokenizer_config.json; do
    cp "$2/checkpoints/last/$file" "$folder"
done
"$dynamax" quantize -m "$folder" --weights q8 -o "$target" --force
# Exits that draft where nothing else is asked for; found by trial (dynamax bench --exit).
python3 - "$here/exits.json" "$1" "$target/generation_config.json" <<'END'
import json, pathlib, sys

exits, name, path = json.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[2], pathlib.Path(sys.argv[3])
config = json.loads(path.read_text()) | {"dynamax_exits": exits[name]}
path.write_text(json.dumps(config, separators=(",", ":")) + "\n")
END
"$here/card.py" "$target" "$2" "$3" --dynamax "$dynamax" ${4:+--reference "$4"}
