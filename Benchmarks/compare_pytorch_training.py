"""Training with Dynamax and with PyTorch on the same machine, at the same shape, in turns.

usage: compare_pytorch_training.py [--precision f32 bf16] [-t 2] [--rounds 5] [--steps 8] [--batch 8] [--context 256]
                                   [--shape Shapes/llama-10m.json] [--compile] [--only dynamax|pytorch]
                                   [--dynamax PATH] [--json]

Weights are random; a step is forward, backward, clipping of the gradients' norm and AdamW over batch x context tokens. Each
round starts a fresh process of each, the order alternating; the first steps of a process warm it up and do not count.
In bf16 both multiply in bf16 and keep parameters, sums and optimizer in f32: PyTorch under autocast, Dynamax with
"precision": "bf16". Dynamax reads its batches from a corpus, which is made here in a temporary folder; PyTorch's lie ready
in memory. Needs torch and transformers in the Python that runs this, and `swift build -c release`.
"""

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
OPTIMIZER = {"rate": 1e-3, "decay": 0.1, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "clip": 1.0}
WARM_UP = 3


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def make_data(folder, words, arguments):
    """A vocabulary in which each word is one token, and documents that give one sequence of `context` rows each."""
    names = ["<unk>", "<s>", "</s>"]
    added = [
        {"id": number, "content": name, "special": True}
        | {key: False for key in ("single_word", "lstrip", "rstrip", "normalized")}
        for number, name in enumerate(names)
    ]
    spaces = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    pieces = names + ["▁" + word for word in words]
    tokenizer = {
        "version": "1.0",
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": spaces,
        "post_processor": None,
        "decoder": spaces,
        "model": {"type": "Unigram", "unk_id": 0, "vocab": [[piece, -8.0] for piece in pieces]},
    }
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer/tokenizer.json").write_text(json.dumps(tokenizer))
    settings = {"bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer/tokenizer_config.json").write_text(json.dumps(settings))

    # Each document gets a token before and after it; its rows are those that predict one.
    source, length = random.Random(1), arguments.context - 1
    documents = (
        " ".join(words[int(source.random() ** 3 * len(words))] for _ in range(length))
        for _ in range(arguments.batch * (arguments.steps + WARM_UP))
    )
    (folder / "text.txt").write_text("\n".join(documents))


def configuration(arguments, shape, precision, output):
    """What `dynamax train` reads."""
    settings = {
        "output": output,
        "seed": 1,
        "steps": arguments.steps + WARM_UP,
        "model": {"config": shape},
        "tokenizer": "tokenizer",
        "data": {"folder": "tokens", "train": [{"path": "text.txt", "separator": "\n"}]},
        "batch": {"rows": arguments.batch * arguments.context, "context": arguments.context},
        "optimizer": {"kind": "adamw", **OPTIMIZER},
        "schedule": {"kind": "constant"},
        "exits": {"rule": "final"},
        "checkpoints": {"every": 1_000_000_000},
    }
    return settings if precision == "f32" else settings | {"precision": precision}


