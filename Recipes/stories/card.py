#!/usr/bin/env python3
"""Writes the model card of a story model: its losses at each depth as a table and a chart, and samples.

    card.py MODEL RUN DATA [--reference MODEL] [--dynamax PROGRAM]

MODEL is the folder of the quantized model, which gets README.md and loss.svg; RUN the folder of its training run; DATA what
prepare.sh laid out. All figures are measured when this is run, but the time that training took, which the run's
metrics say.
"""

import argparse
import json
import pathlib
import subprocess

TEXTS = ["tinystories", "books"]
TITLES = {"tinystories": "TinyStories", "books": "children's books"}
LIMIT = 200_000  # tokens of each text, spread evenly over it
COLOURS = {"tinystories": ("#2a6fdb", "#7fb0ff"), "books": ("#c2571a", "#ffab73")}
PROMPTS = ["Once upon a time", "The little fox", "One day, Tom and Anna", "In a castle by the sea there lived"]


def call(*arguments):
    return subprocess.run([str(a) for a in arguments], check=True, capture_output=True, text=True).stdout


def measure(program, model, data):
    files = [data / "held-out" / f"{name}.txt" for name in TEXTS]
    options = ["--separator", "<|endoftext|>", "--limit", LIMIT, "--json"]
    report = json.loads(call(program, "train", "measure", *files, "-m", model, *options))
    return {text["name"]: text for text in report["texts"]}


def chart(title, measured):
    """Nats per byte by depth, a line for each text."""
    width, height, left, right, top, bottom = 640, 320, 56, 20, 44, 44
    losses = [d["nats_per_byte"] for text in measured.values() for d in text["depths"]]
    low, high = min(losses) - 0.05, min(max(losses), 3 * min(losses)) + 0.05
    deepest = max(d["depth"] for d in measured[TEXTS[0]]["depths"])

    def x(depth):
        return left + (width - left - right) * (depth - 1) / (deepest - 1)

    def y(loss):
        return height - bottom - (height - top - bottom) * (min(loss, high) - low) / (high - low)

    style = "text{font:12px system-ui,sans-serif;fill:#444}.grid{stroke:#8884}path{fill:none;stroke-width:2}"
    style += "".join(f".{name}{{stroke:{light}}}circle.{name}{{fill:{light}}}" for name, (light, _) in COLOURS.items())
    style += "@media(prefers-color-scheme:dark){text{fill:#ccc}"
    style += "".join(f".{name}{{stroke:{dark}}}circle.{name}{{fill:{dark}}}" for name, (_, dark) in COLOURS.items()) + "}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{title}"><style>{style}</style>',
        f'<text x="{left}" y="18">{title}</text>',
        f'<text x="{width / 2:.0f}" y="{height - 8}" text-anchor="middle">layers</text>',
    ]
    steps = 5
    for i in range(steps + 1):
        value = low + (high - low) * i / steps
        parts.append(f'<path class="grid" d="M{left} {y(value):.1f}H{width - right}"/>')
        parts.append(f'<text x="{left - 8}" y="{y(value):.1f}" dy=".32em" text-anchor="end">{value:.2f}</text>')
    for depth in range(1, deepest + 1):
        parts.append(f'<text x="{x(depth):.1f}" y="{height - bottom + 18}" text-anchor="middle">{depth}</text>')
    legend = left
    for name in TEXTS:
        points = [(x(d["depth"]), y(d["nats_per_byte"])) for d in measured[name]["depths"]]
        parts.append(f'<path class="{name}" d="M' + "L".join(f"{a:.1f} {b:.1f}" for a, b in points) + '"/>')
        parts += [f'<circle class="{name}" cx="{a:.1f}" cy="{b:.1f}" r="3"/>' for a, b in points]
        parts.append(f'<path class="{name}" d="M{legend} 32h18"/><text x="{legend + 24}" y="36">{TITLES[name]}</text>')
        legend += 150
    return "\n".join(parts) + "\n</svg>\n"


