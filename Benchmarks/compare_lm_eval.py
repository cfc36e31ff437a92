#!/usr/bin/env python3
"""The scores of `dynamax evaluate` beside those of lm-evaluation-harness, on the same documents.

    compare_lm_eval.py -m MODEL --data FOLDER… --dynamax PROGRAM [--tasks arc_easy,gsm8k] [--limit 20] [--few-shot N] [--hub]
    compare_lm_eval.py -m MODEL --data FOLDER… --run RUN …

MODEL is a folder in Hugging Face layout; both sides hold it in float32, or with --precision float64 the harness's in that (its
norms and angles stay in float32), which shows whose last digits they are that differ. The folders hold local copies of the data
sets, under the names in lm_eval_side.py, where they are turned into the hub's shape for the harness. PROGRAM evaluates the copies
as they lie, or with --hub, or where solved examples are asked for, the files in the hub's shape; RUN is a folder that it wrote
before.

Requests and stops have to be equal byte by byte and written texts too, log-likelihoods within 1e-3, scores, figures and
standard errors within 1e-6 (of themselves, where they are above 1). Perplexities and shares of probability are smooth in the
log-likelihoods, which both sides round to float32: they may differ by as much as these did. --theirs FILE keeps the harness's
side, and reads it where it is there.

needs: lm_eval 0.4.13, accelerate, datasets 4.8, transformers 4.57 (5 lacks the SQuAD metrics that CoQA uses), rouge_score,
sacrebleu, torch
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lm_eval_side import LOCAL, Documents, Harness, lines, present

LIKELIHOODS, SCORES = 1e-3, 1e-6


# ---------------------------------------------------------------- Dynamax's side

def evaluate(options, places, folder):
    """Has the program write a run."""
    command = [options.dynamax, "evaluate", "-m", options.model, "--quantize", "f32", "--kv-cache", "f32",
               "--tasks", ",".join(options.tasks), "--data", *places, "--output", str(folder)]
    for name, value in (("--limit", options.limit), ("--few-shot", options.few_shot)):
        command += [name, str(value)] if value is not None else []
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
        raise SystemExit("dynamax evaluate failed")


def read_run(folder, policy="off"):
    """What `dynamax evaluate` wrote, in the shape of the harness's side: run.json, items.jsonl, rows.jsonl and results.json."""
    folder, run = Path(folder), {}
    for task in json.loads((folder / "run.json").read_text())["tasks"]:
        means = {metric["name"] for metric in task["metrics"] if metric["aggregation"] == "mean"}
        run[task["name"]] = {"figures": {}, "rows": {}, "means": means}
    for item in lines(folder / "items.jsonl"):
        if "choices" in item:
            requests = [[item["prompt"], choice] if isinstance(choice, str) else [choice["prompt"], choice["text"]]
                        for choice in item["choices"]]
        else:
            requests = [[item["text"]] if "text" in item else [item["prompt"], item["stops"], item["maximum_tokens"]]]
        run[item["task"]]["rows"][item["id"]] = {"requests": requests}
    for row in lines(folder / "rows.jsonl"):
        if row["policy"] == policy:
            likelihoods = [[number(value["sum"]), value["greedy"]] for value in row.get("log_likelihoods", [])]
            run[row["task"]]["rows"][row["item"]] |= {
                "answers": likelihoods or [row["text"]],
                "scores": {harness_key(score["metric"]): [number(score["value"]), number(score.get("weight", 1))]
                           for score in row["scores"]}}
    for cell in json.loads((folder / "results.json").read_text())["results"]:
        if cell["policy"] == policy:
            figures = run[cell["task"]]["figures"]
            for metric, figure in cell["metrics"].items():
                key = harness_key(metric)
                figures[key] = figure["value"]
                # Others are found by resamples on both sides.
                if metric.split(",")[0] in run[cell["task"]]["means"]:
                    figures[error_key(key)] = figure["standard_error"]
    return run


def number(value):
    return float(value["__float__"]) if isinstance(value, dict) else value


def harness_key(key):
    return key if "," in key else f"{key},none"


def error_key(key):
    return key.replace(",", "_stderr,")


# ---------------------------------------------------------------- the comparison

