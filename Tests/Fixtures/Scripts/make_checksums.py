"""Checksums of what the safetensors and gguf packages read from the reference files in ../shared.

Usage: make_checksums.py SHARED. Writes ../checksums.json: for each file the number of its tensors and metadata arrays and the
sum of their CRC-32: of numbers as little-endian f32 (integers: i64; metadata: f64), of strings each followed by a zero byte.
Needs: gguf 0.19, numpy, safetensors, torch.
"""

import json
import pathlib
import sys
import zlib

import gguf
import numpy as np
from safetensors.torch import load_file

shared = pathlib.Path(sys.argv[1])


def crc(array, dtype):
    return zlib.crc32(np.ascontiguousarray(array, dtype=dtype).tobytes())


def safetensors(path):
    return {
        name: crc(x.float().numpy(), "<f4") if x.dtype.is_floating_point else crc(x.long().numpy(), "<i8")
        for name, x in load_file(path).items()
    }


def gguf_file(path):
    reader = gguf.GGUFReader(path)
    sums = {x.name: crc(gguf.dequantize(x.data, x.tensor_type), "<f4") for x in reader.tensors}
    for field in reader.fields.values():
        if field.types[0] != gguf.GGUFValueType.ARRAY:
            continue
        if field.types[1] == gguf.GGUFValueType.STRING:
            sums[field.name] = zlib.crc32(b"".join(bytes(field.parts[i]) + b"\0" for i in field.data))
        else:
            sums[field.name] = crc(np.concatenate([field.parts[i] for i in field.data]), "<f8")
    return sums


files = {}
for folder in ["models", "reference", "reference-gguf", "tokenizers"]:
    for path in sorted((shared / folder).rglob("*")):
        if path.suffix in (".safetensors", ".gguf"):
            read = safetensors if path.suffix == ".safetensors" else gguf_file
            sums = read(path)
            # One number for a file with many tensors keeps this list short: the sum of all checksums.
            files[str(path.relative_to(shared))] = {"count": len(sums), "sum": sum(sums.values())}
(pathlib.Path(__file__).parent.parent / "checksums.json").write_text(json.dumps(files, indent=1) + "\n")
