"""What transformers' logits processors leave of a row of logits.

usage: make_sampling_fixture.py      (needs torch, transformers; writes ../sampling.json beside this folder)

Each case: temperature, top_k, top_p, min_p, penalty (null: not used), and the tokens kept with their probabilities, the most
probable first. The penalty is for the tokens of `past`.

Each text: what transformers generates greedily with models of ../references after a prompt, with a penalty.
"""
import json
from pathlib import Path

import torch
from transformers import (
    AutoModelForCausalLM,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

FIXTURES = Path(__file__).resolve().parent.parent

generator = torch.Generator().manual_seed(3)
logits = torch.randn(1, 60, generator=generator) * 2.5
past = [int(i) for i in logits[0].argsort(descending=True)[[0, 2, 1, 2, 30, 59, 7, 30, 58]]]  # likely and unlikely, some twice
cases = []
settings = [
    (temperature, *filters, None)
    for temperature in (0.7, 1.0, 1.6)
    for filters in ((None, None, None), (5, None, None), (None, 0.8, None), (None, None, 0.1), (20, 0.7, None),
                    (None, 0.95, 0.05), (12, 0.9, 0.02), (1, None, None), (100, 0.3, None))
]
settings += [
    (temperature, *filters, penalty)
    for temperature in (0.7, 1.6)
    for filters in ((None, None, None), (5, None, None), (12, 0.9, 0.02))
    for penalty in (1.1, 1.8, 0.6)
]
for temperature, top_k, top_p, min_p, penalty in settings:
    scores = logits.clone()
    if penalty:
        scores = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([past]), scores)
    scores = TemperatureLogitsWarper(temperature)(None, scores)
    if top_k:
        scores = TopKLogitsWarper(top_k)(None, scores)
    if top_p:
        scores = TopPLogitsWarper(top_p)(None, scores)
    if min_p:
        scores = MinPLogitsWarper(min_p)(None, scores)
    probabilities = scores.softmax(-1)[0]
    order = probabilities.argsort(descending=True)
    kept = [int(i) for i in order if probabilities[i] > 0]
    cases.append({"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "penalty": penalty,
                  "tokens": kept, "probabilities": [round(float(probabilities[i]), 7) for i in kept]})

texts = []
for name in ("llama-gqa", "mamba", "mamba2-groups"):
    model = AutoModelForCausalLM.from_pretrained(FIXTURES / "references" / name, dtype=torch.float32).eval()
    model.generation_config.eos_token_id = None
    for penalty in (1.0, 1.15, 1.7, 0.8):
        prompt = [5, 9, 40, 9, 77]
        tokens = model.generate(torch.tensor([prompt]), do_sample=False, max_new_tokens=40, repetition_penalty=penalty,
                                pad_token_id=0)[0, len(prompt):]
        texts.append({"model": name, "penalty": penalty, "prompt": prompt, "tokens": tokens.tolist()})
path = FIXTURES / "sampling.json"
path.write_text(json.dumps({"logits": [float(x) for x in logits[0]], "past": past, "cases": cases, "texts": texts}))
print(path, path.stat().st_size)
