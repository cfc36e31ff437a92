"""Small random checkpoints in Hugging Face layout, with what transformers answers for them in float32.

usage: make_references.py [--only NAME] [OUT]        OUT defaults to ../references beside this folder
needs: torch, transformers, safetensors, numpy (made with torch 2.15 and transformers 5.23)

OUT/NAME/config.json, model.safetensors (or shards and their index)   the checkpoint
OUT/NAME/expected.safetensors
    tokens       [T] i32         the prompt
    hidden       [L+1, T, D] f32 0: embeddings; i: after layer i, before the final norm
    logits       [T, V] f32      of the full model
    exit_logits  [L, T, V] f32   lm_head(norm(hidden[i + 1])): what an exit after layer i + 1 would say
    greedy       [32] i32        the greedy continuation, recomputed from the first token at every step (no cache)

The answers come from the folder as written, read back by transformers, so that the spelling of each config.json is
tested as well. Mamba checkpoints are computed a second time by naive_mamba.py; the largest difference is printed.
"""

import argparse
import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    FalconMambaConfig,
    LlamaConfig,
    Mamba2Config,
    MambaConfig,
    MistralConfig,
    PretrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

import naive_mamba

VOCABULARY = 96
GREEDY = 32


@dataclass
class Reference:
    config: PretrainedConfig
    dtype: torch.dtype = torch.float32
    shard_size: str = "1GB"
    length: int = 18
    hub_spelling: bool = False
    """Write config.json as checkpoints on the hub had it before transformers 5."""


def llama(kind=LlamaConfig, **changes):
    base = dict(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        rms_norm_eps=1e-5,
        tie_word_embeddings=False,
        bos_token_id=1,
        eos_token_id=2,
    )
    return kind(**(base | changes))


def mamba(kind=MambaConfig, **changes):
    base = dict(
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_hidden_layers=2,
        state_size=8,
        conv_kernel=4,
        expand=2,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    return kind(**(base | changes))


def mamba2(**changes):
    return mamba(Mamba2Config, **(dict(num_heads=8, head_dim=8, n_groups=1, chunk_size=8) | changes))


def rope(kind, theta=10000.0, **parameters):
    return dict(rope_type=kind, rope_theta=theta, **parameters)


REFERENCES = {
    "llama-gqa": Reference(llama(num_hidden_layers=3)),
    "llama-tied": Reference(llama(num_hidden_layers=3, tie_word_embeddings=True, num_key_value_heads=4)),
    "llama-bias": Reference(llama(attention_bias=True, mlp_bias=True)),
    "llama-head-dim": Reference(llama(num_attention_heads=2, num_key_value_heads=1, head_dim=24)),
    "llama-sharded": Reference(llama(), shard_size="30KB"),
    "llama-bf16": Reference(llama(num_key_value_heads=1), dtype=torch.bfloat16),
    "llama-f16": Reference(llama(num_attention_heads=2), dtype=torch.float16),
    # With a context of 32, the wavelengths of a 16-wide head fall on both sides of and between the two bounds.
    "llama-rope-llama3": Reference(
        llama(
            num_attention_heads=2,
            num_key_value_heads=1,
            rope_parameters=rope(
                "llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32
            ),
        ),
        length=36,
        hub_spelling=True,
    ),
    "llama-rope-linear": Reference(llama(rope_parameters=rope("linear", factor=4.0)), hub_spelling=True),
    "llama-rope-yarn": Reference(
        llama(
            num_attention_heads=2, rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=32)
        ),
        length=36,
    ),
    "mistral-window": Reference(
        llama(
            MistralConfig,
            num_hidden_layers=3,
            head_dim=12,
            sliding_window=6,
            rope_parameters=rope("default", 1e6),
        ),
        hub_spelling=True,
    ),
    "qwen2": Reference(
        llama(Qwen2Config, tie_word_embeddings=True, rope_parameters=rope("default", 1e6)), hub_spelling=True
    ),
    "qwen2-window": Reference(
        llama(Qwen2Config, num_hidden_layers=3, use_sliding_window=True, sliding_window=5, max_window_layers=1)
    ),
    "qwen3": Reference(llama(Qwen3Config, head_dim=16, rms_norm_eps=1e-3, rope_parameters=rope("default", 1e6))),
    "mamba": Reference(mamba(num_hidden_layers=3, time_step_rank=2)),
    "mamba-bias": Reference(
        mamba(time_step_rank=3, state_size=4, use_bias=True, use_conv_bias=False, tie_word_embeddings=False)
    ),
    "falcon-mamba": Reference(mamba(FalconMambaConfig, mixer_rms_eps=1e-3, tie_word_embeddings=False)),
    "mamba2": Reference(mamba2(tie_word_embeddings=True), hub_spelling=True),
    "mamba2-groups": Reference(mamba2(num_hidden_layers=3, n_groups=4, use_bias=True)),
    "mamba2-limit": Reference(mamba2(n_groups=2, time_step_limit=(0.1, 0.4), use_conv_bias=False)),
}


