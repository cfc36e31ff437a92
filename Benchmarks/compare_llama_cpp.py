"""Dynamax and llama.cpp on the same machine, at the same shape, in turns.

usage: compare_llama_cpp.py [--shape Shapes/tinyllama-1.1b.json] [--type q8|q4] [-p 512] [-n 128] [-t 2] [--rounds 5]
                            [--dynamax PATH] [--cache FOLDER] [--only dynamax|llama.cpp] [--json]

Each round starts a fresh process of each engine, the order alternating, so that a slow minute of the machine hits all.
llama.cpp runs with its own choice of flash attention and without it; Dynamax is compared with the faster of the two.
Weights are random at the shape. Run ./setup.sh once before, and `swift build -c release`.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

import random_gguf

HERE = Path(__file__).resolve().parent
PHASES = ("prefill", "decode")


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def random_model(shape, kind, cache):
    """The GGUF file of a shape, made where it is missing."""
    path = cache / f"{shape.stem}-{kind}.gguf"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        print(f"writing {path}", file=sys.stderr)
        random_gguf.write(json.loads(shape.read_text()), path, random_gguf.TYPES[kind])
    return path


def run(command):
    """One process: its JSON, and the most memory that it held."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed with status {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return json.loads(output), usage.ru_maxrss * unit / 2**20


def measure(commands, rounds):
    """What each engine printed, round by round."""
    results = {name: [] for name in commands}
    for number in range(rounds):
        names = list(commands) if number % 2 == 0 else list(reversed(commands))
        for name in names:
            result, memory = run(commands[name])
            results[name].append(
                {phase: result[phase]["tokens_per_second"]["median"] for phase in PHASES}
                | {"peak_mib": memory, "system": result.get("system", "")}
            )
            last = results[name][-1]
            figures = ", ".join(f"{phase} {last[phase]:.1f} tokens/s" for phase in PHASES)
            print(f"round {number + 1} of {rounds}: {name}: {figures}", file=sys.stderr)
    return results


def summarize(results):
    """Rates per engine and phase; and Dynamax over the faster llama.cpp, of the medians and round by round."""
    summary = {}
    for phase in PHASES:
        summary[phase] = {}
        for name, runs in results.items():
            values = [run[phase] for run in runs]
            summary[phase][name] = {"median": statistics.median(values), "runs": values}
        peers = [entry for name, entry in summary[phase].items() if name != "dynamax"]
        if peers and "dynamax" in results:
            ours, theirs = summary[phase]["dynamax"], max(peers, key=lambda entry: entry["median"])
            summary[phase]["ratio"] = {
                "of_medians": ours["median"] / theirs["median"],
                "rounds": [a / b for a, b in zip(ours["runs"], theirs["runs"])],
            }
    summary["peak_mib"] = {name: max(run["peak_mib"] for run in runs) for name, runs in results.items()}
    return summary


def table(summary):
    rows = [("", "engine", "tokens/s", "least", "most", "ratio")]
    for phase in PHASES:
        entries = dict(summary[phase])
        ratio = entries.pop("ratio", None)
        for name, entry in entries.items():
            figures = (entry["median"], min(entry["runs"]), max(entry["runs"]))
            beside = ""
            if ratio and name == "dynamax":
                beside = f"{ratio['of_medians']:.2f} ({min(ratio['rounds']):.2f} to {max(ratio['rounds']):.2f})"
            rows.append((phase, name, *(f"{figure:.1f}" for figure in figures), beside))
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    memory = ", ".join(f"{name} {mib:.0f} MiB" for name, mib in summary["peak_mib"].items())
    return "\n".join([*lines, f"most memory held: {memory}"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=Path, default=HERE / "Shapes/tinyllama-1.1b.json")
    parser.add_argument("--type", choices=random_gguf.TYPES, default="q8")
    parser.add_argument("-p", "--prefill", type=int, default=512)
    parser.add_argument("-n", "--decode", type=int, default=128)
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dynamax", type=Path, default=HERE.parent / ".build/release/dynamax")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/dynamax-benchmarks")
    parser.add_argument("--only", choices=["dynamax", "llama.cpp"])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    lengths = ["-p", arguments.prefill, "-n", arguments.decode, "-t", arguments.threads]
    commands = {}
    if arguments.only != "llama.cpp":
        if not arguments.dynamax.exists():
            raise SystemExit(f"{arguments.dynamax} is missing: run `swift build -c release`, or give --dynamax")
        shape = ["--random", arguments.shape, "--quantize", arguments.type]
        commands["dynamax"] = [arguments.dynamax, "bench", *shape, *lengths, "--json"]
    if arguments.only != "dynamax":
        model = random_model(arguments.shape, arguments.type, arguments.cache)
        peer = [sys.executable, HERE / "llama_cpp_bench.py", model, *lengths]
        commands["llama.cpp"] = peer
        if json.loads(arguments.shape.read_text())["model_type"] != "mamba2":  # which has no attention
            commands["llama.cpp, flash attention off"] = [*peer, "--flash-attention", "off"]
    commands = {name: [str(word) for word in command] for name, command in commands.items()}

    results = measure(commands, arguments.rounds)
    summary = summarize(results) | {
        "machine": f"{processor()}, {os.cpu_count()} processors",
        "llama_cpp_python": importlib.metadata.version("llama-cpp-python"),
        "system": results.get("llama.cpp", [{"system": ""}])[0]["system"],
        "settings": {
            "shape": arguments.shape.stem,
            "type": arguments.type,
            "prefill": arguments.prefill,
            "decode": arguments.decode,
            "threads": arguments.threads,
            "rounds": arguments.rounds,
        },
    }
    if arguments.json:
        print(json.dumps(summary, indent=2))
        return
    print(f"{summary['machine']}; {arguments.threads} threads; random {arguments.shape.stem} in {arguments.type}")
    print(f"llama-cpp-python {summary['llama_cpp_python']}: {summary['system']}")
    print(table(summary))


if __name__ == "__main__":
    main()
