"""Makes Tests/Fixtures/tasks: what lm-evaluation-harness asks of documents of our own, and how it scores scripted answers.

    python3 Tests/Fixtures/Scripts/make_task_references.py [metrics | model FOLDER]

needs: lm_eval 0.4.13, accelerate, datasets 4.8, transformers 4.57 (5 lacks the SQuAD metrics that CoQA uses), rouge_score 0.1.2
and nltk, sacrebleu 2.6

    NAME.jsonl, NAME_train.jsonl   documents in the hub's shape; see task_documents.py
    references.json                for each task: requests, answers, scores and figures, all from the harness's own evaluation loop
    metrics.json                   BLEU, ROUGE, stems, matches of answers and draws of examples on their own
    stories260K.json               with `model FOLDER`, where FOLDER is that model: what the harness has it answer, in float32
"""

import hashlib
import json
import os
import random
import re
import string
import sys
import tempfile
from pathlib import Path

CACHE = tempfile.TemporaryDirectory()
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_HOME=CACHE.name, LMEVAL_DISABLE_MULTIPROC="1",
                  DISABLE_MULTIPROC="1")

import lm_eval  # noqa: E402
import sacrebleu  # noqa: E402
from lm_eval.api.model import LM  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402
from lm_eval.tasks.coqa.utils import compute_scores  # noqa: E402
from nltk.stem.porter import PorterStemmer  # noqa: E402
from rouge_score import rouge_scorer  # noqa: E402
from sklearn.metrics import f1_score  # noqa: E402
from transformers import PreTrainedTokenizerBase  # noqa: E402
from transformers.data.metrics.squad_metrics import compute_f1  # noqa: E402

import task_documents as own  # noqa: E402

FOLDER = Path(__file__).resolve().parent.parent / "tasks"

# name, harness task, split, documents, examples, answers to script, numbers of solved examples
CASES = [
    ("arc", "arc_easy", "test", own.ARC, own.ARC_TRAIN, None, [0, 2, 6]),
    ("arc", "arc_challenge", "test", own.ARC, own.ARC_TRAIN, None, [0]),
    ("hellaswag", "hellaswag", "validation", own.HELLASWAG, own.HELLASWAG_TRAIN, None, [0, 3]),
    ("piqa", "piqa", "validation", own.PIQA, own.PIQA_TRAIN, None, [0, 4]),
    ("boolq", "boolq", "validation", own.BOOLQ, own.BOOLQ_TRAIN, None, [0, 2]),
    ("lambada", "lambada_openai", "test", own.LAMBADA, None, None, [0, 2]),
    ("triviaqa", "triviaqa", "validation", own.TRIVIAQA, own.TRIVIAQA_TRAIN, own.TRIVIAQA_ANSWERS, [0, 5]),
    ("gsm8k", "gsm8k", "test", own.GSM8K, own.GSM8K_TRAIN, own.GSM8K_ANSWERS, [None, 0]),
    ("coqa", "coqa", "validation", own.COQA, own.COQA_TRAIN, own.COQA_ANSWERS, [0, 2]),
    ("truthfulqa_mc", "truthfulqa_mc1", "validation", own.TRUTHFULQA_MC, None, None, [None]),
    ("truthfulqa_mc", "truthfulqa_mc2", "validation", own.TRUTHFULQA_MC, None, None, [None]),
    ("truthfulqa_gen", "truthfulqa_gen", "validation", own.TRUTHFULQA_GEN, None, own.TRUTHFULQA_ANSWERS, [None]),
    ("wikitext", "wikitext", "test", own.WIKITEXT, None, None, [None]),
]
# Documents that are longer than a model's context of 512 tokens: name, harness task, split, documents
LONG_CASES = [
    ("long_arc", "arc_easy", "test", own.LONG_ARC),
    ("long_lambada", "lambada_openai", "test", own.LONG_LAMBADA),
    ("long_coqa", "coqa", "validation", own.LONG_COQA),
    ("long_triviaqa", "triviaqa", "validation", own.LONG_TRIVIAQA),
    ("long_wikitext", "wikitext", "test", own.LONG_WIKITEXT),
]


