"""Writes a random Llama checkpoint of about 1 GB in bfloat16, to watch how much memory a load takes.

usage: make_large_checkpoint.py OUT [--layers 12]      (needs numpy; holds a few MiB at a time)

OUT/config.json, OUT/model.safetensors: width 1792, vocabulary 32000, about 67 MB per layer beside 229 MB of embeddings
and head. The values spread evenly within 0.04 of zero; norms are ones.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np

CHUNK = 2**20  # elements


def config(layers):
    return {
        "architectures": ["LlamaForCausalLM"],
        "bos_token_id": 1,
        "eos_token_id": 2,
        "hidden_act": "silu",
        "hidden_size": 1792,
        "intermediate_size": 4864,
        "max_position_embeddings": 2048,
        "model_type": "llama",
        "num_attention_heads": 28,
        "num_hidden_layers": layers,
        "num_key_value_heads": 4,
        "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "vocab_size": 32000,
    }


def shapes(c):
    width, inner, vocabulary = c["hidden_size"], c["intermediate_size"], c["vocab_size"]
    kv = width // c["num_attention_heads"] * c["num_key_value_heads"]
    result = {"model.embed_tokens.weight": [vocabulary, width]}
    for i in range(c["num_hidden_layers"]):
        prefix = f"model.layers.{i}."
        result |= {
            prefix + "input_layernorm.weight": [width],
            prefix + "self_attn.q_proj.weight": [width, width],
            prefix + "self_attn.k_proj.weight": [kv, width],
            prefix + "self_attn.v_proj.weight": [kv, width],
            prefix + "self_attn.o_proj.weight": [width, width],
            prefix + "post_attention_layernorm.weight": [width],
            prefix + "mlp.gate_proj.weight": [inner, width],
            prefix + "mlp.up_proj.weight": [inner, width],
            prefix + "mlp.down_proj.weight": [width, inner],
        }
    return result | {"model.norm.weight": [width], "lm_head.weight": [vocabulary, width]}


def chunks(shape, rng):
    """A tensor's bfloat16 bit patterns, piece by piece."""
    count = math.prod(shape)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        if len(shape) == 1:
            yield np.full(size, 0x3F80, np.uint16)  # 1.0
            continue
        values = (rng.random(size, dtype=np.float32) - np.float32(0.5)) * np.float32(0.08)
        yield (values.view(np.uint32) >> 16).astype(np.uint16)


def write(folder, layers):
    c = config(layers)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(c, indent=2) + "\n")
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes(c).items():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    rng = np.random.default_rng(0)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for shape in shapes(c).values():
            for chunk in chunks(shape, rng):
                chunk.tofile(file)
    return offset


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--layers", type=int, default=12)
    arguments = parser.parse_args()
    size = write(arguments.out, arguments.layers)
    print(f"{arguments.out}: {size / 1e6:.0f} MB of tensors")


main()
