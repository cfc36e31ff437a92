"""What transformers' logits processors leave of a row of logits.

usage: make_sampling_fixture.py      (needs torch, transformers; writes ../sampling.json beside this folder)

Each case: temperature, top_k, top_p, min_p (null: not used), and the tokens kept with their probabilities, the most
probable first.
"""
import json
from pathlib import Path

import torch
from transformers import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

generator = torch.Generator().manual_seed(3)
logits = torch.randn(1, 60, generator=generator) * 2.5
cases = []
for temperature in (0.7, 1.0, 1.6):
    for top_k, top_p, min_p in ((None, None, None), (5, None, None), (None, 0.8, None), (None, None, 0.1), (20, 0.7, None),
                                (None, 0.95, 0.05), (12, 0.9, 0.02), (1, None, None), (100, 0.3, None)):
        scores = TemperatureLogitsWarper(temperature)(None, logits.clone())
        if top_k:
            scores = TopKLogitsWarper(top_k)(None, scores)
        if top_p:
            scores = TopPLogitsWarper(top_p)(None, scores)
        if min_p:
            scores = MinPLogitsWarper(min_p)(None, scores)
        probabilities = scores.softmax(-1)[0]
        order = probabilities.argsort(descending=True)
        kept = [int(i) for i in order if probabilities[i] > 0]
        cases.append({"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "tokens": kept,
                      "probabilities": [round(float(probabilities[i]), 7) for i in kept]})
path = Path(__file__).resolve().parent.parent / "sampling.json"
path.write_text(json.dumps({"logits": [float(x) for x in logits[0]], "cases": cases}))
print(path, path.stat().st_size)