class ScriptedModel(LM):
    """Log-likelihoods are a digest of the texts; written answers are taken from a list in turn."""

    def __init__(self, answers, turn):
        super().__init__()
        self.answers, self.turn = answers, turn

    def number(self, *texts):
        digest = hashlib.sha256("\0".join([str(self.turn), *texts]).encode()).digest()
        # Few enough values that some are equal.
        return -(int.from_bytes(digest[:4], "big") % 60) / 4 - 0.25, digest[5] % 3 == 0

    def loglikelihood(self, requests, **_):
        return [self.number(*request.args) for request in requests]

    def loglikelihood_rolling(self, requests, **_):
        return [self.number(*request.args)[0] * 20 for request in requests]

    def generate_until(self, requests, **_):
        return [self.answers[(index + self.turn) % len(self.answers)] for index in range(len(requests))]


def evaluate(manager, name, task, split, has_examples, shots, models):
    """What the harness asks, and how it scores the answers of each model."""
    files = {split: str(FOLDER / f"{name}.jsonl")}
    overrides = {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": files}}
    if has_examples:
        files["train"] = str(FOLDER / f"{name}_train.jsonl")
    else:
        overrides.update({s: None for s in ("training_split", "validation_split", "test_split") if s != f"{split}_split"})
    rounds = []
    for model in models:
        # The task itself, read from elsewhere; the manager has no public way to say so.
        built = manager._factory.build(manager.task_index[task], overrides=overrides, registry=manager.task_index)
        found = lm_eval.simple_evaluate(
            model, tasks=[built], task_manager=manager, num_fewshot=shots,
            log_samples=True, bootstrap_iters=10, verbosity="ERROR")
        samples = {}
        for sample in found["samples"][task]:
            entry = samples.setdefault(sample["doc_id"], {"scores": {}})
            entry["requests"] = sample["arguments"]
            entry["answers"] = [response[0] for response in sample["resps"]]
            for metric in sample["metrics"]:
                value = sample[metric]
                entry["scores"][f"{metric},{sample['filter']}"] = list(map(float, value)) if isinstance(value, tuple) else float(value)
        rounds.append({
            "results": {key: value for key, value in found["results"][task].items() if isinstance(value, float)},
            "samples": [samples[key] for key in sorted(samples)],
        })
    for later in rounds[1:]:
        for sample in later["samples"]:
            del sample["requests"]
    return {"name": name, "task": task, "shots": shots, "examples": has_examples, "rounds": rounds}


def trivia_words(text):
    """As the authors' script (triviaqa_evaluation.py) normalizes."""
    text = text.replace("_", " ").lower()
    text = "".join(" " if c in set(string.punctuation + "\u2018\u2019\u00b4`") else c for c in text)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def answer_scores():
    """Lists of references with an answer: CoQA's em and f1 and the best of TriviaQA's."""
    references = [answers for row in own.TRIVIAQA for answers in [row["answer"]["aliases"]]]
    references += [["a dog"], ["a dog", "dog", "A dog."], ["in 1850", "1850", "the", "1850 AD"], [""], ["The naïve café\u0301", "l\u2019a an_the b"]]
    told = own.TRIVIAQA_ANSWERS + own.COQA_ANSWERS + ["naïve CAFÉ", "the cafe\u0301", "l a b", "ΣΟΦΟΣ Σ", "σοφος ς"]
    found = []
    for answer in told:
        for golds in references + [["ΣΟΦΟΣ", "σοφος σ"]]:
            coqa = compute_scores(golds, answer)
            words = trivia_words(answer)
            exact = max(float(words == trivia_words(gold)) for gold in golds)
            # The SQuAD metric on words that nothing more is taken from.
            f1 = max(compute_f1(" ".join(trivia_words(gold)), " ".join(words)) for gold in golds)
            found.append([answer, golds, coqa["em"], coqa["f1"], exact, float(f1)])
    return found


def lone_metrics():
    texts = [answer for answers in (own.TRUTHFULQA_ANSWERS, own.COQA_ANSWERS, own.GSM8K_ANSWERS) for answer in answers]
    texts += [page["page"] for page in own.WIKITEXT]
    pairs = [(texts[i], texts[(i * 7 + 3) % len(texts)]) for i in range(len(texts))] + [(t, t) for t in texts[:12]]
    plain = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"])
    stemmed = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=True)

    def rouge(scorer, text, reference):
        scores = scorer.score(reference, text)
        return [scores[kind].fmeasure for kind in ("rouge1", "rouge2", "rougeL", "rougeLsum")]

    stems = ["ation", "ational", "izer", "ousli", "logi", "ology", "ing", "ed", "ied", "ies", "eed", "sses", "ness", "ful", "fulli",
             "ement", "ion", "ll", "ly", "y", "e", "alli", "ability", "icate", "ative", "ent", "bli", "s", "us", "ss", "izing", "ating"]
    roots = ["run", "hop", "tan", "fil", "conflat", "abil", "sky", "theo", "ge", "tr", "ag", "ca", "radic", "control", "ad", "m", "happ",
             "yyz", "toy", "relat", "b", "a", "roll", "fail", "fizz", "day", "enjo", "1st", "oo", "plast"]
    words = ["skies", "dying", "news", "howe", "innings", "proceed", "succeed", "dies", "died", "spied", "by", "is", "ugly"]
    words += [root + stem for root in roots for stem in stems]
    stemmer = PorterStemmer()
    draws = []
    for seed, count, chosen in [(1234, 5, 5), (1234, 21, 5), (1234, 22, 5), (1234, 7473, 5), (0, 85, 6), (0, 86, 6), (7, 100, 25),
                                (4294967295, 1, 1), (99, 3000, 70)]:
        generator = random.Random(seed)
        draws.append({"seed": seed, "count": count, "chosen": chosen,
                      "drawn": [generator.sample(range(count), chosen) for _ in range(3)]})
    return {
        "bleu": [[text, reference, sacrebleu.corpus_bleu(
            [text], [[reference]], smooth_method="exp", smooth_value=0.0, force=False, lowercase=False, tokenize="intl",
            use_effective_order=False).score] for text, reference in pairs],
        "rouge": [[text, reference, rouge(plain, text, reference), rouge(stemmed, text, reference)]
                  for text, reference in pairs],
        "stems": {word: stemmer.stem(word) for word in words},
        "draws": draws,
        "answers": answer_scores(),
        "tidied": [[text, PreTrainedTokenizerBase.clean_up_tokenization(text)] for text in own.SPACED],
        "macro_f1": [[told, gold, f1_score(gold, told, average="macro", labels=[0, 1, 2], zero_division=0)]
                     for told, gold in [([0, 1, 2, 2, 1], [0, 1, 1, 2, 1]), ([1, 1, 1], [1, 2, 1]), ([0, 0], [1, 2])]],
    }


