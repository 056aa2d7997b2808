#!/usr/bin/env python3
"""Training speed of memdial and PyTorch, side by side: the same network and
batch, alternating on the same cores, so that what slows the machine slows
both. Prints a Markdown page; bench/results/ keeps such pages.
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
from pathlib import Path

HERE = Path(__file__).resolve().parent
MIB = 2 ** 20


def cpu_model():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def output(command):
    """The command's standard output; a failure ends the benchmark."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{shlex.join(command)}: exit status {done.returncode}")
    return done.stdout


def json_lines(text):
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def memdial_command(args):
    values = {"depth": args.depth, "width": args.width, "batch": args.batch,
              "threads": args.threads, "data": "shapes", "epochs": 1,
              "epoch_samples": args.batch * (args.warmup + args.steps),
              "valid_samples": args.batch}
    settings = [f"{k}={v}" for k, v in values.items()] + args.set
    command = [args.memdial, "train", args.preset, "--runs", "none", "--json"]
    for setting in settings:
        command += ["--set", setting]
    return command


def pytorch_command(args, variant):
    command = [sys.executable, str(HERE / "pytorch_wrn.py")]
    for name in ("depth", "width", "batch", "threads", "warmup", "steps"):
        command += [f"--{name}", str(getattr(args, name))]
    return command + shlex.split(variant)


def run_memdial(args):
    """Seconds per step, and the `memory` event."""
    rates, memory = [], {}
    for event in json_lines(output(memdial_command(args))):
        if event.get("type") == "step" and event.get("samples_per_second"):
            rates.append(event["samples_per_second"])
        elif event.get("type") == "memory":
            memory = event
    if len(rates) <= args.warmup:
        sys.exit("memdial printed too few events of type step")
    return args.batch / statistics.median(rates[args.warmup:]), memory


def run_pytorch(args, variant):
    """Seconds per step, and the line that pytorch_wrn.py printed."""
    line = list(json_lines(output(pytorch_command(args, variant))))[-1]
    return line["median"], line


def mib(count):
    return "-" if count is None else f"{count / MIB:.1f}"


def shown(command):
    """The command as a reader would type it, without this machine's paths."""
    return shlex.join(os.path.basename(word) if os.path.isabs(word) else word
                      for word in command)


def page(args, load, ours, theirs, memory, lines):
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    yield f"# Training speed: memdial and PyTorch, WRN-{args.depth}-" \
          f"{args.width}, batch {args.batch}, fp32"
    yield ""
    yield f"- date: {datetime.date.today()}"
    yield f"- CPU: {cpu_model()}; cores {cores}; {args.threads} threads;" \
          f" load average before: {load:.2f}"
    yield f"- PyTorch {next(iter(lines.values()))['version']}, " \
          f"Python {platform.python_version()}"
    yield f"- {args.pairs} rounds, in each one run of every row;" \
          f" {args.warmup} + {args.steps} steps a run, the first not counted"
    yield f"- `{shown(memdial_command(args))}`"
    for variant in theirs:
        yield f"- `{shown(pytorch_command(args, variant))}`"
    yield ""
    yield "Ratio: PyTorch's seconds per step over memdial's of the same round;"
    yield "above 1, memdial is faster."
    yield ""
    yield "| | s/step, median | ratio, median | ratio of each round |"
    yield "|---|---|---|---|"
    yield f"| memdial | {statistics.median(ours):.4f} | 1 | |"
    for variant, seconds in theirs.items():
        ratios = [b / a for a, b in zip(ours, seconds)]
        yield f"| PyTorch {variant} | {statistics.median(seconds):.4f} |" \
              f" {statistics.median(ratios):.2f} |" \
              f" {' '.join(f'{r:.2f}' for r in ratios)} |"
    yield ""
    yield "| memory, MiB | arena | whole process |"
    yield "|---|---|---|"
    yield f"| memdial | {mib(memory.get('arena'))} |" \
          f" {mib(memory.get('os'))} |"
    for variant, line in lines.items():
        yield f"| PyTorch {variant} | - | {mib(line['peak_rss_bytes'])} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memdial", default="memdial", metavar="PATH")
    parser.add_argument("--preset", default="wrn-28-2")
    parser.add_argument("--set", action="append", default=[],
                        metavar="NAME=VALUE", help="a setting of memdial's")
    parser.add_argument("--depth", type=int, default=28)
    parser.add_argument("--width", type=int, default=2)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--steps", type=int, default=17)
    parser.add_argument("--cores", metavar="N,N",
                        help="which to use; default: all allowed ones")
    parser.add_argument("--threads", type=int, help="default: one per core")
    parser.add_argument("--compile", action="store_true",
                        help="also PyTorch through torch.compile")
    args = parser.parse_args()

    if not shutil.which(args.memdial):
        sys.exit(f"{args.memdial}: not found; say where with --memdial PATH")
    if args.cores:
        os.sched_setaffinity(0, map(int, args.cores.split(",")))
    args.threads = args.threads or len(os.sched_getaffinity(0))
    variants = ["--format channels_last", "--format contiguous"]
    if args.compile:
        variants += [f"{v} --compile" for v in variants]
    load = os.getloadavg()[0]
    probe = subprocess.run(pytorch_command(args, "--help"),
                           stdout=subprocess.DEVNULL)
    if probe.returncode:
        sys.exit(probe.returncode)

    ours, theirs, lines, memory = [], {v: [] for v in variants}, {}, {}
    for _ in range(args.pairs):
        seconds, memory = run_memdial(args)
        ours.append(seconds)
        for variant in variants:
            seconds, lines[variant] = run_pytorch(args, variant)
            theirs[variant].append(seconds)
    print("\n".join(page(args, load, ours, theirs, memory, lines)))


if __name__ == "__main__":
    main()
