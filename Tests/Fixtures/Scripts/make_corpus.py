"""Small files for the readers to survive: valid ones, and ones whose headers lie.

Writes ../corpus/{safetensors,gguf,json}/NAME. Files named found-* there came out of the fuzzer (see Fuzzing/README.md) and are
not made here. Needs nothing beyond Python.
"""

import json
import pathlib
import struct

corpus = pathlib.Path(__file__).parent.parent / "corpus"


def write(folder, name, data):
    path = corpus / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


# safetensors


def safetensors(header, data=0, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + bytes(data)


def tensor(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def packed(text, metadata=None, weights=(1, 2, 16, 4), scales=(1, 1, 16), types=("U8", "F32")):
    """A file with one matrix packed in 8 or 4 bits (see PackedTensors.swift)."""
    middle, end = 128, 128 + 64
    header = {"__metadata__": {"format": "dynamax", "version": "1", "w": text} | (metadata or {})}
    header["w_packed"] = tensor(types[0], weights, (0, middle))
    header["w_scale"] = tensor(types[1], scales, (middle, end))
    return safetensors(header, end)


for name, data in {
    "packed-int8": packed("int8/8 3x7"),
    "packed-int4": packed("int4/16 16x16"),
    "packed-version": packed("int8/8 3x7", {"version": "2"}),
    "packed-nothing": packed("int8/8 3x7", {"v": "int8/8 3x7"}),
    "packed-text": packed("8 bits"),
    "packed-group-0": packed("int8/0 3x7"),
    "packed-group-huge": packed("int8/8000000000000000000 3x7"),
    "packed-rows-0": packed("int8/8 0x7"),
    "packed-rows-huge": packed("int8/8 9223372036854775807x9223372036854775807"),
    "packed-rows-of-two-blocks": packed("int8/8 17x7"),
    "packed-other-bits": packed("int4/8 3x7"),
    "packed-shape": packed("int8/8 3x7", weights=(128,)),
    "packed-types": packed("int8/8 3x7", types=("I8", "I32")),
    "valid": safetensors({"__metadata__": {"format": "pt"}, "a": tensor(), "b": tensor("F16", (1, 2), (8, 12))}, 12),
    "every-type": safetensors(
        {t: tensor(t, (1,), (8 * i, 8 * i + 8 // n)) for i, (t, n) in enumerate([("F64", 1), ("I64", 1), ("U64", 1)])}
        | {"F32": tensor("F32", (1,), (24, 28)), "BF16": tensor("BF16", (1,), (28, 30)), "F8_E4M3": tensor("F8_E4M3", (1,), (30, 31)),
           "BOOL": tensor("BOOL", (1,), (31, 32)), "U16": tensor("U16", (1,), (32, 34)), "I8": tensor("I8", (1,), (34, 35))},
        35,
    ),
    "no-tensors": safetensors({}),
    "empty": b"",
    "seven-bytes": bytes(7),
    "zeros": bytes(64),
    "length-2-to-the-63": safetensors({}, length=1 << 63),
    "length-all-ones": safetensors({}, length=(1 << 64) - 1),
    "length-past-the-end": safetensors({}, length=3),
    "header-cut": safetensors(b'{"a":{"dtype":"F3'),
    "not-an-object": safetensors(b"[]"),
    "not-utf-8": safetensors(b'{"\xff\xfe":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 8),
    "nested-deep": safetensors(b'{"a":' * 3000),
    "overlap": safetensors({"a": tensor(), "b": tensor(offsets=(4, 12))}, 12),
    "gap": safetensors({"a": tensor(), "b": tensor(offsets=(16, 24))}, 24),
    "same-bytes": safetensors({"a": tensor(), "b": tensor()}, 8),
    "offsets-reversed": safetensors({"a": tensor(offsets=(8, 0))}, 8),
    "offsets-negative": safetensors({"a": tensor(offsets=(-8, 0))}, 8),
    "offsets-huge": safetensors({"a": tensor(offsets=(0, 2**63 - 1))}, 8),
    "offsets-beyond-64-bits": safetensors({"a": tensor(offsets=(0, 2**70))}, 8),
    "offsets-three": safetensors({"a": tensor(offsets=(0, 4, 8))}, 8),
    "shape-negative": safetensors({"a": tensor(shape=(-1, -2))}, 8),
    "shape-overflows": safetensors({"a": tensor(shape=(2**32, 2**32))}, 8),
    "shape-overflows-to-zero": safetensors({"a": tensor(shape=(2**62, 4), offsets=(0, 0))}),
    "shape-huge-and-zero": safetensors({"a": tensor(shape=(2**62, 2**62, 0), offsets=(0, 0))}),
    "shape-fraction": safetensors({"a": tensor(shape=(1.5,))}, 8),
    "shape-of-strings": safetensors({"a": tensor(shape=("2",))}, 8),
    "shape-rank-1000": safetensors({"a": tensor(shape=[1] * 1000, offsets=(0, 4))}, 4),
    "type-unknown": safetensors({"a": tensor("F128")}, 8),
    "type-number": safetensors({"a": tensor(7)}, 8),
    "type-block": safetensors({"a": tensor("Q8_0", (32,), (0, 34))}, 34),
    "metadata-number": safetensors({"__metadata__": {"a": 1}}),
    "duplicate-names": safetensors(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', 2),
}.items():
    write("safetensors", name, data)

# GGUF


def u32(*values):
    return b"".join(struct.pack("<I", v) for v in values)


def u64(*values):
    return b"".join(struct.pack("<Q", v) for v in values)


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return u64(len(value)) + value


def gguf(keys=(), tensors=(), data=0, version=3, key_count=None, tensor_count=None):
    head = b"GGUF" + u32(version)
    head += u64(len(tensors) if tensor_count is None else tensor_count, len(keys) if key_count is None else key_count)
    head += b"".join(keys) + b"".join(tensors)
    return head + (bytes(-len(head) % 32 + data) if data else b"")


def info(name="a", shape=(8,), kind=0, offset=0):
    return text(name) + u32(len(shape)) + u64(*shape) + u32(kind) + u64(offset)


def array(kind, count, data=b"", name="k"):
    return text(name) + u32(9, kind) + u64(count) + data


string_key = text("general.architecture") + u32(8) + text("llama")
BLOCKS = {2: 18, 3: 20, 6: 22, 7: 24, 8: 34, 10: 84, 11: 110, 12: 144, 13: 176, 14: 210}
offset, blocks = 0, []
for kind, size in BLOCKS.items():
    blocks.append(info(f"t{kind}", (32 if kind < 10 else 256, 1), kind, offset))
    offset += (size + 31) // 32 * 32

for name, data in {
    "valid": gguf(
        [string_key, text("n") + u32(4, 7), text("f") + u32(6) + struct.pack("<f", 0.5), text("b") + u32(7) + b"\1",
         array(8, 2, text("x") + text(b"\xff"), "tokens"), array(5, 2, struct.pack("<ii", -1, 1), "ints"),
         array(9, 2, u32(4) + u64(1) + u32(5) + u32(4) + u64(0), "nested")],
        [info("a", (4, 2)), info("b", (3,), 24, 32)], 64),
    "every-block": gguf([], blocks, offset),
    "version-2": gguf([string_key], [info()], 32, version=2),
    "version-1": gguf(version=1),
    "version-0": gguf(version=0),
    "big-endian": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
    "empty": b"",
    "magic-only": b"GGUF",
    "other-magic": b"ggml" + bytes(32),
    "head-cut": gguf()[:-3],
    "tensor-count-all-ones": gguf(tensor_count=2**64 - 1),
    "tensor-count-2-to-the-63": gguf(tensor_count=2**63, data=64),
    "key-count-all-ones": gguf(key_count=2**64 - 1),
    "key-count-one-too-many": gguf([string_key], key_count=2),
    "key-length-all-ones": gguf([u64(2**64 - 1) + b"k" + u32(4, 1)]),
    "key-length-2-to-the-63": gguf([u64(2**63) + b"k" + u32(4, 1)]),
    "key-not-utf-8": gguf([text(b"\xff\xfe") + u32(4, 1)]),
    "key-empty": gguf([text("") + u32(4, 1)]),
    "key-twice": gguf([string_key, string_key]),
    "value-type-unknown": gguf([text("k") + u32(13, 1)]),
    "value-cut": gguf([text("k") + u32(10, 1)]),
    "string-length-huge": gguf([text("k") + u32(8) + u64(2**62)]),
    "string-not-utf-8": gguf([text("k") + u32(8) + text(b"\xff")]),
    "bool-2": gguf([text("k") + u32(7) + b"\2", array(7, 2, b"\1\3", "l")]),
    "uint64-all-ones": gguf([text("k") + u32(10) + u64(2**64 - 1), array(10, 1, u64(2**64 - 1), "l")]),
    "array-count-all-ones": gguf([array(4, 2**64 - 1, bytes(64))]),
    "array-count-times-size-overflows": gguf([array(10, 2**61, bytes(64))]),
    "array-of-strings-too-long": gguf([array(8, 2**32, text("x"))]),
    "array-of-unknown": gguf([array(99, 1, bytes(64))]),
    "array-nested-deep": gguf([text("k") + u32(9) + (u32(9) + u64(1)) * 2000]),
    "array-of-empty-arrays": gguf([array(9, 100, (u32(4) + u64(0)) * 100)]),
    "array-of-mixed-arrays": gguf([array(9, 2, u32(8) + u64(1) + text("x") + u32(4) + u64(1) + u32(1))]),
    "alignment-0": gguf([text("general.alignment") + u32(4, 0)], [info()], 32),
    "alignment-3": gguf([text("general.alignment") + u32(4, 3)], [info()], 32),
    "alignment-2-to-the-31": gguf([text("general.alignment") + u32(4, 2**31)], [info()], 32),
    "alignment-string": gguf([text("general.alignment") + u32(8) + text("32")], [info()], 32),
    "axes-5": gguf([], [info(shape=(1, 1, 1, 1, 1))], 32),
    "axes-all-ones": gguf([], [text("a") + u32(2**32 - 1) + bytes(64)], 32),
    "axes-0": gguf([], [info(shape=())], 4),
    "extent-0": gguf([], [info(shape=(0, 8)), info("b", (2**16, 0))], 32),
    "extent-0-of-2-to-the-62": gguf([], [info(shape=(2**62, 0))], 32),
    "extent-0-without-data": gguf([], [info(shape=(0, 8))]),
    "extent-2-to-the-63": gguf([], [info(shape=(2**63,))], 32),
    "extents-overflow": gguf([], [info(shape=(2**32, 2**32))], 32),
    "extents-overflow-to-zero": gguf([], [info(shape=(2**62, 4))], 32),
    "extents-huge-and-zero": gguf([], [info(shape=(2**62, 2**62, 0))], 32),
    "row-not-whole-blocks": gguf([], [info(shape=(33,), kind=2)], 64),
    "type-unknown": gguf([], [info(kind=99)], 32),
    "type-unsupported": gguf([], [info(shape=(256,), kind=16)], 96),
    "offset-all-ones": gguf([], [info(offset=2**64 - 1)], 32),
    "offset-2-to-the-62": gguf([], [info(offset=2**62)], 32),
    "offset-unaligned": gguf([], [info(offset=4)], 64),
    "offset-past-the-end": gguf([], [info(offset=64)], 32),
    "data-cut": gguf([], [info()], 31),
    "no-data": gguf([], [info()]),
    "overlap": gguf([], [info("a", (16,)), info("b", (8,), 0, 32)], 96),
    "name-twice": gguf([], [info(), info(offset=32)], 64),
    "name-not-utf-8": gguf([], [info(b"\xff")], 32),
    "split-count-huge": gguf([text("split.count") + u32(4, 2**32 - 1)]),
    "token-ids-odd": gguf([text("tokenizer.ggml.eos_token_id") + u32(11) + u64(2**63), text("general.sampling.temp") + u32(6, 0x7FC00000)]),
}.items():
    write("gguf", name, data)

# JSON

vocabulary = {chr(0x100 + i): i for i in range(40)}
for name, data in {
    "config": json.dumps({"hidden_size": 64, "eps": 1e-05, "eos_token_id": [1, 2], "limit": [0.0, {"__float__": "Infinity"}], "tied": None}),
    "generation": json.dumps({"bos_token_id": 1, "temperature": 0.6, "top_p": 0.9, "top_k": 50, "do_sample": True, "eos_token_id": -1}),
    "tokenizer": json.dumps(
        {"version": "1.0", "added_tokens": [{"id": 0, "content": "<s>", "special": True}], "normalizer": None,
         "pre_tokenizer": {"type": "ByteLevel"}, "model": {"type": "BPE", "vocab": vocabulary, "merges": ["\u0100 \u0101", ["a", "b"]]}}),
    "names-of-floats": "[Infinity, -Infinity, NaN]",
    "numbers": "[0, -0, -0.0, 1e999, -1e999, 1e-999, 9223372036854775807, 9223372036854775808, -9223372036854775808, 5e-324, 1.0e+5]",
    "digits": "1" * 5000,
    "exponent": "1e" + "9" * 500,
    "fraction": "0." + "1" * 5000,
    "strings": '["\\u0000", "\\ud83d\\ude00", "\\ud800", "\\udc00\\ud800", "\\/\\b\\f", "\u00e9\U0001f600", "e\u0301"]',
    "equal-keys": '{"a": 1, "a": 2, "\u00e9": 1, "e\u0301": 2, "\\u0061": 3}',
    "many-keys": json.dumps({f"key {i % 70}": i for i in range(100)}),
    "deep-arrays": "[" * 5000,
    "deep-objects": '{"a":' * 5000,
    "deep-enough": "[" * 256 + "]" * 256,
    "empty": "",
    "white-space": " \n" * 100,
    "byte-order-mark": b"\xef\xbb\xbf{}",
    "byte-order-mark-cut": b"\xef\xbb",
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "not-utf-8": b'["\xff", "\xc0\x80"]',
    "surrogate-in-utf-8": b'"\xed\xa0\x80"',
    "utf-8-cut": b'"\xf0\x9f\x98"',
    "string-cut": '"abc',
    "escape-cut": '"abc\\',
    "hexadecimal-cut": '"\\u12',
    "hexadecimal-wrong": '"\\u12G4"',
    "pair-cut": '"\\ud83d\\ud',
    "control-character": '"\x01"',
    "zero-byte": "[1]\x00",
    "garbage-after": "{} {}",
    "comma-last": "[1,]",
    "leading-zero": "[01]",
    "minus": "-",
    "comment": "/* 1 */ 1",
}.items():
    write("json", name, data)
