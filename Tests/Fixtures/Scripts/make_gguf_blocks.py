"""Random blocks of each GGUF block type and what the gguf package expands them to.

Writes ../gguf/blocks.safetensors: for each type T, "T.bytes" [rows, bytes] u8 and "T.numbers" [rows, columns] f32.
Needs: gguf 0.19, numpy, safetensors.
"""

import pathlib

import gguf
import numpy as np
from safetensors.numpy import save_file

TYPES = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]
# Where each type keeps its f16 scales: random bits there would often be infinite or NaN.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}

random = np.random.default_rng(7)
tensors = {}
for name in TYPES:
    kind = gguf.GGMLQuantizationType[name]
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    rows = 24 if elements == 32 else 6
    data = random.integers(0, 256, (rows, size), dtype=np.uint8)
    for offset in HALVES[name]:
        halves = (random.standard_normal(rows) * 10.0 ** random.integers(-6, 2, rows)).astype(np.float16)
        halves[0] = 0
        halves[1] = -0.0
        data[:, offset : offset + 2] = halves.view(np.uint8).reshape(rows, 2)
    tensors[f"{name}.bytes"] = data
    tensors[f"{name}.numbers"] = np.ascontiguousarray(gguf.dequantize(data, kind), dtype=np.float32)

save_file(tensors, pathlib.Path(__file__).parent.parent / "gguf" / "blocks.safetensors")
