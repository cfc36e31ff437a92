"""The side of lm-evaluation-harness for compare_lm_eval.py: local copies of data sets in the hub's shape, and what the harness
makes of them.

Data sets are converted here on their own, apart from how Dynamax reads the same files, so that the comparison covers both.
"""

import csv
import json
import re
from pathlib import Path


def lines(path):
    return [json.loads(line) for line in Path(path).read_text().split("\n") if line.strip()]


def without(text, start):
    return text[len(start):] if text.startswith(start) else text


# ---------------------------------------------------------------- documents in the hub's shape

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

    with Path(path).open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            right, wrong = parts(row["Correct Answers"]), parts(row["Incorrect Answers"])
            yield {
                "question": row["Question"], "correct_answers": right, "incorrect_answers": wrong,
                "mc1_targets": {"choices": [row["Best Answer"], *wrong], "labels": [1] + [0] * len(wrong)},
                "mc2_targets": {"choices": right + wrong, "labels": [1] * len(right) + [0] * len(wrong)},
            }


def wikitext(path):
    """Articles of WikiText's own file, each from its heading on."""
    for page in re.split(r"(?m)^(?= = [^=].*[^=] = $)", Path(path).read_text()):
        if page.strip():
            yield {"page": page}


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
    "wikitext": ("test", "wikitext-2_test.txt", wikitext, None),
}
# Of these the hub has no split that solved examples could be drawn from, or the harness fixes their number at 0.
WITHOUT_EXAMPLES = {"lambada_openai", "truthfulqa_mc1", "truthfulqa_mc2", "truthfulqa_gen", "wikitext"}
# The last documents of a file serve as solved examples where it has no other file of them.
SPARE = 50


class Documents:
    """A task's documents as files in the hub's shape.

    Where solved examples are asked for and there is no file of them, the last documents of the file serve as such.
    """

    def __init__(self, task, folders, scratch, few_shot):
        self.split, file, convert, train = LOCAL[task]
        source = find(file, folders)
        rows = list(convert(source))
        examples = list(convert(find(train, folders))) if train else []
        if few_shot and not examples and task not in WITHOUT_EXAMPLES:
            rows, examples = rows[:-SPARE], rows[-SPARE:]
        self.files = {self.split: rows} | ({"train": examples} if examples else {})
        for split, rows in self.files.items():
            path = Path(scratch) / f"{task}-{split}.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
            self.files[split] = str(path)
        self.place = f"{task}={','.join(self.files.values())}"
        # As they lie, for how Dynamax reads local copies.
        self.local = f"{task}={source}" + (f",{find(train, folders)}" if train else "")


def present(folders):
    """Tasks that there are files of."""
    return [task for task, (_, file, _, _) in LOCAL.items() if any((Path(folder) / file).exists() for folder in folders)]


def find(file, folders):
    for folder in folders:
        if (Path(folder) / file).exists():
            return Path(folder) / file
    raise SystemExit(f"{', '.join(map(str, folders))}: there is no {file} here, which --data has to hold for this task")


# ---------------------------------------------------------------- the harness

class Harness:
    """Runs the harness's own tasks on local documents, in float32 or float64 on this processor.

    Batches of several questions pad them, which may round otherwise; so each question is asked alone.
    """

    def __init__(self, model, threads=2, precision="float32"):
        import torch
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager

        torch.set_num_threads(threads)
        self.manager = TaskManager()
        self.model = HFLM(pretrained=model, dtype=getattr(torch, precision), device="cpu", batch_size=1)

    def task(self, name, documents):
        """The task, reading other files; splits that there is no file of are taken away."""
        splits = (("training", "train"), ("validation", "validation"), ("test", "test"))
        overrides = {f"{split}_split": None for split, key in splits if key not in documents.files}
        overrides |= {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": documents.files}}
        # The manager has no public way to say so.
        return self.manager._factory.build(self.manager.task_index[name], overrides=overrides, registry=self.manager.task_index)

    def run(self, name, documents, limit, few_shot):
        """For each document its requests, answers and scores, and the figures of the task."""
        import lm_eval

        results = lm_eval.simple_evaluate(
            self.model, tasks=[self.task(name, documents)], limit=limit, log_samples=True, num_fewshot=few_shot,
            # Only errors in closed form are compared; without any resample the harness leaves out those too.
            bootstrap_iters=2, verbosity="ERROR")
        rows = {}
        for sample in results["samples"][name]:
            row = rows.setdefault(str(sample["doc_id"]), {"scores": {}})
            row["requests"] = [self.request(*arguments) for arguments in sample["arguments"]]
            row["answers"] = [response[0] for response in sample["resps"]]
            for metric in sample["metrics"]:
                value = sample[metric]
                row["scores"][f"{metric},{sample['filter']}"] = (
                    list(map(float, value)) if isinstance(value, (list, tuple)) else [float(value), 1.0])
        figures = {key: value for key, value in results["results"][name].items() if isinstance(value, float)}
        return {"figures": figures, "rows": rows}

    def request(self, text, other=None):
        """[text], [context, continuation] or [context, stops, tokens at most]."""
        if not isinstance(other, dict):
            return [text] if other is None else [text, other]
        return [text, other["until"], other.get("max_gen_toks", self.model.max_gen_toks)]

    def gap(self, context, limit, mine, its):
        """Logits of the two likeliest tokens where two texts that follow a context part."""
        import torch

        def encoded(text):
            return self.model.tok_encode(context)[-(self.model.max_length - limit):] + self.model.tokenizer.encode(
                text, add_special_tokens=False)

        common = next((at for at, (one, other) in enumerate(zip(mine, its)) if one != other), min(len(mine), len(its)))
        with torch.no_grad():
            logits = self.model.model(torch.tensor([encoded(its[:common])])).logits[0, -1]
        values, tokens = torch.topk(logits, 2)
        return [[self.model.tokenizer.decode(token), float(value)] for value, token in zip(values, tokens)]
