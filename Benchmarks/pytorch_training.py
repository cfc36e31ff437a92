"""Trains a random model of Llama's layout with PyTorch: pytorch_training.py SETTINGS.json

Prints the seconds of each step and its loss as JSON. See compare_pytorch_training.py. Needs torch and transformers.
"""

import json
import sys
import time
from pathlib import Path

import torch
import transformers


def main():
    settings = json.loads(Path(sys.argv[1]).read_text())
    shape, optimizing = settings["shape"], settings["optimizer"]
    torch.set_num_threads(settings["threads"])
    torch.manual_seed(1)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**shape))
    betas = (optimizing["beta1"], optimizing["beta2"])
    optimizer = torch.optim.AdamW(
        model.parameters(), optimizing["rate"], betas, optimizing["epsilon"], optimizing["decay"]
    )
    run = torch.compile(model) if settings["compile"] else model
    sizes = (settings["steps"], settings["batch"], settings["context"] + 1)
    batches = (torch.rand(sizes) ** 3 * shape["vocab_size"]).long()
    seconds, losses = [], []
    for tokens in batches:
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=settings["precision"] == "bf16"):
            logits = run(tokens[:, :-1], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), optimizing["clip"])
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    result = {
        "seconds": seconds,
        "losses": losses,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "version": f"torch {torch.__version__}, transformers {transformers.__version__}",
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
