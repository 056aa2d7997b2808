#!/usr/bin/env python3
"""Training speed and memory of memdial and PyTorch on one NVIDIA device: the
same network, batch and microbatch, one after the other, in several rounds.
Prints a Markdown page; bench/results/ keeps such pages.
"""

import argparse
import datetime
import json
import statistics
import sys
from pathlib import Path

from train_speed import json_lines, mib, output, shown

HERE = Path(__file__).resolve().parent

# Rows: a name, memdial's settings or PyTorch's options, and a microbatch.
MEMDIAL = {
    "memdial fp32": "precision=fp32",
    "memdial TF32": "precision=fp32 tf32=yes",
    "memdial bf16": "precision=bf16",
    "memdial bf16, recompute=norms": "precision=bf16 recompute=norms",
}
PYTORCH = {
    "PyTorch fp32": "",
    "PyTorch TF32": "--tf32",
    "PyTorch bf16 AMP": "--amp --tf32",
    "PyTorch fp32, compiled": "--compile",
    "PyTorch TF32, compiled": "--tf32 --compile",
    "PyTorch bf16 AMP, compiled": "--amp --tf32 --compile",
}


def memdial_command(args, settings, microbatch):
    values = ["backend=cuda", "data=shapes", "epochs=1", "valid_samples=100",
              "depth=28", "width=2", f"batch={args.batch}",
              f"microbatch={microbatch}",
              f"epoch_samples={args.batch * (args.warmup + args.steps)}",
              *settings.split()]
    command = [args.memdial, "train", "wrn-28-2", "--runs", "none", "--json"]
    for value in values:
        command += ["--set", value]
    return command


def pytorch_command(args, options, microbatch):
    return [sys.executable, str(HERE / "pytorch_wrn.py"), "--device", "cuda",
            "--batch", str(args.batch), "--microbatch", str(microbatch),
            "--warmup", str(args.warmup), "--steps", str(args.steps),
            *options.split()]


def run_memdial(args, settings, microbatch):
    """Seconds per step, the arena's bytes, and bytes beside it."""
    rates, memory = [], {}
    for event in json_lines(output(memdial_command(args, settings,
                                                   microbatch))):
        if event["type"] == "step":
            rates.append(event["samples_per_second"])
        elif event["type"] == "memory":
            memory = event
    seconds = args.batch / statistics.median(rates[args.warmup:])
    return seconds, memory["arena"], memory["os"] - memory["arena"]


def run_pytorch(args, options, microbatch):
    """Seconds per step, bytes allocated, and bytes reserved beside them."""
    line = list(json_lines(output(pytorch_command(args, options,
                                                  microbatch))))[-1]
    allocated = line["max_memory_allocated"]
    return line["median"], allocated, line["max_memory_reserved"] - allocated


def row(name, runs, batch):
    seconds = [run[0] for run in runs]
    middle = statistics.median(seconds)
    return f"| {name} | {middle * 1e3:.3f} | {min(seconds) * 1e3:.3f} to" \
           f" {max(seconds) * 1e3:.3f} | {batch / middle:.0f} |" \
           f" {mib(runs[-1][1])} | {mib(runs[-1][2])} |"


def told(name, run):
    """Says at once what the page will have at its end."""
    print(f"{name}: {run[0] * 1e3:.3f} ms/step", file=sys.stderr, flush=True)
    return run


def table(args, microbatch):
    runs = {}
    for _ in range(args.rounds):
        for name, settings in MEMDIAL.items():
            runs.setdefault(name, []).append(
                told(name, run_memdial(args, settings, microbatch)))
        for name, options in PYTORCH.items():
            if "--compile" in options and not args.compile:
                continue
            runs.setdefault(name, []).append(
                told(name, run_pytorch(args, options, microbatch)))
    yield f"## Batch {args.batch}, microbatch {microbatch or args.batch}"
    yield ""
    yield "| | ms/step, median | all rounds | samples/s | MiB |" \
          " MiB beside |"
    yield "|---|---|---|---|---|---|"
    for name, found in runs.items():
        yield row(name, found, args.batch)
    yield ""


def page(args):
    devices = json.loads(output([args.memdial, "backends", "--json"]))
    device = next(d for d in devices if d["name"].startswith("cuda"))
    if not device["available"]:
        sys.exit(f"no CUDA device: {device['reason']}")
    yield "# Training speed and memory on a device: WRN-28-2"
    yield ""
    yield f"- date: {datetime.date.today()}; device: {device['description']}"
    yield f"- {args.rounds} rounds, in each one run of every row;" \
          f" {args.warmup} + {args.steps} steps a run, the first not counted"
    yield f"- `{shown(memdial_command(args, 'precision=bf16', 0))}`"
    yield f"- `{shown(pytorch_command(args, '--amp --tf32', 0))}`"
    yield "- memdial's step contains making the samples, PyTorch's has them" \
          " on the device"
    yield "- MiB: memdial's arena, PyTorch's `max_memory_allocated`; beside" \
          " it, all else that the driver says is in use, or PyTorch reserved"
    yield ""
    for microbatch in (0, args.batch // 10):
        yield from table(args, microbatch)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memdial", default="./memdial")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--warmup", type=int, default=20)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    for line in page(parser.parse_args()):
        print(line, flush=True)


if __name__ == "__main__":
    main()
