#!/usr/bin/env python3
"""Evaluates both bundled models on all tasks, and writes the figures down.

    evaluate_bundled.py --data FOLDER... [--limit 100] [--output runs] [--tasks all] [--threads 2] [--dynamax PROGRAM] [--house ..]

From the runs' results.json come Documentation/Evaluation.md and the README's part between `<!-- evaluation -->` and `<!-- /evaluation -->`. An
interrupted evaluation goes on where it ended; runs that are there are not made again. `perplexity` takes any text: --data perplexity=FILE.
"""

import argparse
import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
INTRODUCTION = """# The bundled models on the field's tasks

The first {limit} documents of each task, full model and exits, as `Benchmarks/evaluate_bundled.py` has written it. Models of a few million
parameters know little of most tasks; what exits change shows all the same. Scores are in points (hundredths) or the task's own unit; other
columns are differences to the full model with their 95 % intervals, in bold where the interval leaves out 0.

"""
MODELS = {
    "stories-llama": ["margin:0.3:layers=4", "margin:0.1:layers=4", "saturation:0.98", "depth:6",
                      "exact:margin:0.3:layers=2,4"],
    "stories-mamba2": ["margin:0.3:layers=6", "margin:0.1:layers=6", "saturation:0.98", "depth:9",
                       "exact:margin:0.3:layers=3,6"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", required=True, help="as evaluate takes it")
    parser.add_argument("--tasks", default="all")
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("runs"))
    parser.add_argument("--threads", default="2")
    parser.add_argument("--dynamax", default=str(HERE.parent / ".build/release/dynamax"))
    parser.add_argument("--house", type=pathlib.Path, default=HERE.parent, help="the folder of the README to write")
    arguments = parser.parse_args()

    arguments.output.mkdir(parents=True, exist_ok=True)
    all_results = []
    for model, policies in MODELS.items():
        run = arguments.output / model
        subprocess.run(
            [arguments.dynamax, "evaluate", "-m", model, "--tasks", arguments.tasks, "--data", *arguments.data,
             "--policies", *policies, "--limit", str(arguments.limit), "-t", arguments.threads, "-o", str(run)],
            check=True, stdout=subprocess.DEVNULL)
        all_results.append(json.loads((run / "results.json").read_text()))
    replace(arguments.house / "README.md", "\n".join(summary(results) for results in all_results))
    introduction = INTRODUCTION.format(limit=arguments.limit)
    (arguments.house / "Documentation/Evaluation.md").write_text(introduction + "\n".join(table(results) for results in all_results))


def row(name, own, values):
    return f"| {name} | {own} | " + " | ".join(values) + " |"


def costs(results):
    """A column for each policy: what it keeps and takes."""
    model, (full, *others) = results["model"], results["policies"]
    return [
        row(f"`{model['name']}`, {model['layers']} layers", "full model", [f"`{p['name']}`" for p in others]),
        "|---|" + "---:|" * (1 + len(others)),
        row("tokens kept", "100 %", [percent(p["agreement"], 1) for p in others]),
        row("layers a token", decimal(full["layers"], 2), [decimal(p["layers"], 2) for p in others]),
        row("multiply-adds", "100 %", [percent(p["multiply_adds_share"], 0) for p in others]),
        row("bytes", "100 %", [percent(p["bytes_share"], 0) for p in others]),
        row("speed", "1", [decimal(p["speed"], 2) for p in others]),
    ]


def scores(results):
    """The main figure of each task: its name, that of the full model, and those of the other policies."""
    names = [policy["name"] for policy in results["policies"]]
    cells = {(cell["task"], cell["policy"]): cell for cell in results["results"]}
    for task in results["tasks"]:
        own = cells.get((task["name"], names[0]))
        if own and own["main_metric"]:
            metric = own["main_metric"]
            yield f"{task['name']}, {metric}", own["metrics"][metric], [
                cells.get((task["name"], name), {}).get("metrics", {}).get(metric) for name in names[1:]]


def table(results):
    return "\n".join(costs(results) + [row(name, score(own), map(difference, others)) for name, own, others in scores(results)]) + "\n"


def summary(results):
    """Instead of scores, how many of them a policy changes by more than chance would; one document cannot tell."""
    rows = [[is_told(figure) for figure in others] for _, _, others in scores(results) if any(map(has_interval, others))]
    columns = list(zip(*rows))
    return "\n".join(costs(results) + [row("scores that change", "", [f"{sum(column)} of {len(column)}" for column in columns])]) + "\n"


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
    if not has_interval(figure):
        return signed(figure["difference"] * scale, digits)
    values = [signed(figure[key] * scale, digits) for key in ("difference", "difference_low", "difference_high")]
    text = f"{values[0]} ({values[1]} to {values[2]})"
    return f"**{text}**" if is_told(figure) else text


def has_interval(figure):
    """A single document has none."""
    return bool(figure) and figure["difference_low"] is not None


def is_told(figure):
    """Whether the interval of the difference leaves out 0."""
    if not has_interval(figure):
        return False
    return figure["difference_low"] > 0 or figure["difference_high"] < 0


def replace(readme, text):
    begin, end = "<!-- evaluation -->", "<!-- /evaluation -->"
    before, rest = readme.read_text().split(begin)
    _, after = rest.split(end)
    readme.write_text(f"{before}{begin}\n{text}{end}{after}")


if __name__ == "__main__":
    main()
