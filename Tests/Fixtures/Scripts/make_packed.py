"""Rounds reference checkpoints to 8 and 4 bits and packs them, by the description in PackedTensors.swift and PackedLayout.swift alone.

Usage: make_packed.py. Writes ../packed/NAME/ with config.json and model.safetensors. Needs: numpy, safetensors.
"""

import json
import pathlib

import numpy as np
from safetensors.numpy import load_file, save_file

fixtures = pathlib.Path(__file__).parent.parent
LANES = 16


def group_of(inputs, bits):
    """8 bits as the program chooses, 4 bits as with `--group 32`: left to itself it holds rows as short as these in 8."""
    return next((g for g in (128, 64) if bits == 8 and inputs % g == 0), 32)


def pack(matrix, bits):
    """Returns weights [blocks, words, 16, 4] as bytes, scales [blocks, groups, 16], and the group."""
    outputs, inputs = matrix.shape
    group = group_of(inputs, bits)
    padded = np.zeros((-(-outputs // LANES) * LANES, -(-inputs // group) * group), np.float32)
    padded[:outputs, :inputs] = matrix
    groups = padded.reshape(padded.shape[0], -1, group)
    if bits == 8:
        scale = np.abs(groups).max(-1) / np.float32(127)
        low, high = -127, 127
    else:
        extreme = np.take_along_axis(groups, np.abs(groups).argmax(-1)[..., None], -1)[..., 0]
        scale = extreme / np.float32(-8)
        low, high = -8, 7
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(scale[..., None] != 0, groups / scale[..., None], np.float32(0))
    values = np.rint(np.clip(ratio, low, high)).astype(np.int32).reshape(padded.shape)
    rows = values.reshape(-1, LANES, padded.shape[1])
    if bits == 8:
        words = (rows + 128).reshape(rows.shape[0], LANES, -1, 4)
    else:
        halves = (rows + 8).reshape(rows.shape[0], LANES, -1, 2, 4)
        words = halves[..., 0, :] | halves[..., 1, :] << 4
    scales = scale.reshape(-1, LANES, groups.shape[1]).transpose(0, 2, 1)
    return (
        np.ascontiguousarray(words.transpose(0, 2, 1, 3)).astype(np.uint8),
        np.ascontiguousarray(scales + np.float32(0)),  # no negative zeros in the padding
        group,
    )


def make(reference, bits):
    source = fixtures / "references" / reference
    target = fixtures / "packed" / f"{reference}-q{bits}"
    target.mkdir(parents=True, exist_ok=True)
    tensors, metadata, groups, widths = {}, {"format": "dynamax", "version": "1"}, [], []
    for name, x in load_file(source / "model.safetensors").items():
        if x.ndim != 2 or name.endswith("A_log"):
            tensors[name] = x
            continue
        own = 8 if "embed" in name else bits
        packed, scale, group = pack(x, own)
        tensors[name + "_packed"], tensors[name + "_scale"] = packed, scale
        metadata[name] = f"int{own}/{group} {x.shape[0]}x{x.shape[1]}"
        groups.append(group)
        widths.append(own)
    save_file(tensors, target / "model.safetensors", metadata=metadata)
    config = json.loads((source / "config.json").read_text())
    config["quantization_config"] = {
        "quant_method": "dynamax", "version": 1, "bits": min(widths), "group_size": max(groups),
    }
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n")


make("llama-tied", 8)
make("llama-tied", 4)
make("mamba2-groups", 8)
make("mamba2-groups", 4)
