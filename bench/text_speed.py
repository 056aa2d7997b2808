#!/usr/bin/env python3
"""Training speed of memdial and PyTorch on text, side by side: the same
DynamicConv, pairs and tokens in a batch, alternating on the same cores. Prints
a Markdown page; bench/results/ keeps such pages.
"""

import argparse
import datetime
import json
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from train_speed import cpu_model, json_lines, mib, output, shown

HERE = Path(__file__).resolve().parent
SIZES = {
    "dynamicconv": [],
    "dynamicconv-small": ["--features", "256", "--hidden", "512",
                          "--encoder-kernels", "3,7,15",
                          "--decoder-kernels", "3,7,15"],
}

# MKL takes its fast kernels on Intel's processors alone. This function, loaded
# before its own, has it take them on others too.
TUNING = "int mkl_serv_intel_cpu_true(void) { return 1; }"

# PyTorch as pip installs it, and with MKL's fast kernels and passive waiting.
VARIANTS = {"band, tuned": "--conv band", "band": "--conv band",
            "unfold, tuned": "--conv unfold"}


def memdial_settings(args):
    values = {"data_path": args.folder, "batch": args.tokens,
              "source_vocabulary": args.words[0],
              "target_vocabulary": args.words[1],
              "threads": args.threads, "epochs": 1,
              "epoch_samples": args.tokens * (args.warmup + args.steps),
              "valid_samples": 1}
    return [f"{k}={v}" for k, v in values.items()] + args.set


def memdial_command(args, also=""):
    command = [args.memdial, "train", args.preset, "--runs", "none", "--json"]
    for setting in memdial_settings(args) + also.split():
        command += ["--set", setting]
    return command


def planned_saved_bytes(args):
    """Bytes that the plan keeps from the forward to the backward pass."""
    command = [args.memdial, "plan", args.preset, "--json"]
    for setting in memdial_settings(args):
        command += ["--set", setting]
    plan = json.loads(output(command))
    return plan["bytes"].get("activations"), plan["arena_bytes"]


def pytorch_command(args, variant):
    return [sys.executable, str(HERE / "pytorch_dynamicconv.py"), args.folder,
            "--tokens", str(args.tokens), "--threads", str(args.threads),
            "--warmup", str(args.warmup), "--steps", str(args.steps),
            "--source-words", str(args.words[0]),
            "--target-words", str(args.words[1])] \
        + SIZES[args.preset] + shlex.split(VARIANTS[variant])


def build_tuning(folder):
    """The library of TUNING."""
    path = f"{folder}/tuning.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-o", path, "-"],
                   input=TUNING, text=True, check=True)
    return path


def run_memdial(args, also=""):
    """Target tokens per second, the first steps left out."""
    rates = [e["samples_per_second"] for e in json_lines(
        output(memdial_command(args, also)))
             if e.get("type") == "step" and e.get("samples_per_second")]
    if len(rates) <= args.warmup:
        sys.exit("memdial printed too few events of type step")
    return statistics.median(rates[args.warmup:])


def run_pytorch(args, variant, tuning):
    command = pytorch_command(args, variant)
    if variant.endswith("tuned"):
        command = ["env", f"LD_PRELOAD={tuning}", "OMP_WAIT_POLICY=passive"] \
            + command
    return list(json_lines(output(command)))[-1]


def page(args, load, ours, others, theirs, lines):
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    saved, arena = planned_saved_bytes(args)
    first = next(iter(lines.values()))
    yield f"# Training speed on text: memdial and PyTorch, {args.preset}," \
          f" {args.tokens} tokens"
    yield ""
    yield f"- date: {datetime.date.today()}"
    yield f"- CPU: {cpu_model()}; cores {cores}; {args.threads} threads;" \
          f" load average before: {load:.2f}"
    yield f"- PyTorch {first['version']}, Python {platform.python_version()}"
    yield f"- {args.pairs} rounds, in each one run of every row;" \
          f" {args.warmup} + {args.steps} steps a run, the first not counted"
    command = shown(memdial_command(args))
    yield f"- `{command.replace(args.folder, Path(args.folder).name)}`"
    for variant in theirs:
        yield f"- {variant}: `{shown(pytorch_command(args, variant))}`"
    yield "- tuned: MKL takes the kernels that it takes on Intel's processors" \
          " (`LD_PRELOAD`), threads wait passively"
    yield ""
    yield "Ratio: the first row's target tokens per second over this row's of"
    yield "the same round; above 1, the first is faster. Padding is not counted."
    yield ""
    yield "| | target tokens/s, median | ratio, median | ratio of each round |"
    yield "|---|---|---|---|"
    yield f"| memdial | {statistics.median(ours):.0f} | 1 | |"
    for name, rates in {**others, **theirs}.items():
        ratios = [a / b for a, b in zip(ours, rates)]
        peer = "memdial" if name in others else "PyTorch"
        yield f"| {peer} {name} | {statistics.median(rates):.0f} |" \
              f" {statistics.median(ratios):.2f} |" \
              f" {' '.join(f'{r:.2f}' for r in ratios)} |"
    yield ""
    yield "| memory | kept for backward, MiB | of target tokens |" \
          " all, MiB |"
    yield "|---|---|---|---|"
    yield f"| memdial, planned | {mib(saved)} | {args.tokens} |" \
          f" {mib(arena)} |"
    for variant, line in lines.items():
        yield f"| PyTorch {variant}, as autograd saves | " \
              f"{mib(line['saved_bytes'])} | {line['saved_target_tokens']} |" \
              f" {mib(line['peak_rss_bytes'])} (process) |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder",
                        help="with train.de and train.en, one sentence a line")
    parser.add_argument("--memdial", default="memdial", metavar="PATH")
    parser.add_argument("--preset", default="dynamicconv-small",
                        choices=SIZES)
    parser.add_argument("--set", action="append", default=[],
                        metavar="NAME=VALUE", help="a setting of memdial's")
    parser.add_argument("--also", action="append", default=[],
                        metavar="NAME=VALUE...", help="a row of memdial with "
                        "these settings too")
    parser.add_argument("--words", type=int, nargs=2, default=[4541, 3428],
                        help="sizes of the data's dictionaries, special "
                        "tokens included")
    parser.add_argument("--tokens", type=int, default=1975)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int,
                        default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()

    if not shutil.which(args.memdial):
        sys.exit(f"{args.memdial}: not found; say where with --memdial PATH")
    load = os.getloadavg()[0]
    ours, others = [], {also: [] for also in args.also}
    theirs, lines = {v: [] for v in VARIANTS}, {}
    with tempfile.TemporaryDirectory() as folder:
        tuning = build_tuning(folder)
        for _ in range(args.pairs):
            ours.append(run_memdial(args))
            for also, rates in others.items():
                rates.append(run_memdial(args, also))
            for variant, rates in theirs.items():
                lines[variant] = run_pytorch(args, variant, tuning)
                rates.append(lines[variant]["target_tokens_per_second"])
    print("\n".join(page(args, load, ours, others, theirs, lines)))


if __name__ == "__main__":
    main()