class Comparison:
    """What differs between two sides of a task, and by how much at most."""

    def __init__(self, task, theirs, ours):
        self.task, self.differences, self.texts = task, [], []
        self.requests = self.answers = self.figures = self.errors = 0
        self.likelihood = self.score = self.figure = self.error = 0.0
        self.smooth = set()
        mine, its = ours["rows"], theirs["rows"]
        self.rows = len(its)
        if set(mine) != set(its):
            self.differs("", f"{len(mine)} rows, harness {len(its)}")
        both = [(identity, mine[identity], its[identity]) for identity in its if identity in mine]
        for compare in self.compare_requests, self.compare_answers, self.compare_scores:
            for row in both:
                compare(*row)
        self.compare_figures(ours["figures"], theirs["figures"], ours["means"])

    def differs(self, identity, text):
        self.differences.append(f"{self.task} {identity}: {text}")

    def compare_requests(self, identity, mine, its):
        if mine["requests"] == its["requests"]:
            self.requests += 1
            return
        pairs = zip(mine["requests"], its["requests"])
        own, other = next((pair for pair in pairs if pair[0] != pair[1]), (mine["requests"], its["requests"]))
        self.differs(identity, f"asked {own!r}, harness {other!r}")

    def compare_answers(self, identity, mine, its):
        equal = len(mine["answers"]) == len(its["answers"])
        for own, other in zip(mine["answers"], its["answers"]):
            if isinstance(other, str):
                if own != other:
                    equal = False
                    self.texts.append((its["requests"][0], own, other))
                    self.differs(identity, f"wrote {own!r}, harness {other!r}")
                continue
            # That of a whole text has no word on greedy decoding.
            other = other if isinstance(other, list) else [other]
            gap = abs(own[0] - other[0])
            self.likelihood = max(self.likelihood, gap)
            # Of thousands of tokens, the last digits of float32 are more than that.
            if not gap <= max(LIKELIHOODS, SCORES * abs(other[0])) or len(other) > 1 and own[1] != other[1]:
                equal = False
                self.differs(identity, f"log-likelihood {own}, harness {other}")
        self.answers += equal

    def compare_scores(self, identity, mine, its):
        for key, value in its["scores"].items():
            if not isinstance(its["answers"][0], str) and value[0] not in (0, 1):
                self.smooth.add(key)
            own = mine["scores"].get(key)
            gap = max(map(deviation, own, value)) if own else math.inf
            self.score = max(self.score, gap)
            if not gap <= self.tolerance(key):
                self.differs(identity, f"{key} {own}, harness {value}")

    def compare_figures(self, mine, its, means):
        for key, value in its.items():
            metric = key.replace("_stderr", "")
            is_error = metric != key
            if is_error and metric.split(",")[0] not in means:
                continue
            own = mine.get(key)
            gap = deviation(own, value)
            if is_error:
                self.errors, self.error = self.errors + 1, max(self.error, gap)
            else:
                self.figures, self.figure = self.figures + 1, max(self.figure, gap)
            if not gap <= self.tolerance(metric):
                self.differs("", f"{key} {own}, harness {value}")

    def tolerance(self, key):
        return max(SCORES, self.likelihood if key in self.smooth else 0)

    @property
    def line(self):
        verdict = "DIFFERENT" if self.differences else "equal"
        return (f"{self.task:16} {self.rows:5} {self.requests:8} {self.answers:8} {self.likelihood:11.1e} {self.score:9.1e}"
                f" {self.figures:8} {self.figure:9.1e} {self.errors:7} {self.error:9.1e}  {verdict}")


HEADING = (f"{'task':16} {'rows':>5} {'requests':>8} {'answers':>8} {'Δ log-lik.':>11} {'Δ score':>9}"
           f" {'figures':>8} {'Δ figure':>9} {'errors':>7} {'Δ error':>9}")


def deviation(own, value):
    """Of themselves where they are above 1."""
    if own is None:
        return math.inf
    if own == value or math.isnan(own) and math.isnan(value):
        return 0.0
    gap = abs(own - value) / max(1, abs(value))
    return math.inf if math.isnan(gap) else gap


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--data", required=True, nargs="+", help="folders of local copies")
    parser.add_argument("--tasks", help="by default all that there are files of")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--few-shot", type=int)
    parser.add_argument("--dynamax", help="the program that evaluates")
    parser.add_argument("--run", help="the folder that it writes, or wrote where --dynamax is not given")
    parser.add_argument("--hub", action="store_true", help="have it read files in the hub's shape")
    parser.add_argument("--theirs", help="a file that keeps the harness's side")
    parser.add_argument("--precision", choices=["float32", "float64"], default="float32", help="of PyTorch")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch")
    options = parser.parse_args()
    options.tasks = options.tasks.split(",") if options.tasks else present(options.data)
    unknown = [task for task in options.tasks if task not in LOCAL]
    if unknown:
        parser.error(f"no local copy is known for {', '.join(unknown)}")
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", LMEVAL_DISABLE_MULTIPROC="1", DISABLE_MULTIPROC="1",
                      TOKENIZERS_PARALLELISM="false")

    with tempfile.TemporaryDirectory() as scratch:
        documents = {task: Documents(task, options.data, scratch, options.few_shot) for task in options.tasks}
        harness = Side(options)
        ours = None
        if options.dynamax:
            is_hub = options.hub or bool(options.few_shot)
            # WikiText's own file is one document to Dynamax.
            places = [found.place if is_hub or task == "wikitext" else found.local for task, found in documents.items()]
            run = options.run or str(Path(scratch) / "run")
            evaluate(options, places, run)
            ours = read_run(run)
        elif options.run:
            ours = read_run(options.run)
        print(HEADING if ours else "", flush=True)
        differences = 0
        for task in options.tasks:
            theirs = harness.of(task, documents[task])
            if ours is None:
                print(task, json.dumps(theirs["figures"]), flush=True)
                continue
            found = Comparison(task, theirs, ours.get(task, {"rows": {}, "figures": {}, "means": set()}))
            print(found.line, flush=True)
            differences += len(found.differences)
            for sentence in found.differences[:20]:
                print("  " + sentence)
            for (context, _, limit), own, other in found.texts[:20]:
                print("  where the texts part, the likeliest tokens are", harness.running.gap(context, limit, own, other))
    sys.exit(1 if differences else 0)


class Side:
    """The harness's side, from a file where it is there."""

    def __init__(self, options):
        self.options = options
        self.settings = {"model": options.model, "data": options.data, "limit": options.limit, "few_shot": options.few_shot,
                         "precision": options.precision}
        self.kept = {}
        if options.theirs and Path(options.theirs).exists():
            self.kept = json.loads(Path(options.theirs).read_text())

    @property
    def running(self):
        self.__dict__.setdefault("harness", None)
        self.harness = self.harness or Harness(self.options.model, self.options.threads, self.options.precision)
        return self.harness

    def of(self, task, documents):
        if self.kept.get(task, {}).get("settings") != self.settings:
            found = self.running.run(task, documents, self.options.limit, self.options.few_shot)
            self.kept[task] = {"settings": self.settings} | json.loads(json.dumps(found))
            if self.options.theirs:
                Path(self.options.theirs).write_text(json.dumps(self.kept))
        return self.kept[task]


if __name__ == "__main__":
    main()
