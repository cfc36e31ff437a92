"""GGUF files of the gguf package and what it reads from them.

Writes ../gguf/: types.gguf (each type of metadata and of tensors), types.expected.safetensors (its numbers), types-big-endian.gguf.
Needs: gguf 0.19, numpy, safetensors.
"""

import pathlib

import gguf
import numpy as np
from safetensors.numpy import save_file

folder = pathlib.Path(__file__).parent.parent / "gguf"
QUANTIZED = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]
K_TYPES = {"Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}


def write(path, endianness, types):
    random = np.random.default_rng(11)
    writer = gguf.GGUFWriter(path, "llama", endianess=endianness)
    writer.add_custom_alignment(64)
    writer.add_uint8("test.uint8", 255)
    writer.add_int8("test.int8", -128)
    writer.add_uint16("test.uint16", 65535)
    writer.add_int16("test.int16", -32768)
    writer.add_uint32("test.uint32", 4294967295)
    writer.add_int32("test.int32", -2147483648)
    writer.add_uint64("test.uint64", 2**64 - 1)
    writer.add_int64("test.int64", -(2**63))
    writer.add_float32("test.float32", 0.1)
    writer.add_float64("test.float64", 0.1)
    writer.add_bool("test.true", True)
    writer.add_bool("test.false", False)
    writer.add_string("test.string", "Grüße 😀")
    writer.add_array("test.integers", [1, -2, 3])
    writer.add_array("test.floats", [0.5, -1.25])
    writer.add_array("test.bools", [True, False])
    writer.add_array("test.strings", ["a", "", "ü"])
    writer.add_array("test.nested", [[1, 2], [3]])
    writer.add_token_list([b"plain", b"\xff\xfe", b"", "é".encode()])
    tensors = {}
    numbers = random.standard_normal((3, 256)).astype(np.float32)
    for name in types:
        kind = gguf.GGMLQuantizationType[name]
        if name in K_TYPES:
            data = random.integers(0, 256, (3, gguf.GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
            for offset in K_TYPES[name]:
                data[:, offset : offset + 2] = random.standard_normal(3).astype(np.float16).view(np.uint8).reshape(3, 2)
        else:
            data = gguf.quantize(numbers, kind)
        tensors[f"test.{name}"] = gguf.dequantize(data, kind)
        if name in ("F32", "F16"):
            writer.add_tensor(f"test.{name}", data)
        else:
            writer.add_tensor(f"test.{name}", data, raw_dtype=kind)
    if types:
        writer.add_tensor("test.F64", np.array([0.1, -2.0]))
        tensors["test.F64"] = np.array([0.1, -2.0], dtype=np.float32)
        writer.add_tensor("test.cube", np.arange(24, dtype=np.float32).reshape(2, 3, 4))
        tensors["test.cube"] = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
        for dtype in ["int8", "int16", "int32", "int64"]:
            writer.add_tensor(f"test.{dtype}", np.array([[-1, 2, 3]], dtype=dtype))
        writer.add_tensor("test.IQ4_NL", random.integers(0, 256, (2, 18), dtype=np.uint8), raw_dtype=gguf.GGMLQuantizationType.IQ4_NL)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


tensors = write(folder / "types.gguf", gguf.GGUFEndian.LITTLE, ["F32", "F16", "BF16"] + QUANTIZED + list(K_TYPES))
write(folder / "types-big-endian.gguf", gguf.GGUFEndian.BIG, [])
save_file({name: np.ascontiguousarray(x, dtype=np.float32) for name, x in tensors.items()}, folder / "types.expected.safetensors")
