"""Files of the safetensors package and what it reads from them.

Writes ../safetensors/: types.safetensors (each type, empty and scalar tensors), types.json (its numbers: f32 bits for floats, integers
as they are), unaligned.safetensors (the same tensors at odd addresses), writer.safetensors (what the package writes for the
tensors that the test writes). Needs: numpy, torch, safetensors.
"""

import json
import pathlib
import struct

import numpy as np
import torch
from safetensors.torch import load_file, save_file

folder = pathlib.Path(__file__).parent.parent / "safetensors"
folder.mkdir(exist_ok=True)

generator = torch.Generator().manual_seed(3)
numbers = torch.randn(3, 5, generator=generator)
special = torch.tensor([0.0, -0.0, float("inf"), float("-inf"), float("nan"), 1e-45, 1e-40, 3.4e38, 65504, 65520, 5.9e-8, 6e-5])
tensors = {
    "f64": numbers.double() * 1e100 / 1e99,
    "f32": numbers,
    "f16": numbers.half(),
    "bf16": numbers.bfloat16(),
    "special.f32": special,
    "special.f16": special.half(),
    "special.bf16": special.bfloat16(),
    "special.f64": torch.cat([special.double(), torch.tensor([1e300, 1e-300, 1 + 2.0**-24, 1 + 3 * 2.0**-24], dtype=torch.float64)]),
    "i64": torch.tensor([[-(2**63), -1], [0, 2**63 - 1]]),
    "i32": torch.tensor([-(2**31), -1, 0, 2**31 - 1], dtype=torch.int32),
    "i16": torch.tensor([-(2**15), -1, 2**15 - 1], dtype=torch.int16),
    "i8": torch.tensor([-128, -1, 127], dtype=torch.int8),
    "u64": torch.tensor([0, 2**63 - 1], dtype=torch.uint64),
    "u32": torch.tensor([0, 2**32 - 1], dtype=torch.uint32),
    "u16": torch.tensor([0, 2**16 - 1], dtype=torch.uint16),
    "u8": torch.tensor([0, 255, 7], dtype=torch.uint8),
    "bool": torch.tensor([True, False, True]),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 4),
    "cube": torch.arange(24, dtype=torch.float32).reshape(2, 3, 4),
    "é": torch.ones(1),
    "e\u0301": torch.zeros(1),
}
save_file(tensors, folder / "types.safetensors", {"format": "pt", "note": "ü \"quoted\"\n"})

expected = {}
for name, tensor in load_file(folder / "types.safetensors").items():
    entry = {"shape": list(tensor.shape)}
    if tensor.dtype.is_floating_point:
        entry["bits"] = tensor.float().flatten().numpy().view(np.uint32).tolist()
    else:
        entry["integers"] = [int(x) for x in tensor.flatten().tolist()]
    expected[name] = entry
(folder / "types.json").write_text(json.dumps(expected, ensure_ascii=False))

# The format promises no alignment: one byte first, and a header of odd length.
data = (folder / "types.safetensors").read_bytes()
(length,) = struct.unpack("<Q", data[:8])
header = json.loads(data[8 : 8 + length])
for name, entry in header.items():
    if name != "__metadata__":
        entry["data_offsets"] = [offset + 1 for offset in entry["data_offsets"]]
header["first"] = {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}
text = json.dumps(header).encode()
text += b" " * (len(text) % 2)
(folder / "unaligned.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"\x07" + data[8 + length :])

save_file(
    {
        "tokens": torch.tensor([1, 2, 3], dtype=torch.int32),
        "hidden": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4,
        "flags": torch.tensor([1, 0, 1], dtype=torch.uint8),
        "halves": torch.tensor([[1.5], [-2.0]], dtype=torch.float16),
        "logits": torch.tensor([0.5]),
        "\"quoted\" é": torch.zeros(2, 0),
    },
    folder / "writer.safetensors",
    {"model": "Grüße\t\"x\""},
)
