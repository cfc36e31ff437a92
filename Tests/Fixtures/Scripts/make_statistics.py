"""Makes Tests/Fixtures/evaluation/statistics.json: what numpy, scipy and scikit-learn say of some numbers.

    python3 Tests/Fixtures/Scripts/make_statistics.py        # needs numpy, scipy, scikit-learn
"""

import json
from pathlib import Path

import numpy as np
from scipy.optimize import brentq, linprog
from scipy.stats import bootstrap
from sklearn.calibration import calibration_curve

random = np.random.default_rng(7)


def rounded(values):
    return [round(float(value), 6) for value in values]


def bootstraps():
    numerators = rounded(random.gamma(3, 2, 24))
    denominators = rounded(random.gamma(5, 1, 24) + 1)
    mean = bootstrap((numerators,), np.mean, method="percentile", n_resamples=20_000, random_state=1)
    ratio = bootstrap(
        (numerators, denominators), lambda a, b, axis=-1: a.sum(axis) / b.sum(axis), paired=True,
        method="percentile", n_resamples=20_000, random_state=1)
    return {
        "numerators": numerators, "denominators": denominators,
        "mean": [float(np.mean(numerators)), *map(float, mean.confidence_interval)],
        "ratio": [sum(numerators) / sum(denominators), *map(float, ratio.confidence_interval)],
        "shares": [0, 0.025, 0.3, 0.5, 0.975, 1],
        "quantiles": rounded(np.quantile(numerators, [0, 0.025, 0.3, 0.5, 0.975, 1])),
    }


def reliability():
    scores = rounded(random.beta(2, 1, 200))
    agrees = [bool(random.random() < score**1.5) for score in scores]
    agreement, confidence = calibration_curve(agrees, scores, n_bins=10, strategy="uniform")
    counts = [int(count) for count in np.histogram(scores, bins=10, range=(0, 1))[0] if count]
    return {
        "scores": scores, "agrees": agrees, "counts": counts, "confidence": confidence.tolist(),
        "agreement": agreement.tolist(),
        "error": float(np.average(np.abs(agreement - confidence), weights=counts)),
    }


def study():
    """Exits after layers 2, 3 and 5 of a model of 6 layers, whose words are right more and more often."""
    layers, count, positions = [2, 3, 5], 6, 60
    scores = random.random((positions, count)).round(3)
    right = random.random((positions, count)) < np.linspace(0.3, 0.9, count) * (0.5 + scores / 2)
    right[:, -1] = True
    ways = layers + [count]
    agreeing = right[:, [layer - 1 for layer in ways]].astype(float)

    def outcome(threshold):
        depth = agreed = 0
        for position in range(positions):
            exits = [layer for layer in layers if scores[position, layer - 1] >= threshold]
            layer = exits[0] if exits else count
            depth += layer
            agreed += right[position, layer - 1]
        return [depth / positions, float(agreed / positions)]

    def leaving(probability):
        """The chances to leave at each exit, and at the top."""
        chances = [probability * (1 - probability) ** index for index in range(len(layers))]
        return np.array(chances + [(1 - probability) ** len(layers)])

    def at_random(depth):
        probability = brentq(lambda p: leaving(p) @ ways - depth, 0, 1)
        return float(leaving(probability) @ agreeing.mean(0))

    def bound(depth):
        """The largest share that agrees: how much of each position leaves where, by linear programming."""
        size = positions * len(ways)
        each = np.kron(np.eye(positions), np.ones(len(ways)))
        best = linprog(
            -agreeing.ravel() / positions, A_ub=np.tile(ways, positions)[None] / positions, b_ub=[depth], A_eq=each,
            b_eq=np.ones(positions), bounds=[(0, 1)] * size)
        return -float(best.fun)

    depths = [2.0, 2.2, 2.5, 3.1, 4.0, 5.5, 6.0]
    means = agreeing.mean(0)
    return {
        "layers": layers, "count": count, "scores": scores.tolist(), "right": right.tolist(),
        "thresholds": [0.2, 0.5, 0.85], "outcomes": [outcome(threshold) for threshold in [0.2, 0.5, 0.85]],
        "depths": depths, "fixed": np.interp(depths, ways, means).tolist(),
        "random": [at_random(depth) for depth in depths], "bound": [bound(depth) for depth in depths],
    }


result = {"bootstrap": bootstraps(), "reliability": reliability(), "study": study()}
path = Path(__file__).parents[1] / "evaluation" / "statistics.json"
path.write_text(json.dumps(result) + "\n")