def randomize(model, generator):
    """Weights far from their initial values, so that each of them shows in the logits."""

    def normal(p, mean, deviation):
        p.copy_(torch.randn(p.shape, generator=generator) * deviation + mean)

    with torch.no_grad():
        for name, p in model.named_parameters():
            leaf = name.removesuffix(".weight").removesuffix(".bias").rsplit(".", 1)[-1]
            if leaf == "A_log":  # decay rates between 0.3 and 5
                p.copy_(torch.empty(p.shape).uniform_(math.log(0.3), math.log(5), generator=generator))
            elif "norm" in leaf:
                normal(p, 1, 0.2)
            elif leaf == "D":
                normal(p, 1, 0.3)
            elif leaf == "dt_bias" or name.endswith("dt_proj.bias"):
                normal(p, -1.5, 0.8)
            elif leaf in ("embed_tokens", "embeddings"):
                normal(p, 0, 0.3 if model.config.tie_word_embeddings else 1)
            elif leaf == "x_proj":  # B, C and dt multiply each other: larger ones would amplify rounding
                normal(p, 0, 0.8 / math.sqrt(p.shape[-1]))
            elif name.endswith(".bias"):
                normal(p, 0, 0.3)
            else:  # [out, in] or a convolution's [channels, 1, k]
                normal(p, 0, 1.5 / math.sqrt(p.shape[-1]))


def spell_as_on_hub(path):
    """Rewrites config.json with the keys of older releases; a bare Infinity is what they wrote for Mamba-2."""
    config = json.loads(path.read_text())
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.43.0"
    if rope := config.pop("rope_parameters", None):
        config["rope_theta"] = rope.pop("rope_theta")
        kind = rope.pop("rope_type")
        spelled = "type" if kind == "linear" else "rope_type"  # the older of the two names
        config["rope_scaling"] = {**rope, spelled: kind} if kind != "default" else None
        config.pop("layer_types", None)
    if config.get("head_dim") == config["hidden_size"] // config.get("num_attention_heads", 1):
        del config["head_dim"]
    if "use_sliding_window" in config and not config["use_sliding_window"]:
        config |= {"sliding_window": 4, "max_window_layers": 0}  # Qwen2 gives a window even where it is not used
    if "time_step_limit" in config:
        config["time_step_limit"] = [0.0, float("inf")]
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


@torch.no_grad()
def answer(model, tokens):
    """The tensors of expected.safetensors, and the smallest lead of a greedily chosen token over the next best."""
    base = getattr(model, "model", None) or model.backbone
    norm = getattr(base, "norm", None) or base.norm_f
    seen = [base.get_input_embeddings()(tokens)]
    hooks = [
        layer.register_forward_hook(lambda _, __, out: seen.append(out[0] if isinstance(out, tuple) else out))
        for layer in base.layers
    ]
    logits = model(tokens, use_cache=False).logits[0]
    for hook in hooks:
        hook.remove()
    hidden = torch.cat(seen)
    exits = model.lm_head(norm(hidden[1:]))
    torch.testing.assert_close(exits[-1], logits, rtol=0, atol=1e-5)

    sequence, lead = tokens, math.inf
    for _ in range(GREEDY):
        best = model(sequence, use_cache=False).logits[0, -1].topk(2)
        lead = min(lead, (best.values[0] - best.values[1]).item())
        sequence = torch.cat([sequence, best.indices[:1, None]], dim=1)
    expected = {
        "tokens": tokens[0].to(torch.int32),
        "hidden": hidden,
        "logits": logits,
        "exit_logits": exits,
        "greedy": sequence[0, tokens.shape[1] :].to(torch.int32),
    }
    return {name: tensor.contiguous() for name, tensor in expected.items()}, lead


def write(reference, folder, seed):
    shutil.rmtree(folder, ignore_errors=True)
    generator = torch.Generator().manual_seed(seed)
    model = AutoModelForCausalLM.from_config(reference.config)
    randomize(model, generator)
    model.to(reference.dtype).save_pretrained(folder, max_shard_size=reference.shard_size)
    if reference.hub_spelling:
        spell_as_on_hub(folder / "config.json")
    tokens = torch.randint(3, VOCABULARY, (1, reference.length), generator=generator)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    return answer(model, tokens)


def second_opinion(folder, expected):
    config = json.loads((folder / "config.json").read_text())
    if "mamba" not in config["model_type"]:
        return ""
    limit = config.get("time_step_limit", [0, math.inf])
    config["time_step_limit"] = [float(v["__float__"]) if isinstance(v, dict) else v for v in limit]
    tensors = {name: tensor.numpy() for name, tensor in load_file(folder / "model.safetensors").items()}
    naive = naive_mamba.logits(tensors, config, expected["tokens"].tolist())
    difference = abs(naive - expected["logits"].numpy()).max()
    if difference > 1e-5 * abs(naive).max():
        raise SystemExit(f"{folder.name}: transformers and the plain recurrence differ by {difference}")
    return f"  recurrence in float64 differs by {difference:.1e}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=Path(__file__).resolve().parent.parent / "references")
    parser.add_argument("--only", choices=REFERENCES)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    total = 0
    for index, (name, reference) in enumerate(REFERENCES.items()):
        if arguments.only not in (None, name):
            continue
        folder = arguments.out / name
        for attempt in range(50):  # greedy tokens that vary, and that rounding cannot change
            expected, lead = write(reference, folder, seed=1000 * index + attempt)
            if lead > 0.02 and len(set(expected["greedy"].tolist())) >= 8:
                break
        else:
            raise SystemExit(f"{name}: no seed without near ties or repetition")
        save_file(expected, folder / "expected.safetensors")
        size = sum(file.stat().st_size for file in folder.iterdir())
        total += size
        print(
            f"{name:18s} {size / 1024:5.0f} KiB  logits deviate {expected['logits'].std():.2f}  lead {lead:.3f}  "
            f"{len(set(expected['greedy'].tolist()))} distinct tokens{second_opinion(folder, expected)}"
        )
    print(f"{total / 1024 / 1024:.2f} MiB")


if __name__ == "__main__":
    main()
