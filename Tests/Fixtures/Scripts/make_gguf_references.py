"""Small random GGUF files, with what transformers answers on the weights as the file holds them.

usage: make_gguf_references.py [--all] [OUT]      OUT defaults to ../gguf-references beside this folder
       --all also writes one Llama per tensor type (llama-Q4_K.gguf, ...), too many to commit
needs: torch, transformers, safetensors, gguf 0.19, llama-cpp-python (quantizes, and must agree on every file)

OUT/NAME.gguf
OUT/NAME.expected.safetensors    tokens [T] i32; logits [T, V] f32 (float32 arithmetic on the dequantized weights)

How GGUF differs from the Hugging Face layout, each line proven by llama.cpp reading the files written here
(A. is the architecture's name, used as key prefix; B. is blk.N.; weights end in .weight unless shown bare):

  general.architecture   llama (also for Mistral), qwen2, qwen3, mamba (also for Falcon-Mamba), mamba2
  all                    A.context_length, A.embedding_length, A.block_count, A.vocab_size (optional),
                         A.attention.layer_norm_rms_epsilon (also where Hugging Face says layer_norm_epsilon);
                         token_embd, output_norm, output (absent: tied to token_embd), B.attn_norm (before a mixer too)
  attention              A.attention.head_count, .head_count_kv, .key_length, .value_length (optional: width / heads),
                         A.feed_forward_length, A.rope.freq_base (optional: 10000), A.rope.dimension_count
                         B.attn_q, attn_k, attn_v, attn_output, ffn_norm, ffn_gate, ffn_up, ffn_down
    llama                rotates neighbours (2i, 2i + 1): the rows of attn_q and attn_k (and of their biases) are
                         reordered within each head, row 2i + j here being row j * head / 2 + i there
    qwen2, qwen3         rotate halves (i, i + head / 2), rows as in Hugging Face; qwen2 has B.attn_{q,k,v}.bias,
                         qwen3 has B.attn_q_norm, attn_k_norm [head]
    linear, yarn         A.rope.scaling.type, .factor; yarn also .original_context_length
    llama3               no key: rope_freqs.weight [head / 2] divides the inverse frequencies
  mamba                  A.ssm.conv_kernel, .inner_size, .state_size, .time_step_rank, .dt_b_c_rms (true: Falcon-Mamba,
                         whose norms of dt, B and C use the only epsilon); head_count 0, feed_forward_length 0
                         B.ssm_in, ssm_conv1d [inner, k] and .bias, ssm_x, ssm_dt and .bias, ssm_out,
                         bare B.ssm_a = -exp(A_log) [inner, N], bare B.ssm_d [inner]
  mamba2                 A.ssm.time_step_rank is the number of heads, A.ssm.group_count the number of groups
                         B.ssm_in, ssm_conv1d [inner + 2 * groups * N, k] and .bias, ssm_dt.bias [heads], ssm_out,
                         ssm_norm [groups, inner / groups], bare B.ssm_a = -exp(A_log) and B.ssm_d, both [heads, 1]

Shapes are written here as [rows, columns]; the file stores them reversed.
"""

import argparse
import itertools
import math
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, FalconMambaConfig, PretrainedConfig, Qwen2Config, Qwen3Config

import llama_cpp_oracle
from make_references import VOCABULARY, llama, mamba, mamba2, randomize, rope

LENGTH = 18
LEGACY = [Type.F16, Type.BF16, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0]
SUPER = [Type.Q2_K, Type.Q3_K, Type.Q4_K, Type.Q5_K, Type.Q6_K]


@dataclass
class Reference:
    config: PretrainedConfig
    types: dict | None = None
    """Tensor type for each Hugging Face name ending; None: everything in F32."""


def one_layer(width, types, **changes):
    """A Llama whose matrices take the given types in turn, as far as the width of their rows allows."""
    config = llama(vocab_size=64, hidden_size=width, intermediate_size=width, num_hidden_layers=1, **changes)
    names = ["gate_proj", "up_proj", "down_proj", "embed_tokens", "lm_head", "q_proj", "k_proj", "v_proj", "o_proj"]
    return Reference(config, dict(zip(names, itertools.cycle(types))))


