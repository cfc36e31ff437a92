"""PyTorch's gradients and learning curves for some of the reference checkpoints.

usage: make_gradient_references.py [OUT]      (needs torch, transformers, safetensors)
       OUT defaults to ../gradient-references beside this folder; checkpoints are read from ../references

OUT/NAME.safetensors   tokens [sequences, T] i32; loss [1]: mean cross entropy of the next tokens; one gradient for each
                       parameter, under its name
OUT/NAME.curve.json    for llama-gqa and mamba2-groups: the losses of fifty steps of AdamW from the checkpoint, each on a
                       batch drawn by the rule in `batch`
"""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

FIXTURES = Path(__file__).resolve().parent.parent
NAMES = ["llama-gqa", "llama-tied", "llama-bias", "mistral-window", "qwen2", "qwen3", "mamba", "mamba2-groups", "mamba2-limit", "falcon-mamba"]
CURVES = ["llama-gqa", "mamba2-groups"]


def load(name):
    return AutoModelForCausalLM.from_pretrained(FIXTURES / "references" / name, dtype=torch.float32, attn_implementation="eager") \
        if "mamba" not in name else AutoModelForCausalLM.from_pretrained(FIXTURES / "references" / name, dtype=torch.float32)


def batch(step, sequences=4, length=24, vocabulary=96):
    """Numbers that any language can make again: a sum of squares modulo the vocabulary."""
    return torch.tensor([[(7 + 31 * step + 17 * s + (t * t + 3 * t) * (1 + (s + step) % 3)) % vocabulary for t in range(length)]
                         for s in range(sequences)])


def loss_of(model, tokens):
    logits = model(tokens, use_cache=False).logits[:, :-1]
    return torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), tokens[:, 1:].reshape(-1))


def main(out):
    out.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        model = load(name).train()
        tokens = batch(0)
        loss = loss_of(model, tokens)
        loss.backward()
        tensors = {n: p.grad.contiguous() for n, p in model.named_parameters()}
        tensors["tokens"] = tokens.to(torch.int32)
        tensors["loss"] = loss.detach().reshape(1)
        save_file(tensors, out / f"{name}.safetensors")
        print(name, float(loss), len(tensors) - 2, "gradients")
        if name not in CURVES:
            continue
        model = load(name).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
        losses = []
        for step in range(50):
            loss = loss_of(model, batch(step))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(float(loss.detach()))
        (out / f"{name}.curve.json").write_text(json.dumps({"losses": losses}))
        print(name, losses[0], "to", losses[-1])


main(Path(sys.argv[1]) if len(sys.argv) > 1 else FIXTURES / "gradient-references")
