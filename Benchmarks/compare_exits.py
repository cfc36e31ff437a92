#!/usr/bin/env python3
"""Decoding rates of exits beside the full model's, in turns in one process (dynamax bench --exit).

    compare_exits.py [-m MODEL] [--prompts FILE] [--rounds 7] [--tokens 200] [--threads 2] [--dynamax PROGRAM] POLICY...

A policy is what `dynamax bench` takes, in quotes: "--exit depth:2" or "--exit softmax:0.7 --guarantee none". Further options for a
random model: --random CONFIG.json --settle SHARE --quantize q8. Prints both rates, their ratio (median, least and most), the mean
layers of a token, drafts kept, and the share of tokens that are the full model's.
"""

import argparse
import json
import pathlib
import shlex
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROMPTS = [
    "Once upon a time", "The little fox", "One day, Tom and Anna went to the park.", "In a castle by the sea",
    "There was a boy who", "A long time ago, a bear", "Lily had a red ball", "It was raining and",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policies", nargs="+")
    parser.add_argument("-m", "--model")
    parser.add_argument("--prompts", help="a file with one prompt a line")
    parser.add_argument("--random", help="a config.json to make a random model for, instead of a model")
    parser.add_argument("--settle", default="0.75", help="how much each layer of it adds, beside the one before")
    parser.add_argument("--quantize", default="q8", help="its weights")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--dynamax", default=str(HERE.parent / ".build" / "release" / "dynamax"))
    options = parser.parse_args()

    command = [options.dynamax, "bench", "--json", "-n", options.tokens, "-r", options.rounds, "-t", options.threads]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(PROMPTS) + "\n")
        file.flush()
        if options.random:
            command += ["--random", options.random, "--settle", options.settle, "--quantize", options.quantize, "-p", 64]
        else:
            command += ["-p", 0, "--prompts", options.prompts or file.name]
            command += ["-m", options.model] if options.model else []
        print(f"{'policy':58} {'off':>8} {'exits':>8} {'ratio':>6}  {'least to most':14} {'layers':>6} {'drafts':>7} {'same':>6}")
        for policy in options.policies:
            run = subprocess.run(
                [str(part) for part in command] + shlex.split(policy), capture_output=True, text=True
            )
            if run.returncode != 0:
                raise SystemExit(run.stderr.strip())
            exits = json.loads(run.stdout)["exits"]
            ratio = exits["ratio"]
            kept = f"{exits['accepted_tokens'] / exits['drafted_tokens']:.2f}" if exits["drafted_tokens"] else "-"
            print(
                f"{policy:58} {exits['full']['median']:8.1f} {exits['exits']['median']:8.1f} {ratio['median']:6.2f}  "
                f"{ratio['minimum']:.2f} to {ratio['maximum']:.2f}   {exits['mean_layers']:6.2f} {kept:>7} "
                f"{exits['same_tokens']:6.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
