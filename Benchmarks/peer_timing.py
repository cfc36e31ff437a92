"""What the programs that time one peer have in common: their arguments, the order of work, and what they print."""

import argparse
import json
import random
import resource
import statistics
import sys
import time


def arguments(description):
    """A parser with the lengths that `dynamax bench` takes too."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("-p", "--prefill", type=int, default=512)
    parser.add_argument("-n", "--decode", type=int, default=128)
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=1)
    return parser


def report(make_model, options, engine):
    """Makes a model, times it, and prints the rates as `dynamax bench --json` does, and the most memory that the process
    held before there was a model: Python and what it imports.

    prefill: one batch of P random tokens on an empty context; decode: N single tokens after it. Both follow one prompt and
    some tokens that do not count. Sampling is not timed.

    A model has `vocabulary`, `clear()`, which empties the context, and `feed(tokens)`, which runs tokens as one batch at the
    next positions and computes the logits of the last.
    """
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**20
    model = make_model(options)
    random.seed(0)

    def feed(count):
        model.feed([random.randrange(model.vocabulary) for _ in range(count)])

    def rate(count, work):
        start = time.perf_counter()
        work()
        return count / (time.perf_counter() - start)

    def decode(count):
        for _ in range(count):
            feed(1)

    feed(options.prefill)
    decode(min(options.decode, 4))
    runs = {"prefill": [], "decode": []}
    for _ in range(options.repeat):
        model.clear()
        runs["prefill"].append(rate(options.prefill, lambda: feed(options.prefill)))
        runs["decode"].append(rate(options.decode, lambda: decode(options.decode)))
    phases = {
        phase: {"tokens_per_second": {"median": statistics.median(rates), "runs": rates}} for phase, rates in runs.items()
    }
    print(json.dumps({"engine": engine, "empty_mib": held} | phases))
