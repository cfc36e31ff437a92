#!/usr/bin/env python3
"""Decoding after a long past beside a short one, in turns: bytes touched a second.

    compare_contexts.py [--shape Shapes/tinyllama-1.1b.json] [--quantize q8] [--contexts 128 8192] [-n 48] [--rounds 5]

A token after a long past reads the same weights and more keys and values. If all that takes longer is reading them, bytes a second are the same:
the share that is printed is 1.
"""

import argparse
import json
import pathlib
import statistics
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default=str(HERE / "Shapes/tinyllama-1.1b.json"))
    parser.add_argument("--quantize", default="q8")
    parser.add_argument("--kv-cache", default="bf16")
    parser.add_argument("--contexts", type=int, nargs=2, default=[128, 8192], help="positions before those that are measured")
    parser.add_argument("-n", "--tokens", type=int, default=48)
    parser.add_argument("-t", "--threads", default="2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dynamax", default=str(HERE.parent / ".build/release/dynamax"))
    arguments = parser.parse_args()

    rounds = []
    for number in range(arguments.rounds):
        order = arguments.contexts if number % 2 == 0 else arguments.contexts[::-1]
        found = {context: decode(arguments, context) for context in order}
        rounds.append([found[context] for context in arguments.contexts])
        print(f"round {number + 1}: " + ", ".join(
            f"{found[context][0]:.1f} tokens/s, {found[context][1]:.1f} GB/s after {context}" for context in arguments.contexts), flush=True)
    shares = [long[1] / short[1] for short, long in rounds]
    print(f"bytes a second after {arguments.contexts[1]} of those after {arguments.contexts[0]}: "
          f"{statistics.median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})")


def decode(arguments, context):
    command = [arguments.dynamax, "bench", "--random", arguments.shape, "--quantize", arguments.quantize, "--kv-cache", arguments.kv_cache,
               "-p", str(context), "-n", str(arguments.tokens), "-r", "1", "-t", arguments.threads, "--json"]
    phase = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["decode"]
    return phase["tokens_per_second"]["median"], phase["bytes_per_second"]["median"] / 1e9


if __name__ == "__main__":
    main()