def table(measured):
    lines = ["| layers | " + " | ".join(TITLES[name] for name in TEXTS) + " |", "|---:|" + "---:|" * len(TEXTS)]
    full = {name: measured[name]["depths"][-1]["nats_per_byte"] for name in TEXTS}
    for index, depth in enumerate(measured[TEXTS[0]]["depths"]):
        cells = []
        for name in TEXTS:
            loss = measured[name]["depths"][index]["nats_per_byte"]
            cells.append(f"{loss:.4f} ({100 * (loss / full[name] - 1):+.1f} %)")
        lines.append(f"| {depth['depth']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def samples(program, model):
    parts = []
    for prompt in PROMPTS:
        text = call(program, "generate", prompt, "-m", model, "-n", 120, "--temp", 0.7, "--top-p", 0.95, "--seed", 1)
        quoted = "\n".join("> " + line for line in (prompt + text).strip().splitlines())
        parts.append(quoted.replace(prompt, f"**{prompt}**", 1))
    return "\n\n".join(parts)


def training(run):
    seconds = tokens = steps = 0
    for line in (run / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        if "seconds" in record:
            seconds, tokens, steps = seconds + record["seconds"], tokens + record["tokens"], record["step"]
    return steps, tokens, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--reference", help="another model, measured on the same texts")
    parser.add_argument("--dynamax", default="dynamax")
    options = parser.parse_args()

    config = json.loads((options.model / "config.json").read_text())
    recipe = json.loads((options.run / "config.json").read_text())
    is_mamba = config["model_type"] == "mamba2"
    name = "stories-mamba2" if is_mamba else "stories-llama"
    inspected = json.loads(call(options.dynamax, "inspect", options.model, "--json"))
    measured = measure(options.dynamax, options.model, options.data)
    steps, tokens, seconds = training(options.run)
    (options.model / "loss.svg").write_text(chart(f"{name}: nats per byte of held-out text, by layers", measured))

    sizes = f"{config['num_hidden_layers']} layers, width {config['hidden_size']}, {inspected['parameters']:,} parameters"
    layout = "Mamba-2 (Dao and Gu 2024)" if is_mamba else "transformer in Llama's layout"
    reference = ""
    if options.reference:
        other = measure(options.dynamax, options.reference, options.data)
        rows = [
            f"| {label} | " + " | ".join(f"{texts[t]['depths'][-1]['nats_per_byte']:.4f}" for t in TEXTS) + " |"
            for label, texts in ((name, measured), (pathlib.Path(options.reference).name, other))
        ]
        reference = "\nBeside the 260 K-parameter model of llama2.c, which was trained on all of TinyStories, at full depth:\n\n"
        reference += "| model | " + " | ".join(TITLES[t] for t in TEXTS) + " |\n|---|" + "---:|" * len(TEXTS) + "\n"
        reference += "\n".join(rows) + "\n"
    depths = ", ".join(str(d) for d in recipe["exits"]["depths"])
    (options.model / "README.md").write_text(f"""---
license: apache-2.0
language: en
pipeline_tag: text-generation
---
# {name}

A small {layout} that writes stories for children: {sizes}, a vocabulary of {config['vocab_size']}. It was
trained by Dynamax itself, with a loss at several depths, so that its lower layers can write too, and exits have something to
save. Weights are held in 8 bits.

```sh
dynamax generate -m {name} "Once upon a time"
```

## Loss

Nats per byte of held-out text, by the number of layers that run before the shared norm and head; in brackets, how much that is
above the full depth. {sum(measured[t]['tokens'] for t in TEXTS):,} tokens, in pieces of 512.

{table(measured)}

![loss by depth](loss.svg)
{reference}
## Samples

Temperature 0.7, top-p 0.95, seed 1.

{samples(options.dynamax, options.model)}

## Training

{steps:,} steps of {recipe['batch']['rows']:,} tokens, {tokens / 1e6:.1f} M in all, with AdamW in mixed precision (bf16 products, f32
parameters); the loss is the mean over the depths {depths}, weighted by depth. It took {seconds / 60:.0f} minutes of one core of a
shared server. `Recipes/stories` in Dynamax's repository holds the configuration and the commands.

| text | licence |
|---|---|
| TinyStories (Eldan and Li 2023), 5.5 MB of its training split | CDLA-Sharing-1.0 |
| FairytaleQA's tales (Xu et al. 2022), 3.1 MB | Apache-2.0 |
| children's books of Project Gutenberg, 62 MB | public domain |

Held out: the head of TinyStories' validation split, and every tenth book.

## Limits

It knows short stories and nothing else: no facts, no instructions, no conversation. Its training text holds the views of old
books. Names and plots repeat, and longer texts lose their thread.
""")


if __name__ == "__main__":
    main()
