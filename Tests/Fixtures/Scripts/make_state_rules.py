"""What transformers answers when tokens leave early and the states of the layers above follow a rule.

usage: make_state_rules.py      (needs torch, transformers, safetensors; writes ../state-rules beside this folder)

For each model of ../references, NAME.safetensors:
    tokens  [T] i32     one after the other
    depths  [T] i32     layers that each of them runs through
    RULE    [T, V] f32  the logits of each, by the norm and the head after its last layer

Rules, with layers and caches of transformers as they are:
    project  each layer above runs on the row that left; what it puts out is thrown away
    copy     each layer above gets the newest keys and values of the one below
    skip     the layers above are not called
"""

import random
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, DynamicCache

FIXTURES = Path(__file__).resolve().parent.parent
LENGTH = 20


def attention_layer(model, layer, row, cache, position):
    places = torch.tensor([[position]])
    angles = model.model.rotary_emb(row, position_ids=places)
    return model.model.layers[layer](row, position_ids=places, past_key_values=cache, position_embeddings=angles)


def recurrent_layer(model, layer, row, cache, position):
    return model.backbone.layers[layer](row, cache_params=cache)


def answers(model, run, tokens, depths, rule):
    cache = DynamicCache(config=model.config)
    norm = model.model.norm if hasattr(model, "model") else model.backbone.norm_f
    rows = []
    for position, (token, depth) in enumerate(zip(tokens, depths)):
        row = model.get_input_embeddings()(torch.tensor([[token]]))
        for layer in range(depth):
            row = run(model, layer, row, cache, position)
        rows.append(model.lm_head(norm(row))[0, 0])
        for layer in range(depth, model.config.num_hidden_layers):
            if rule == "project":
                run(model, layer, row, cache, position)
            elif rule == "copy":
                below = cache.layers[layer - 1]
                cache.update(below.keys[:, :, -1:], below.values[:, :, -1:], layer)
    return torch.stack(rows).float().contiguous()


def make(name, run, rules):
    model = AutoModelForCausalLM.from_pretrained(FIXTURES / "references" / name, dtype=torch.float32).eval()
    generator = random.Random(name)
    layers = model.config.num_hidden_layers
    tokens = [generator.randrange(3, 96) for _ in range(LENGTH)]
    depths = [layers] * 3 + [generator.randint(1, layers) for _ in range(LENGTH - 3)]
    tensors = {"tokens": torch.tensor(tokens, dtype=torch.int32), "depths": torch.tensor(depths, dtype=torch.int32)}
    for rule in rules:
        tensors[rule] = answers(model, run, tokens, depths, rule)
    # The oracle's own check: without exits it is the model's forward pass.
    whole = model(torch.tensor([tokens])).logits[0]
    error = (answers(model, run, tokens, [layers] * LENGTH, rules[0]) - whole).abs().max().item()
    assert error < 1e-4, error
    save_file(tensors, FIXTURES / "state-rules" / f"{name}.safetensors")
    print(name, depths, {rule: f"{(tensors[rule] - whole).abs().max().item():.3f}" for rule in rules}, f"{error:.1e}")


(FIXTURES / "state-rules").mkdir(exist_ok=True)
with torch.no_grad():
    for name in ("llama-gqa", "qwen3"):
        make(name, attention_layer, ("project", "copy"))
    for name in ("mamba", "falcon-mamba", "mamba2-groups"):
        make(name, recurrent_layer, ("project", "skip"))
