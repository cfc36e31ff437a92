"""Makes Tests/Fixtures/evaluation/run.json: a small run that was made up, and what numpy, scipy and scikit-learn say of it.

    python3 Tests/Fixtures/Scripts/make_run_statistics.py        # needs numpy, scipy, scikit-learn
"""

import json
from collections import Counter
from os.path import commonprefix
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap
from sklearn import metrics

random = np.random.default_rng(11)
LAYERS, EXITS = 6, [2, 3, 4]
POLICIES = ["off", "softmax:0.6", "depth:3"]


def token(policy, choice, text, asked=True):
    score = round(float(random.beta(5, 2)), 2)
    layer = LAYERS
    if policy == "depth:3":
        layer, score = 3, 1.0
    elif policy != "off" and score >= 0.6:
        layer = int(random.choice(EXITS))
    agrees = layer == LAYERS or bool(random.random() < score)
    return {
        "text": text, "choice": choice, "layer": layer, "score": None if policy == "off" else score,
        "agrees": agrees if asked else None,
    }


def written(own):
    """A text like the full model's, up to a word, and then not much like it."""
    words = ["the ", "cat ", "sat ", "on ", "a ", "mat "]
    if own is None:
        return [str(random.choice(words)) for _ in range(random.integers(1, 9))]
    same = random.integers(0, len(own) + 1) if random.random() < 0.6 else len(own)
    return own[:same] + ([str(random.choice(words)) for _ in range(random.integers(0, 4))] if same < len(own) else [])


def row(task, policy, item, tokens, scores, **answer):
    depth = sum(token["layer"] for token in tokens)
    return {
        "task": task, "policy": policy, "item": item, "tokens": tokens, "scores": scores,
        "bytes": int(depth * 1000 + random.integers(200, 900)), "multiply_adds": int(depth * 170 + 40),
        "seconds": round(float(depth * random.uniform(0.9, 1.1)) * 1e-4, 7), **answer,
    }


def rows():
    result = []
    for number in range(24):
        texts, likelihoods = None, None
        # Conversations of one to four turns.
        turn = f"{number // 4}/{number % 4}" if number % 4 else f"{number // 4}"
        for policy in POLICIES:
            words = written(texts)
            texts = texts or words
            overlap = round(float(random.uniform(0, 1)), 3)
            result.append(row(
                "chat", policy, turn, [token(policy, 0, word, asked=number % 5 > 0) for word in words],
                {"f1": [overlap, 1], "perplexity": [float(-random.gamma(3, 8)), int(random.integers(5, 40))]},
                text="".join(words)))
            sums = [round(float(value), 3) for value in -random.gamma(3, 2, 4)]
            if likelihoods and random.random() < 0.7:
                sums = [round(value + float(random.normal(0, 0.3)), 3) for value in likelihoods]
            likelihoods = likelihoods or sums
            told, gold = int(np.argmax(sums)) % 3, number % 3
            result.append(row(
                "quiz", policy, str(number), [token(policy, choice, f" {choice}") for choice in range(4) for _ in range(2)],
                {"acc": [float(told == gold), 1], "f1": [told, gold]}, sums=sums))
    return result


ROWS = rows()


def of(task, policy):
    return [row for row in ROWS if row["task"] == task and row["policy"] == policy]


def percentile(columns, groups, figure):
    """The figure, its interval and its deviation: of scipy's bootstrap over sums of groups."""
    names = sorted(set(groups))
    sums = [np.array([sum(v for v, g in zip(column, groups) if g == name) for name in names]) for column in columns]
    found = bootstrap(
        tuple(sums), lambda *parts, axis=-1: figure(*[part.sum(axis) for part in parts]), paired=True, vectorized=True,
        method="percentile", n_resamples=20_000, random_state=3)
    return [
        float(figure(*[part.sum() for part in sums])), *map(float, found.confidence_interval),
        float(found.standard_error),
    ]


def macro_f1(rows):
    told, gold = zip(*[row["scores"]["f1"] for row in rows])
    return float(metrics.f1_score(gold, told, labels=[0, 1, 2], average="macro", zero_division=0))


def common(a, b):
    """The length of the longest common subsequence."""
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1, j + 1] = table[i, j] + 1 if x == y else max(table[i, j + 1], table[i + 1, j])
    return int(table[-1, -1])


def likeness(rows, full):
    f1, rouge, first = [], [], []
    for row, other in zip(rows, full):
        own, text = ([token["text"] for token in part["tokens"]] for part in (row, other))
        size = len(own) + len(text)
        f1.append(1.0 if own == text else 2 * sum((Counter(own) & Counter(text)).values()) / size)
        rouge.append(1.0 if own == text else 2 * common(own, text) / size)
        first.append(len(commonprefix([own, text])))
    return {"token_f1": float(np.mean(f1)), "rouge_l": float(np.mean(rouge)), "first_divergence": float(np.mean(first))}


