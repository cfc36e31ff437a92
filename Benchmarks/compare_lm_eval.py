#!/usr/bin/env python3
"""The scores of `dynamax evaluate` beside those of lm-evaluation-harness, on the same documents.

    compare_lm_eval.py -m MODEL --data FOLDER --tasks arc_easy,gsm8k [--limit 20] [--few-shot N] [--run RUN] [--save FILE]

MODEL is a folder in Hugging Face layout; it runs in float32 through the harness's `hf` model. FOLDER holds local copies of
the data sets (see LOCAL below), which are turned into the hub's shape here, apart from how Dynamax reads them. RUN is the folder that `dynamax
evaluate` wrote with the same tasks, limit and number of examples. Requests must be equal byte by byte, predictions equal, figures
within 1e-6 and log-likelihoods within 1e-3. Without --run, the harness's side alone is printed; --save keeps it as JSON.

needs: lm_eval 0.4.13, datasets 4.8, transformers 4.57 (5 lacks the SQuAD metrics that CoQA uses), rouge_score, sacrebleu, torch
"""

import argparse
import csv
import json
import math
import os
import sys
import tempfile
from pathlib import Path

# ---------------------------------------------------------------- documents in the hub's shape

def lines(path):
    return [json.loads(line) for line in path.read_text().split("\n") if line.strip()]


def without(text, start):
    return text[len(start):] if text.startswith(start) else text


def arc(path):
    for row in lines(path):
        labels = [chr(ord("A") + index) for index in range(len(row["choices"]))]
        yield {"question": without(row["query"], "Question: "), "answerKey": labels[row["gold"]],
               "choices": {"text": row["choices"], "label": labels}}


def piqa(path):
    for row in lines(path):
        yield {"goal": without(row["query"], "Question: ").removesuffix("\n"), "sol1": row["choices"][0],
               "sol2": row["choices"][1], "label": row["gold"]}


def boolq(path):
    for row in lines(path):
        passage, _, question = without(row["query"], "Passage: ").rpartition("\nQuestion: ")
        yield {"passage": passage, "question": question.removesuffix("?"), "label": row["gold"]}


def hellaswag(path):
    for row in lines(path):
        yield {key: row[key] for key in ("activity_label", "ctx_a", "ctx_b", "endings")} | {"label": str(row["label"])}


def triviaqa(path):
    for row in lines(path):
        question = row["context"].removeprefix("Question: ").removesuffix("\nAnswer:") if "context" in row else row["question"]
        yield {"question": question, "answer": {"aliases": row.get("aliases") or row["answers"]}}


def coqa(path):
    for row in lines(path):
        yield {"story": row["story"], "questions": {"input_text": [turn["question"] for turn in row["turns"]]},
               "answers": {"input_text": [turn["answer"] for turn in row["turns"]]}}


def truthfulqa(path):
    def parts(text):
        return [part.strip() for part in text.strip().split(";") if part.strip()]

    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            right, wrong = parts(row["Correct Answers"]), parts(row["Incorrect Answers"])
            yield {
                "question": row["Question"], "correct_answers": right, "incorrect_answers": wrong,
                "mc1_targets": {"choices": [row["Best Answer"], *wrong], "labels": [1] + [0] * len(wrong)},
                "mc2_targets": {"choices": right + wrong, "labels": [1] * len(right) + [0] * len(wrong)},
            }