def run(command):
    """One process: its standard output, and the most memory that it held, in MiB."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=errors, text=True)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            line = " ".join(map(str, command))
            raise SystemExit(f"{line} failed with status {process.returncode}:\n{errors.read()}")
    return output, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**20


def run_dynamax(folder, arguments, shape, precision, number):
    output = f"{precision}-{number}"
    settings = folder / f"{output}.json"
    settings.write_text(json.dumps(configuration(arguments, shape, precision, output)))
    _, memory = run([arguments.dynamax, "train", settings, "-t", arguments.threads])
    steps = [json.loads(line) for line in (folder / output / "metrics.jsonl").read_text().splitlines()]
    expected = arguments.batch * arguments.context
    if any(step["tokens"] != expected for step in steps):
        raise SystemExit(f"{settings}: a step did not have {expected} tokens")
    return {"seconds": [step["seconds"] for step in steps], "losses": [step["loss"] for step in steps]}, memory


def run_pytorch(folder, arguments, shape, precision):
    settings = folder / "pytorch.json"
    settings.write_text(json.dumps({
        "shape": shape, "optimizer": OPTIMIZER, "precision": precision, "threads": arguments.threads,
        "steps": arguments.steps + WARM_UP, "batch": arguments.batch, "context": arguments.context,
        "compile": arguments.compile,
    }))  # fmt: skip
    output, memory = run([sys.executable, HERE / "pytorch_training.py", settings])
    return json.loads(output), memory


def measure(folder, arguments, shape, precision):
    """Round by round and engine by engine: tokens per second over the steps that count, losses, memory."""
    engines = {
        "dynamax": lambda number: run_dynamax(folder, arguments, shape, precision, number),
        "pytorch": lambda number: run_pytorch(folder, arguments, shape, precision),
    }
    if arguments.only:
        engines = {arguments.only: engines[arguments.only]}
    results = {name: [] for name in engines}
    for number in range(arguments.rounds):
        for name in list(engines) if number % 2 == 0 else reversed(engines):
            result, memory = engines[name](number)
            step = statistics.median(result["seconds"][WARM_UP:])
            rate = arguments.batch * arguments.context / step
            results[name].append(
                {
                    "tokens_per_second": rate,
                    "peak_mib": memory,
                    "losses": [result["losses"][0], result["losses"][-1]],
                    "version": result.get("version", ""),
                }
            )
            print(
                f"{precision} round {number + 1} of {arguments.rounds}: {name}: {rate:.0f} tokens/s, {memory:.0f} MiB, "
                f"loss {result['losses'][0]:.3f} to {result['losses'][-1]:.3f}",
                file=sys.stderr,
            )
    return results


def summarize(results):
    summary = {}
    for name, runs in results.items():
        rates = [run["tokens_per_second"] for run in runs]
        summary[name] = {
            "tokens_per_second": statistics.median(rates),
            "runs": rates,
            "peak_mib": max(run["peak_mib"] for run in runs),
            "losses": runs[-1]["losses"],
        }
    if len(results) == 2:
        ours, theirs = summary["dynamax"], summary["pytorch"]
        summary["ratio"] = {
            "of_medians": ours["tokens_per_second"] / theirs["tokens_per_second"],
            "rounds": [a / b for a, b in zip(ours["runs"], theirs["runs"])],
        }
    return summary


def table(summaries):
    rows = [("", "engine", "tokens/s", "least", "most", "peak MiB", "ratio")]
    for precision, summary in summaries.items():
        ratio = summary.get("ratio")
        for name, entry in summary.items():
            if name == "ratio":
                continue
            figures = (entry["tokens_per_second"], min(entry["runs"]), max(entry["runs"]), entry["peak_mib"])
            beside = ""
            if ratio and name == "dynamax":
                beside = f"{ratio['of_medians']:.2f} ({min(ratio['rounds']):.2f} to {max(ratio['rounds']):.2f})"
            rows.append((precision, name, *(f"{figure:.0f}" for figure in figures), beside))
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precision", nargs="+", choices=["f32", "bf16"], default=["f32", "bf16"])
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8, help="steps of a process that count")
    parser.add_argument("--batch", type=int, default=8, help="sequences of a step")
    parser.add_argument("--context", type=int, default=256, help="tokens of a sequence")
    parser.add_argument("--shape", type=Path, default=HERE / "Shapes/llama-10m.json")
    parser.add_argument("--compile", action="store_true", help="run PyTorch's model through torch.compile")
    parser.add_argument("--only", choices=["dynamax", "pytorch"])
    parser.add_argument("--dynamax", type=Path, default=HERE.parent / ".build/release/dynamax")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.only != "pytorch" and not arguments.dynamax.exists():
        raise SystemExit(f"{arguments.dynamax} is missing: run `swift build -c release`, or give --dynamax")
    shape = json.loads(arguments.shape.read_text())
    words = [f"w{number:05d}" for number in range(shape["vocab_size"] - 3)]

    summaries, version = {}, ""
    with tempfile.TemporaryDirectory(prefix="dynamax-training-") as name:
        folder = Path(name)
        make_data(folder, words, arguments)
        for precision in arguments.precision:
            results = measure(folder, arguments, shape, precision)
            summaries[precision] = summarize(results)
            version = results.get("pytorch", [{"version": ""}])[0]["version"]
    machine = f"{processor()}, {os.cpu_count()} processors"
    if arguments.json:
        settings = {
            key: getattr(arguments, key) for key in ("threads", "rounds", "steps", "batch", "context", "compile")
        }
        report = {"machine": machine, "pytorch": version, "shape": shape, "settings": settings, "results": summaries}
        print(json.dumps(report, indent=2))
        return
    print(f"{machine}; {arguments.threads} threads; {arguments.batch} x {arguments.context} tokens; {arguments.shape.stem}")
    print(f"{version}{', compiled' if arguments.compile else ''}")
    print(table(summaries))


if __name__ == "__main__":
    main()