def calibration(rows):
    left = [t for row in rows for t in row["tokens"] if t["layer"] <= max(EXITS) and t["agrees"] is not None]
    # Scores are held in 32 bits.
    scores = np.array([t["score"] for t in left], np.float32).astype(float)
    agrees = np.array([t["agrees"] for t in left])
    bins = np.minimum((scores * 10).astype(int), 9)
    error = sum(
        (bins == b).mean() * abs(scores[bins == b].mean() - agrees[bins == b].mean()) for b in np.unique(bins))
    thresholds = np.sort(np.unique(scores))[::-1]
    coverage = [float((scores >= t).mean()) for t in thresholds]
    risk = [float(1 - agrees[scores >= t].mean()) for t in thresholds]
    return {
        "count": len(left), "agreement": float(agrees.mean()), "expected_calibration_error": float(error),
        "brier": float(metrics.brier_score_loss(agrees, scores)), "auroc": float(metrics.roc_auc_score(agrees, scores)),
        "coverage": coverage, "risk": risk, "risk_area": float(metrics.auc([0, *coverage], [risk[0], *risk])),
    }


def cell(task, policy):
    rows, full = of(task, policy), of(task, "off")
    groups = [row["item"].split("/")[0] if task == "chat" else row["item"] for row in rows]
    # The prompt's pass decides the first token of a text.
    first = 1 if task == "chat" else 0
    tokens = [len(row["tokens"][first:]) for row in rows]
    full_tokens = [len(row["tokens"][first:]) for row in full]
    layers = [sum(t["layer"] for t in row["tokens"][first:]) for row in rows]
    asked = [[t["agrees"] for t in row["tokens"] if t["agrees"] is not None] for row in rows]

    def score(rows, name, part=0):
        return [row["scores"][name][part] for row in rows]

    def share(key):
        return percentile(
            [score_key(rows, key), tokens, score_key(full, key), full_tokens], groups, lambda a, b, c, d: a / b / (c / d))

    def score_key(rows, key):
        return [row[key] for row in rows]

    ones = [1] * len(rows)
    result = {
        "task": task, "policy": policy, "tokens": sum(len(row["tokens"]) for row in rows), "layers": percentile([layers, tokens], groups, lambda a, b: a / b),
        "bytes_share": share("bytes"), "multiply_adds_share": share("multiply_adds"), "time_share": share("seconds"),
        "agreement": percentile([[sum(a) for a in asked], [len(a) for a in asked]], groups, lambda a, b: a / b),
        "counts": dict(sorted(Counter(str(t["layer"]) for row in rows for t in row["tokens"][first:]).items())),
    }
    if task == "chat":
        weighted = [score(rows, "perplexity"), score(rows, "perplexity", 1)]
        other = [score(full, "perplexity"), score(full, "perplexity", 1)]
        result["metrics"] = {
            "f1": percentile([score(rows, "f1"), ones], groups, lambda a, b: a / b),
            "perplexity": percentile(weighted, groups, lambda a, b: np.exp(-a / b)),
        }
        result["differences"] = {
            "f1": percentile([score(rows, "f1"), score(full, "f1"), ones], groups, lambda a, b, c: (a - b) / c),
            "perplexity": percentile(weighted + other, groups, lambda a, b, c, d: np.exp(-a / b) - np.exp(-c / d)),
        }
        result["same"] = float(np.mean([a["text"] == b["text"] for a, b in zip(rows, full)]))
        result |= likeness(rows, full)
    else:
        accuracy = score(rows, "acc")
        result["metrics"] = {
            # The standard error of lm-evaluation-harness: of the sample, n - 1.
            "acc": [float(np.mean(accuracy)), None, None, float(np.std(accuracy, ddof=1) / np.sqrt(len(accuracy)))],
            "f1": [macro_f1(rows), None, None, None],
        }
        result["differences"] = {
            "acc": percentile([accuracy, score(full, "acc"), ones], groups, lambda a, b, c: (a - b) / c),
            "f1": [macro_f1(rows) - macro_f1(full), None, None, None],
        }
        result["same"] = float(np.mean([np.argmax(a["sums"]) == np.argmax(b["sums"]) for a, b in zip(rows, full)]))
    if policy.startswith("softmax"):
        result["calibration"] = calibration(rows)
    return result


cells = [cell(task, policy) for task in ["chat", "quiz"] for policy in POLICIES]
path = Path(__file__).parents[1] / "evaluation" / "run.json"
run = {"layers": LAYERS, "exits": EXITS, "policies": POLICIES, "rows": ROWS, "cells": cells}
path.write_text(json.dumps(run, separators=(",", ":")) + "\n")
