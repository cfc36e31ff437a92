#!/usr/bin/env python3
"""Dynamax and its peers on the same machine, at the same shape, in turns: llama.cpp, OpenVINO and PyTorch.

usage: compare_peers.py [--shape Shapes/tinyllama-1.1b.json] [--type q8|q4|bf16] [-p 512] [-n 128] [-t 2] [--rounds 5]
                        [--engines dynamax llama.cpp openvino pytorch] [--json] [--dynamax PROGRAM] [--cache FOLDER]

Each round starts a fresh process of each engine, the order alternating, so that a slow minute of the machine hits all. Peers
run in each of their settings once, and then in those that were the fastest or within a quarter of it; each phase is compared with
the setting that is fastest in it. Last in each round, Dynamax runs beside the machine's limits (dynamax bench --limits).

Weights are random at the shape; the files that hold them are made where they are missing. Which engines take part by default:
llama.cpp everywhere, OpenVINO with Llama and Mistral shapes, PyTorch with the same in bf16. Run ./setup.sh once before, and
`swift build -c release`.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PHASES = ("prefill", "decode")
ENGINES = ("dynamax", "llama.cpp", "openvino", "pytorch")


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def made(path, program, shape, kind):
    """A file or folder with random weights, made where it is missing."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"making {path}", file=sys.stderr)
        command = [sys.executable, HERE / program, shape, path, "--type", kind]
        result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if result.returncode != 0:
            raise SystemExit(f"{program} could not make {path}:\n{result.stderr}")
    return path


def settings_of(engine, options):
    """The commands of an engine, by the names of its settings; none where it cannot run the shape."""
    name = options.shape.parent.name if options.shape.stem == "config" else options.shape.stem
    has_attention = json.loads(options.shape.read_text())["model_type"] != "mamba2"
    lengths = ["-p", options.prefill, "-n", options.decode, "-t", options.threads]
    model = options.cache / f"{name}-{options.type}"
    if engine == "dynamax":
        if not options.dynamax.exists():
            raise SystemExit(f"{options.dynamax} is missing: run `swift build -c release`, or give --dynamax")
        shape = ["--random", options.shape, "--quantize", options.type, "--kv-cache", "bf16", "--precision", "bf16"]
        return {"": [options.dynamax, "bench", "--json", "-r", 1, *shape, *lengths]}
    if engine == "llama.cpp":
        path = made(Path(f"{model}.gguf"), "random_gguf.py", options.shape, options.type)
        command = [sys.executable, HERE / "llama_cpp_bench.py", path, *lengths]
        off = ["--flash-attention", "off"]
        if not has_attention:
            return {"": command, "plain": [*command, "--plain"]}
        return {
            "flash attention": command,
            "no flash attention": [*command, *off],
            "plain": [*command, "--plain"],
            "plain, no flash attention": [*command, *off, "--plain"],
        }
    if engine == "openvino" and has_attention:
        path = made(Path(f"{model}-openvino"), "random_openvino.py", options.shape, options.type)
        return {"": [sys.executable, HERE / "openvino_bench.py", path, *lengths]}
    if engine == "pytorch" and has_attention and options.type == "bf16":
        command = [sys.executable, HERE / "pytorch_bench.py", options.shape, *lengths]
        return {f"{cache} cache": [*command, "--cache", cache] for cache in ("dynamic", "static")}
    return {}


def held(command):
    """One process: what it printed, and the most memory that it held, in MiB."""
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed with status {process.returncode}")
    return output, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**20


def measure(engine, setting, command):
    """One run of an engine: its rates, and the most memory that it held, without what the program took before it had a model."""
    output, memory = held(command)
    result = json.loads(output)
    empty = held([command[0], "bench", "--help"])[1] if engine == "dynamax" else result["empty_mib"]
    memory -= empty
    rates = {phase: result[phase]["tokens_per_second"]["median"] for phase in PHASES}
    figures = ", ".join(f"{phase} {rate:.1f}" for phase, rate in rates.items())
    print(f"{engine}{setting and ', '}{setting}: {figures} tokens/s, {memory:.0f} MiB", file=sys.stderr)
    return rates | {"peak_mib": memory, "version": result.get("engine", "")}


def fast_settings(engine, commands):
    """The settings that are the fastest in a phase, or nearly so."""
    if len(commands) == 1:
        return commands
    trials = {setting: measure(f"trial of {engine}", setting, command) for setting, command in commands.items()}
    best = {phase: max(trial[phase] for trial in trials.values()) for phase in PHASES}
    return {
        setting: commands[setting]
        for setting, trial in trials.items()
        if any(trial[phase] > 0.75 * best[phase] for phase in PHASES)
    }


def spread(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values), "runs": values}