def super_blocks(types):
    """Blocks of 256 need wide rows; few and narrow heads keep the file small all the same."""
    reference = one_layer(256, types, num_attention_heads=2, num_key_value_heads=1, head_dim=32)
    reference.types["o_proj"] = Type.Q8_0  # its rows are 64 wide
    return reference


COMMITTED = {
    "llama-legacy": one_layer(64, LEGACY),
    "llama-super": super_blocks(SUPER),
    "llama-rope-llama3": Reference(
        llama(
            num_hidden_layers=1,
            num_attention_heads=2,
            rope_parameters=rope(
                "llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32
            ),
        )
    ),
    "llama-rope-linear": Reference(llama(num_hidden_layers=1, rope_parameters=rope("linear", factor=4.0))),
    "llama-rope-yarn": Reference(
        llama(
            num_hidden_layers=1,
            num_attention_heads=2,
            rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=32),
        )
    ),
    "qwen2": Reference(llama(Qwen2Config, tie_word_embeddings=True, rope_parameters=rope("default", 1e6))),
    "qwen3": Reference(llama(Qwen3Config, head_dim=16, rope_parameters=rope("default", 1e6))),
    "mamba": Reference(mamba(time_step_rank=2)),
    "mamba2": Reference(mamba2(n_groups=2)),
    "falcon-mamba": Reference(
        mamba(FalconMambaConfig, mixer_rms_eps=1e-4, layer_norm_epsilon=1e-4, tie_word_embeddings=False)
    ),
}
EVERY_TYPE = {f"llama-{kind.name}": one_layer(64, [kind]) for kind in [Type.F32] + LEGACY} | {
    f"llama-{kind.name}": super_blocks([kind]) for kind in SUPER
}

NAMES = {  # endings of Hugging Face names after "layers.N.", and of names outside the layers
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "norm": "attn_norm",
    "mixer.in_proj": "ssm_in",
    "mixer.conv1d": "ssm_conv1d",
    "mixer.x_proj": "ssm_x",
    "mixer.dt_proj": "ssm_dt",
    "mixer.dt_bias": "ssm_dt.bias",
    "mixer.A_log": "ssm_a",
    "mixer.D": "ssm_d",
    "mixer.norm": "ssm_norm",
    "mixer.out_proj": "ssm_out",
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "backbone.embeddings": "token_embd",
    "backbone.norm_f": "output_norm",
    "lm_head": "output",
}


def gguf_name(name):
    stem, dot, suffix = name.rpartition(".")
    if suffix not in ("weight", "bias"):
        stem, dot, suffix = name, "", ""
    if ".layers." not in stem:
        return NAMES[stem] + dot + suffix
    number, _, inner = stem.partition(".layers.")[2].partition(".")
    return f"blk.{number}.{NAMES[inner]}{dot}{suffix}"


