#!/usr/bin/env python3
"""How quickly evaluate finds likelihoods, beside the prefill of bench, in turns.

    evaluate_throughput.py --data FOLDER [-m stories-llama] [--tasks arc_easy,hellaswag,wikitext] [--limit 200] [--rounds 3]

Rows of an evaluation are not those of a prompt: the head reads each that is asked about, and texts are short. So besides rows a second there are
multiply-adds a second, which both count by the same ledger; the last column is their share of bench's.
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WORK = re.compile(r"ran (\d+) rows in [\d.]+ s: (\d+) rows/s, ([\d.]+) G multiply-adds/s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", required=True, help="as evaluate takes it")
    parser.add_argument("-m", "--model", default="stories-llama")
    parser.add_argument("--tasks", default="arc_easy,hellaswag,wikitext")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prompt", type=int, default=512, help="rows of a batch of bench; evaluate takes about 512")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--dynamax", default=str(HERE.parent / ".build/release/dynamax"))
    arguments = parser.parse_args()

    tasks = arguments.tasks.split(",")
    bench, found = [], {task: [] for task in tasks}
    for _ in range(arguments.rounds):
        for task in tasks:
            bench.append(prefill(arguments))
            found[task].append(evaluate(arguments, task))
    rates = [statistics.median(rate) for rate in zip(*bench)]
    print(f"{arguments.model}, {arguments.threads} threads, medians of {arguments.rounds} runs")
    print(f"{'':18}{'rows':>8}{'rows/s':>10}{'G MAC/s':>10}{'of bench':>10}")
    print(f"{'bench -p ' + str(arguments.prompt):18}{arguments.prompt:8}{rates[0]:10.0f}{rates[1]:10.2f}{1:10.2f}")
    for task in tasks:
        rows, speed, work = [statistics.median(figure) for figure in zip(*found[task])]
        print(f"{task:18}{rows:8.0f}{speed:10.0f}{work:10.2f}{work / rates[1]:10.2f}")


def prefill(arguments):
    command = [arguments.dynamax, "bench", "-m", arguments.model, "-p", str(arguments.prompt), "-n", "0", "-r", "5",
               "-t", arguments.threads, "--json"]
    phase = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["prefill"]
    return phase["tokens_per_second"]["median"], phase["multiply_adds_per_second"]["median"] / 1e9


def evaluate(arguments, task):
    with tempfile.TemporaryDirectory() as folder:
        command = [arguments.dynamax, "evaluate", "-m", arguments.model, "--tasks", task, "--data", *arguments.data,
                   "--limit", str(arguments.limit), "-t", arguments.threads, "-o", f"{folder}/run"]
        errors = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return [float(figure) for figure in WORK.search(errors).groups()]


if __name__ == "__main__":
    main()