# Task: split, file, what turns it into the hub's shape, and a file to draw solved examples from.
LOCAL = {
    "arc_easy": ("test", "arc_easy.jsonl", arc, None),
    "arc_challenge": ("test", "arc_challenge.jsonl", arc, None),
    "piqa": ("validation", "piqa.jsonl", piqa, None),
    "boolq": ("validation", "boolq.jsonl", boolq, None),
    "hellaswag": ("validation", "hellaswag_val_1000.jsonl", hellaswag, None),
    "lambada_openai": ("test", "lambada_test_openai.jsonl", lines, None),
    "triviaqa": ("validation", "triviaqa_sm_sub.jsonl", triviaqa, None),
    "coqa": ("validation", "coqa_subset_from_abg.jsonl", coqa, None),
    "gsm8k": ("test", "gsm8k_test.jsonl", lines, "gsm8k_train.jsonl"),
    "truthfulqa_mc1": ("validation", "TruthfulQA.csv", truthfulqa, None),
    "truthfulqa_mc2": ("validation", "TruthfulQA.csv", truthfulqa, None),
    "truthfulqa_gen": ("validation", "TruthfulQA.csv", truthfulqa, None),
}


# ---------------------------------------------------------------- the harness's side

def build(manager, task, folder, scratch):
    """The harness's own task, reading local documents; splits that there is no file of are taken away."""
    split, file, convert, train = LOCAL[task]
    files = {}
    for name, source in ((split, file), ("train", train)):
        if source:
            target = Path(scratch) / f"{task}-{name}.jsonl"
            target.write_text("".join(json.dumps(row) + "\n" for row in convert(folder / source)))
            files[name] = str(target)
    overrides = {f"{name}_split": None for name, key in (("training", "train"), ("validation", "validation"), ("test", "test"))
                 if key not in files}
    overrides |= {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": files}}
    return manager._factory.build(manager.task_index[task], overrides=overrides, registry=manager.task_index)


def harness(options, tasks):
    import lm_eval
    import torch
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    manager = TaskManager()
    model = HFLM(pretrained=options.model, dtype=torch.float32, device="cpu", batch_size=1)
    found = {}
    for task in tasks:
        with tempfile.TemporaryDirectory() as scratch:
            results = lm_eval.simple_evaluate(
                model, tasks=[build(manager, task, Path(options.data), scratch)], limit=options.limit, log_samples=True,
                num_fewshot=options.few_shot, bootstrap_iters=0, verbosity="ERROR")
        rows = {}
        for sample in results["samples"][task]:
            row = rows.setdefault(str(sample["doc_id"]), {"scores": {}})
            row["requests"] = [list(map(str, request)) if len(request) == 2 and isinstance(request[1], str) else
                               [request[0], *request[1].get("until", [])] if len(request) == 2 else list(request)
                               for request in sample["arguments"]]
            row["outputs"] = [response[0] for response in sample["resps"]]
            for metric in sample["metrics"]:
                if not isinstance(sample[metric], (list, tuple)):
                    row["scores"][f"{metric},{sample['filter']}"] = float(sample[metric])
        figures = {key: value for key, value in results["results"][task].items()
                   if isinstance(value, float) and "_stderr" not in key}
        found[task] = {"figures": figures, "rows": rows}
    return found


# ---------------------------------------------------------------- Dynamax's side

def read_run(folder, policy="off"):
    """What `dynamax evaluate` wrote, in the shape of `harness`: run.json, items.jsonl and rows.jsonl."""
    folder = Path(folder)
    found = {}
    for item in lines(folder / "items.jsonl"):
        if "choices" in item:
            requests = [[item["prompt"], choice] if isinstance(choice, str) else [choice["prompt"], choice["text"]]
                        for choice in item["choices"]]
        else:
            requests = [[item["text"]] if "text" in item else [item["prompt"], *item["stops"]]]
        found.setdefault(item["task"], {})[item["id"]] = requests
    run = {task: {"figures": {}, "rows": {}} for task in found}
    scores = {}
    for row in lines(folder / "rows.jsonl"):
        if row["policy"] != policy:
            continue
        likelihoods = [[number(value["sum"]), value["greedy"]] for value in row.get("log_likelihoods", [])]
        run[row["task"]]["rows"][row["item"]] = {
            "requests": found[row["task"]][row["item"]], "outputs": likelihoods or [row["text"]],
            "scores": {score["metric"]: number(score["value"]) for score in row["scores"]}}
        for score in row["scores"]:
            scores.setdefault((row["task"], score["metric"]), []).append((number(score["value"]), number(score.get("weight", 1))))
    for task in json.loads((folder / "run.json").read_text())["tasks"]:
        for metric in task["metrics"]:
            key = f"{metric['name']},{metric['filter']}" if metric["filter"] else metric["name"]
            if values := scores.get((task["name"], key)):
                run[task["name"]]["figures"][key] = figure(metric["aggregation"], *zip(*values))
    return run


def number(value):
    return float(value["__float__"]) if isinstance(value, dict) else value


def figure(aggregation, values, weights):
    """How the scores of items become one figure."""
    mean = sum(values) / len(values)
    return {"mean": lambda: mean, "perplexity": lambda: math.exp(-mean),
            "weighted_perplexity": lambda: math.exp(-sum(values) / sum(weights)),
            "bits_per_byte": lambda: -sum(values) / sum(weights) / math.log(2)}.get(aggregation, lambda: math.nan)()


def harness_key(key):
    return key if "," in key else f"{key},none"


# ---------------------------------------------------------------- the comparison

def compare(theirs, ours):
    """Sentences that say what differs."""
    differences = []
    for task, expected in theirs.items():
        if task not in ours:
            differences.append(f"{task}: not in the run")
            continue
        rows = ours[task]["rows"]
        if set(rows) != set(expected["rows"]):
            differences.append(f"{task}: {len(rows)} rows, the harness has {len(expected['rows'])}")
        for identity, row in expected["rows"].items():
            own = rows.get(identity)
            if own is None:
                continue
            if own["requests"] != row["requests"]:
                differences.append(f"{task} {identity}: another request: {own['requests'][:1]!r}, harness {row['requests'][:1]!r}")
            for mine, its in zip(own["outputs"], row["outputs"]):
                if isinstance(its, str):
                    if mine != its:
                        differences.append(f"{task} {identity}: wrote {mine!r}, harness {its!r}")
                else:
                    its = its if isinstance(its, (list, tuple)) else [its]
                    mine = mine if isinstance(mine, (list, tuple)) else [mine]
                    if abs(mine[0] - its[0]) > 1e-3 or len(its) > 1 and bool(mine[1]) != bool(its[1]):
                        differences.append(f"{task} {identity}: log-likelihood {mine}, harness {its}")
            scores = {harness_key(key): value for key, value in own["scores"].items()}
            for key, value in row["scores"].items():
                if key not in scores or abs(scores[key] - value) > 1e-3:
                    differences.append(f"{task} {identity}: {key} {scores.get(key)}, harness {value}")
        figures = {harness_key(key): value for key, value in ours[task]["figures"].items()}
        for key, value in expected["figures"].items():
            if key not in figures or abs(figures[key] - value) > 1e-6 * max(1, abs(value)):
                differences.append(f"{task}: {key} {figures.get(key)}, harness {value}")
    return differences


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--data", required=True, help="the folder of local copies")
    parser.add_argument("--tasks", default=",".join(LOCAL))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--few-shot", type=int)
    parser.add_argument("--run", help="the folder that `dynamax evaluate` wrote")
    parser.add_argument("--save", help="a file for the harness's side")
    options = parser.parse_args()
    tasks = options.tasks.split(",")
    unknown = [task for task in tasks if task not in LOCAL]
    if unknown:
        parser.error(f"no local copy is known for {', '.join(unknown)}")
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")

    theirs = harness(options, tasks)
    if options.save:
        Path(options.save).write_text(json.dumps(theirs, indent=1))
    for task, found in theirs.items():
        print(f"{task} ({len(found['rows'])} documents): " + ", ".join(f"{k} {v:.6f}" for k, v in found["figures"].items()))
    if options.run:
        differences = compare(theirs, read_run(options.run))
        print("\n".join(differences[:50]) or "all requests, answers and figures are equal")
        sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