def write(name, value):
    (FOLDER / name).write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def write_documents(name, documents, examples):
    for suffix, rows in (("", documents), ("_train", examples)):
        if rows:
            lines = (json.dumps(row, ensure_ascii=False) for row in rows)
            (FOLDER / f"{name}{suffix}.jsonl").write_text("".join(line + "\n" for line in lines))


def model_answers(folder):
    """The same tasks and some on long documents, put to a model; requests are left out, which references.json has."""
    import torch
    from lm_eval.models.huggingface import HFLM

    for name, _, _, documents in LONG_CASES:
        write_documents(name, documents, None)
    model, manager, cases = HFLM(folder, dtype=torch.float32, device="cpu"), TaskManager(), []
    long = [(name, task, split, None, None, None, [None]) for name, task, split, _ in LONG_CASES]
    for name, task, split, _, examples, _, numbers in CASES + long:
        for shots in numbers:
            case = evaluate(manager, name, task, split, examples is not None, shots, [model])
            case |= case.pop("rounds")[0]
            for sample in case["samples"]:
                del sample["requests"]
            cases.append(case)
    write("stories260K.json", {"harness": lm_eval.__version__, "cases": cases})


def main():
    if sys.argv[1:] == ["metrics"]:
        write("metrics.json", lone_metrics())
        return
    FOLDER.mkdir(exist_ok=True)
    for name, _, _, documents, examples, _, _ in CASES:
        write_documents(name, documents, examples)
    if sys.argv[1:2] == ["model"]:
        model_answers(sys.argv[2])
        return
    manager = TaskManager()
    cases = []
    for name, task, split, _, examples, answers, numbers in CASES:
        for shots in numbers:
            models = [ScriptedModel(answers, turn) for turn in range(len(answers) if answers else 3)]
            cases.append(evaluate(manager, name, task, split, examples is not None, shots, models))
    write("references.json", {"harness": lm_eval.__version__, "cases": cases})
    write("metrics.json", lone_metrics())


if __name__ == "__main__":
    main()