def compare(options):
    """All runs, what they come to, and Dynamax beside each peer in the setting that is the fastest in a phase."""
    engines = {engine: settings_of(engine, options) for engine in ENGINES if engine in options.engines}
    engines = {engine: fast_settings(engine, commands) for engine, commands in engines.items() if commands}
    commands = {(engine, setting): command for engine, found in engines.items() for setting, command in found.items()}
    runs, limits = {key: [] for key in commands}, []
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        for key in commands if number % 2 == 0 else reversed(commands):
            runs[key].append(measure(*key, commands[key]))
        if "dynamax" in engines:
            limits.append(json.loads(held([*commands["dynamax", ""], "--limits"])[0])["limits"])

    results = []
    for (engine, setting), found in runs.items():
        rates = {phase: spread([run[phase] for run in found]) for phase in PHASES}
        memory = max(run["peak_mib"] for run in found)
        results.append({"engine": engine, "setting": setting, "version": found[0]["version"], "peak_mib": memory} | rates)
    ratios = {}
    for engine in engines:
        if engine == "dynamax" or "dynamax" not in engines:
            continue
        ours, theirs = results[0], [result for result in results if result["engine"] == engine]
        ratios[engine] = {"peak_mib": ours["peak_mib"] / min(result["peak_mib"] for result in theirs)}
        for phase in PHASES:
            fastest = max(theirs, key=lambda result: result[phase]["median"])
            rounds = [a / b for a, b in zip(ours[phase]["runs"], fastest[phase]["runs"])]
            ratios[engine][phase] = {
                "setting": fastest["setting"],
                "of_medians": ours[phase]["median"] / fastest[phase]["median"],
                "rounds": rounds,
            }
    names = ("read_bytes_per_second", "multiply_adds_per_second", "prefill_share", "decode_share")
    return {
        "machine": f"{processor()}, {os.cpu_count()} processors",
        "settings": {
            "shape": options.shape.parent.name if options.shape.stem == "config" else options.shape.stem,
            "type": options.type,
            "prefill": options.prefill,
            "decode": options.decode,
            "threads": options.threads,
            "rounds": options.rounds,
        },
        "engines": results,
        "ratios": ratios,
        "limits": {name: spread([limit[name]["median"] for limit in limits]) for name in names} if limits else None,
    }


def table(found):
    """The comparison as a Markdown table that is aligned as plain text too."""
    rows = [("phase", "engine", "tokens/s", "least", "most", "Dynamax is", "round by round", "MiB at most", "memory")]
    for phase in PHASES:
        for result in found["engines"]:
            rate, engine = result[phase], result["engine"]
            ratio = found["ratios"].get(engine, {})
            beside = ratio.get(phase, {"setting": None})
            is_fastest = beside["setting"] == result["setting"]
            rows.append(
                (
                    phase,
                    f"{engine}{result['setting'] and ', '}{result['setting']}",
                    *(f"{rate[name]:.1f}" for name in ("median", "least", "most")),
                    f"{beside['of_medians']:.2f} x" if is_fastest else "",
                    f"{min(beside['rounds']):.2f} to {max(beside['rounds']):.2f}" if is_fastest else "",
                    f"{result['peak_mib']:.0f}",
                    f"{found['engines'][0]['peak_mib'] / result['peak_mib']:.2f} x" if ratio else "",
                )
            )
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def text(found):
    settings, limits = found["settings"], found["limits"]
    lines = [
        f"{found['machine']}; random {settings['shape']} in {settings['type']}, prompt {settings['prefill']}, "
        f"{settings['decode']} tokens, {settings['threads']} threads, {settings['rounds']} rounds",
        *dict.fromkeys(result["version"] for result in found["engines"] if result["version"]),
        "",
        table(found),
    ]
    if limits:
        read, multiply = limits["read_bytes_per_second"], limits["multiply_adds_per_second"]
        shares = {phase: limits[f"{phase}_share"] for phase in PHASES}
        lines += [
            "",
            f"The machine reads {read['median'] / 1e9:.1f} GB/s ({read['least'] / 1e9:.1f} to {read['most'] / 1e9:.1f}) and does "
            f"{multiply['median'] / 1e9:.0f} G multiply-adds/s ({multiply['least'] / 1e9:.0f} to {multiply['most'] / 1e9:.0f}).",
            *(
                f"Dynamax's {phase} takes {share['median']:.2f} of that ({share['least']:.2f} to {share['most']:.2f})."
                for phase, share in shares.items()
            ),
        ]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=Path, default=HERE / "Shapes/tinyllama-1.1b.json")
    parser.add_argument("--type", choices=["q8", "q4", "bf16"], default="q8")
    parser.add_argument("-p", "--prefill", type=int, default=512)
    parser.add_argument("-n", "--decode", type=int, default=128)
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--dynamax", type=Path, default=HERE.parent / ".build/release/dynamax")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/dynamax-benchmarks")
    parser.add_argument("--json", action="store_true", help="print all runs")
    options = parser.parse_args()
    if min(options.prefill, options.decode, options.threads, options.rounds) < 1:
        parser.error("-p, -n, -t and --rounds must be above 0")
    found = compare(options)
    print(json.dumps(found, indent=2) if options.json else text(found))


if __name__ == "__main__":
    main()
