#!/usr/bin/env python3
"""Decoding rates of exits beside the full model's, in turns.

    compare_exits.py [-m MODEL] [--rounds 5] [--threads 2] [--dynamax PROGRAM] POLICY...

A policy is what `dynamax generate` takes, in quotes: "--exit depth:2" or "--exit softmax:0.7 --guarantee none". Prints the median
rate of each, its ratio to the full model's in the same round (median, least and most), the mean layers of a token, and
whether the text is the full model's.
"""

import argparse
import json
import pathlib
import shlex
import statistics
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PROMPTS = ["Once upon a time", "The little fox", "One day, Tom and Anna went to the park.", "In a castle by the sea"]


def write(options, prompt, policy):
    command = [options.dynamax, "generate", prompt, "-n", str(options.tokens), "--json", "-t", str(options.threads)]
    command += ["-m", options.model] if options.model else []
    run = subprocess.run(command + shlex.split(policy), capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(run.stderr.strip())
    return json.loads(run.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policies", nargs="+")
    parser.add_argument("-m", "--model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--dynamax", default=str(HERE.parent / ".build" / "release" / "dynamax"))
    options = parser.parse_args()

    policies = ["--guarantee off"] + options.policies
    rates = {policy: [] for policy in policies}
    ratios = {policy: [] for policy in policies}
    depths = {policy: [] for policy in policies}
    same = {policy: True for policy in policies}
    for _ in range(options.rounds):
        for prompt in PROMPTS:
            full = None
            for policy in policies:
                result = write(options, prompt, policy)
                full = full or result
                rate = result["timings"]["decode_tps"]
                rates[policy].append(rate)
                ratios[policy].append(rate / full["timings"]["decode_tps"])
                depths[policy].append(result["layers"]["mean"])
                same[policy] &= result["text"] == full["text"]
    print(f"{'policy':40} {'tokens/s':>9} {'ratio':>6}  {'least to most':14} {'layers':>6}  text")
    for policy in policies:
        spread = f"{min(ratios[policy]):.2f} to {max(ratios[policy]):.2f}"
        print(
            f"{policy:40} {statistics.median(rates[policy]):9.1f} {statistics.median(ratios[policy]):6.2f}  {spread:14} "
            f"{statistics.mean(depths[policy]):6.2f}  {'the same' if same[policy] else 'other'}"
        )


if __name__ == "__main__":
    main()
