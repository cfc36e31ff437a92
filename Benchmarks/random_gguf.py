"""A GGUF file with random weights at the shape of a config.json, streamed to disk tensor by tensor.

usage: random_gguf.py CONFIG.json OUT.gguf [--type q8|q4|bf16]      (Llama, Mistral and Mamba-2 shapes)

Matrices are random blocks of Q8_0, Q4_0 or BF16, which take the same time as real ones; their values spread like the
weights of a freshly initialised model, so that no activation overflows.
"""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

DEVIATION = 0.02
TYPES = {"q8": Type.Q8_0, "q4": Type.Q4_0, "bf16": Type.BF16}
CODES = {Type.Q8_0: 256, Type.Q4_0: 16}


def random_blocks(rng, shape, kind):
    """[rows, bytes]: each block a 16-bit scale, then codes spread evenly over their range; or numbers in bfloat16."""
    if kind == Type.BF16:
        numbers = rng.standard_normal(shape, dtype=np.float32) * np.float32(DEVIATION)
        return (numbers.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
    block, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (shape[0], shape[1] // block, size), dtype=np.uint8)
    scale = np.float16(DEVIATION * 12**0.5 / CODES[kind])
    blocks[:, :, :2] = np.frombuffer(scale.tobytes(), np.uint8)
    return blocks.reshape(shape[0], -1)


def llama_tensors(config):
    """Names and shapes; one number: a vector of ones."""
    width, inner, vocabulary = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    heads, kv = config["num_attention_heads"], config["num_key_value_heads"]
    head = config.get("head_dim") or width // heads
    yield "token_embd.weight", (vocabulary, width)
    for i in range(config["num_hidden_layers"]):
        yield f"blk.{i}.attn_norm.weight", (width,)
        yield f"blk.{i}.attn_q.weight", (heads * head, width)
        yield f"blk.{i}.attn_k.weight", (kv * head, width)
        yield f"blk.{i}.attn_v.weight", (kv * head, width)
        yield f"blk.{i}.attn_output.weight", (width, heads * head)
        yield f"blk.{i}.ffn_norm.weight", (width,)
        yield f"blk.{i}.ffn_gate.weight", (inner, width)
        yield f"blk.{i}.ffn_up.weight", (inner, width)
        yield f"blk.{i}.ffn_down.weight", (width, inner)
    yield "output_norm.weight", (width,)
    yield "output.weight", (vocabulary, width)


def mamba2_tensors(config):
    """Names and shapes, and the value that fills what is not a matrix (1 where none is given)."""
    width, heads, groups, kernel = config["hidden_size"], config["num_heads"], config["n_groups"], config["conv_kernel"]
    inner = heads * config["head_dim"]
    channels = inner + 2 * groups * config["state_size"]
    yield "token_embd.weight", (config["vocab_size"], width)
    for i in range(config["num_hidden_layers"]):
        yield f"blk.{i}.attn_norm.weight", (width,)
        yield f"blk.{i}.ssm_in.weight", (inner + channels + heads, width)
        yield f"blk.{i}.ssm_conv1d.weight", (channels, kernel), 0.25
        yield f"blk.{i}.ssm_conv1d.bias", (channels,), 0
        yield f"blk.{i}.ssm_dt.bias", (heads,), -3
        yield f"blk.{i}.ssm_a", (heads, 1), -1
        yield f"blk.{i}.ssm_d", (heads, 1)
        yield f"blk.{i}.ssm_norm.weight", (groups, inner // groups)
        yield f"blk.{i}.ssm_out.weight", (width, inner)
    yield "output_norm.weight", (width,)
    if not config["tie_word_embeddings"]:
        yield "output.weight", (config["vocab_size"], width)


def add_keys(writer, config):
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("none")
    if config["model_type"] == "mamba2":
        writer.add_context_length(2**20)
        writer.add_feed_forward_length(0)
        writer.add_head_count(0)
        writer.add_layer_norm_rms_eps(config["layer_norm_epsilon"])
        writer.add_ssm_conv_kernel(config["conv_kernel"])
        writer.add_ssm_inner_size(config["num_heads"] * config["head_dim"])
        writer.add_ssm_state_size(config["state_size"])
        writer.add_ssm_time_step_rank(config["num_heads"])
        writer.add_ssm_group_count(config["n_groups"])
    else:
        writer.add_context_length(config["max_position_embeddings"])
        writer.add_feed_forward_length(config["intermediate_size"])
        writer.add_head_count(config["num_attention_heads"])
        writer.add_head_count_kv(config["num_key_value_heads"])
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
        writer.add_rope_freq_base(config["rope_theta"])
        writer.add_rope_dimension_count(
            config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
        )


def write(config, path, kind):
    """Writes a file beside its final place and moves it there when it is whole."""
    families = {"llama": llama_tensors, "mistral": llama_tensors, "mamba2": mamba2_tensors}
    if config["model_type"] not in families:
        raise SystemExit(f"model_type {config['model_type']}: expected one of {', '.join(families)}")
    rng = np.random.default_rng(0)
    partial = path.with_suffix(".partial")
    writer = gguf.GGUFWriter(partial, "mamba2" if config["model_type"] == "mamba2" else "llama")
    add_keys(writer, config)
    tensors = []
    for name, shape, *value in families[config["model_type"]](config):
        matrix = len(shape) == 2 and not value and "norm" not in name and not name.endswith("ssm_d")
        if matrix:
            block, size = gguf.GGML_QUANT_SIZES[kind]
            stored = (shape[0], shape[1] // block * size)
            writer.add_tensor_info(name, stored, np.dtype(np.uint8), stored[0] * stored[1], raw_dtype=kind)
            tensors.append(lambda shape=shape: random_blocks(rng, shape, kind))
        else:
            fill = np.full(shape, value[0] if value else 1, np.float32)
            writer.add_tensor_info(name, shape, fill.dtype, fill.nbytes)
            tensors.append(lambda fill=fill: fill)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for make in tensors:
        writer.write_tensor_data(make())
    writer.close()
    partial.rename(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--type", choices=TYPES, default="q8")
    arguments = parser.parse_args()
    write(json.loads(arguments.config.read_text()), arguments.out, TYPES[arguments.type])
    print(f"{arguments.out}: {arguments.out.stat().st_size / 2**20:.0f} MiB")
