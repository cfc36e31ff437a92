#!/usr/bin/env python3
"""Evaluates both bundled models on all tasks that there is data for, and puts the figures into the README.

    evaluate_bundled.py --data FOLDER [--limit 100] [--output runs] [--tasks A,B] [--threads 2] [--dynamax PROGRAM] [--readme FILE]

The README's part between `<!-- evaluation -->` and `<!-- /evaluation -->` is written anew from the runs' results.json. An interrupted
evaluation goes on where it ended; runs that are there are not made again.
"""

import argparse
import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
MODELS = {
    "stories-llama": ["margin:0.3:layers=4", "margin:0.1:layers=4", "saturation:0.98", "depth:6",
                      "exact:margin:0.3:layers=2,4"],
    "stories-mamba2": ["margin:0.3:layers=6", "margin:0.1:layers=6", "saturation:0.98", "depth:9",
                       "exact:margin:0.3:layers=3,6"],
}
TASKS = [
    "arc_easy", "arc_challenge", "boolq", "coqa", "gsm8k", "hellaswag", "lambada_openai", "piqa", "quac", "triviaqa",
    "truthfulqa_gen", "truthfulqa_mc1", "truthfulqa_mc2", "xsum",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", required=True, help="as evaluate takes it")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("runs"))
    parser.add_argument("--threads", default="2")
    parser.add_argument("--dynamax", default=str(HERE.parent / ".build/release/dynamax"))
    parser.add_argument("--readme", type=pathlib.Path, default=HERE.parent / "README.md")
    arguments = parser.parse_args()

    arguments.output.mkdir(parents=True, exist_ok=True)
    parts = []
    for model, policies in MODELS.items():
        run = arguments.output / model
        subprocess.run(
            [arguments.dynamax, "evaluate", "-m", model, "--tasks", arguments.tasks, "--data", *arguments.data,
             "--policies", *policies, "--limit", str(arguments.limit), "-t", arguments.threads, "-o", str(run)],
            check=True, stdout=subprocess.DEVNULL)
        parts.append(table(json.loads((run / "results.json").read_text())))
    replace(arguments.readme, "\n".join(parts))


def table(results):
    """A column for each policy: what it keeps and takes, and the difference that it makes to each task."""
    policies = results["policies"]
    full, others = policies[0], policies[1:]
    cells = {(cell["task"], cell["policy"]): cell for cell in results["results"]}
    model = results["model"]
    lines = [
        f"| `{model['name']}`, {model['layers']} layers | full model | " + " | ".join(f"`{p['name']}`" for p in others) + " |",
        "|---|" + "---:|" * len(policies),
    ]

    def row(name, own, value):
        lines.append(f"| {name} | {own} | " + " | ".join(value(policy) for policy in others) + " |")

    row("tokens kept", "100 %", lambda p: percent(p["agreement"], 1))
    row("layers a token", decimal(full["layers"], 2), lambda p: decimal(p["layers"], 2))
    row("multiply-adds", "100 %", lambda p: percent(p["multiply_adds_share"], 0))
    row("bytes", "100 %", lambda p: percent(p["bytes_share"], 0))
    row("speed", "1", lambda p: decimal(p["speed"], 2))
    for task in results["tasks"]:
        own = cells.get((task["name"], full["name"]))
        if not own or not own["main_metric"]:
            continue
        metric = own["main_metric"]
        row(
            f"{task['name']}, {metric}", score(own["metrics"][metric]),
            lambda p: difference(cells.get((task["name"], p["name"]), {}).get("metrics", {}).get(metric)))
    return "\n".join(lines) + "\n"


def percent(share, digits):
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def decimal(value, digits):
    return "–" if value is None else f"{value:.{digits}f}"


def signed(value, digits):
    text = f"{abs(value):.{digits}f}"
    return text if not float(text) else ("−" if value < 0 else "+") + text


def score(figure):
    """In points where scores lie between 0 and 1."""
    return decimal(figure["value"] * 100, 1) if figure["is_share"] else decimal(figure["value"], 2)


def difference(figure):
    if not figure or figure["difference"] is None:
        return "–"
    scale, digits = (100, 1) if figure["is_share"] else (1, 2)
    values = [signed(figure[key] * scale, digits) for key in ("difference", "difference_low", "difference_high")]
    text = f"{values[0]} ({values[1]} to {values[2]})"
    told = figure["difference_low"] > 0 or figure["difference_high"] < 0
    return f"**{text}**" if told else text


def replace(readme, text):
    begin, end = "<!-- evaluation -->", "<!-- /evaluation -->"
    before, rest = readme.read_text().split(begin)
    _, after = rest.split(end)
    readme.write_text(f"{before}{begin}\n{text}{end}{after}")


if __name__ == "__main__":
    main()