def neighbours(rows, heads):
    """Rows of a projection to rotated heads, from halves (i, i + head / 2) to neighbours (2i, 2i + 1)."""
    return rows.reshape(heads, 2, -1, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def arranged(name, array, config):
    """A tensor's values as GGUF keeps them (of quantized tensors: its rows of bytes)."""
    if name.endswith("A_log"):
        array = -np.exp(array)
    if config.model_type == "llama" and "q_proj" in name:
        array = neighbours(array, config.num_attention_heads)
    if config.model_type == "llama" and "k_proj" in name:
        array = neighbours(array, config.num_key_value_heads)
    if name.endswith("conv1d.weight"):
        array = array[:, 0]
    if config.model_type == "mamba2" and name.endswith(("A_log", ".D")):
        array = array[:, None]
    if config.model_type == "mamba2" and name.endswith("mixer.norm.weight"):
        array = array.reshape(config.n_groups, -1)
    return array


def add_keys(writer, config):
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("none")
    if "mamba" in config.model_type:
        writer.add_context_length(2**20)
        writer.add_feed_forward_length(0)
        writer.add_head_count(0)
        writer.add_layer_norm_rms_eps(config.layer_norm_epsilon)
        writer.add_ssm_conv_kernel(config.conv_kernel)
        writer.add_ssm_inner_size(config.expand * config.hidden_size)
        writer.add_ssm_state_size(config.state_size)
        if config.model_type == "mamba2":
            writer.add_ssm_time_step_rank(config.num_heads)
            writer.add_ssm_group_count(config.n_groups)
        else:
            writer.add_ssm_time_step_rank(config.time_step_rank)
            writer.add_ssm_dt_b_c_rms(config.model_type == "falcon_mamba")
        return
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_context_length(config.max_position_embeddings)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(head)
    if head * config.num_attention_heads != config.hidden_size:
        writer.add_key_length(head)
        writer.add_value_length(head)
    parameters = config.rope_parameters
    writer.add_rope_freq_base(parameters["rope_theta"])
    kind = parameters["rope_type"]
    if kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType(kind))
        writer.add_rope_scaling_factor(parameters["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(parameters["original_max_position_embeddings"])
    if kind == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_divisors(parameters, head))


def llama3_divisors(parameters, head):
    """What Llama 3.1 divides each inverse frequency by, [head / 2]: 1 for short waves, the factor for long ones."""
    waves = 2 * math.pi * parameters["rope_theta"] ** (np.arange(0, head, 2) / head)
    low, high = parameters["low_freq_factor"], parameters["high_freq_factor"]
    share = np.clip((parameters["original_max_position_embeddings"] / waves - low) / (high - low), 0, 1)
    return (1 / ((1 - share) / parameters["factor"] + share)).astype(np.float32)


def rounded(rows, kind):
    """The blocks of a matrix in a type, and the values that they stand for."""
    blocks = (gguf.quants if kind in (Type.F16, Type.BF16) else llama_cpp_oracle).quantize(rows, kind)
    values = gguf.quants.dequantize(blocks, kind).astype(np.float32)
    if kind not in (Type.F16, Type.BF16):  # two implementations, the same bits
        np.testing.assert_array_equal(values, llama_cpp_oracle.dequantize(blocks, kind))
    return blocks, values


@torch.no_grad()
def write(path, reference, seed):
    """Writes a file; returns its expected answers and the types of its tensors."""
    config, generator = reference.config, torch.Generator().manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    randomize(model, generator)
    writer = gguf.GGUFWriter(path, "mamba" if config.model_type == "falcon_mamba" else config.model_type)
    add_keys(writer, config)
    used = set()
    for name, parameter in model.named_parameters():  # a tied head appears once
        values = parameter.numpy()
        kind = (reference.types or {}).get(name.removesuffix(".weight").rpartition(".")[2], Type.F32)
        if kind != Type.F32:
            blocks, dequantized = rounded(values, kind)
            parameter.copy_(torch.from_numpy(dequantized))
            values = blocks
        values = np.ascontiguousarray(arranged(name, values, config))
        raw = kind if values.dtype == np.uint8 else None
        writer.add_tensor(gguf_name(name), values, raw_dtype=raw)
        used.add(kind.name)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    tokens = torch.randint(3, config.vocab_size, (1, LENGTH), generator=generator)
    logits = model(tokens, use_cache=False).logits[0].contiguous()
    return {"tokens": tokens[0].to(torch.int32), "logits": logits}, used


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=Path(__file__).resolve().parent.parent / "gguf-references")
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for seed, (name, reference) in enumerate((COMMITTED | (EVERY_TYPE if arguments.all else {})).items()):
        path = arguments.out / f"{name}.gguf"
        expected, used = write(path, reference, seed)
        save_file(expected, arguments.out / f"{name}.expected.safetensors")
        logits = expected["logits"].numpy()
        error = np.sqrt(np.mean((llama_cpp_oracle.logits(path, expected["tokens"]) - logits) ** 2)) / logits.std()
        size = path.stat().st_size / 1024
        print(f"{name:18s} {size:4.0f} KiB  llama.cpp differs by {error:.1e}  {' '.join(sorted(used))}")
        # llama.cpp rounds activations to 8 bits before products with quantized weights; F32 has no such excuse.
        assert error < (1e-4 if used == {"F32"} else 0.1), f"{name}: llama.cpp reads something else"


if __name__ == "__main__":
    main()
