#!/usr/bin/env python3
"""What each way of saving memory costs in time: one preset with one setting
changed at a time, in turn on the same cores, so that what slows the machine
slows all. Prints a Markdown page; bench/results/ keeps such pages.
"""

import argparse
import datetime
import json
import shlex
import statistics
import subprocess
import sys

VARIANTS = [
    [],
    ["recompute=norms"],
    ["checkpoint=block"],
    ["checkpoint=sqrt"],
    ["checkpoint=recursive"],
    ["checkpoint=optimal"],
    ["microbatch=10"],
    ["precision=bf16"],
    ["precision=fp16"],
    ["saved=8bit"],
    ["saved=4bit"],
    ["sparsity=0.7"],
    ["sparsity=0.8"],
    ["sparsity=0.9"],
    *([f"sparsity={sparsity}", "precision=fp16", "microbatch=10",
       "checkpoint=optimal", "recompute=norms"]
      for sparsity in (0, 0.7, 0.8, 0.9)),
]


def command(args, variant):
    settings = ["data=shapes", "epochs=1", f"threads={args.threads}",
                f"epoch_samples={100 * (args.warmup + args.steps)}",
                "valid_samples=100"] + variant
    return [args.memdial, "train", args.preset, "--runs", "none", "--json"] + [
        word for setting in settings for word in ("--set", setting)]


def measure(args, variant):
    """Samples per second, the median of the steps; bytes of the arena."""
    done = subprocess.run(command(args, variant), stdout=subprocess.PIPE,
                          text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command(args, variant))}: exit status "
                 f"{done.returncode}")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    rates = [e["samples_per_second"] for e in events if e["type"] == "step"]
    arena = [e["arena"] for e in events if e["type"] == "memory"]
    return statistics.median(rates[args.warmup:]), arena[0]


def flops_ratio(args, variant):
    words = [word for setting in variant for word in ("--set", setting)]
    plan = subprocess.run([args.memdial, "plan", args.preset, "--json"] +
                          words, stdout=subprocess.PIPE, text=True,
                          check=True)
    return json.loads(plan.stdout)["flops"]["ratio"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memdial", default="./memdial", metavar="PATH")
    parser.add_argument("--preset", default="wrn-28-2")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("rows", nargs="*", metavar="SETTINGS", help="take these "
                        "rows alone, such as 'sparsity=0.8 precision=fp16'")
    args = parser.parse_args()
    variants = [[], *(row.split() for row in args.rows)] if args.rows \
        else VARIANTS
    rows = "".join(" " + shlex.quote(row) for row in args.rows)

    rounds = [[measure(args, v) for v in variants]
              for _ in range(args.rounds)]
    print(f"# What saving memory costs in time: {args.preset}, batch 100\n\n"
          f"{datetime.date.today()}; {args.threads} threads; {args.rounds} "
          f"rounds of every row in turn, {args.steps} steps each; the time "
          "ratio is taken\nwithin a round, to the first row:\n"
          f"`bench/techniques.py --rounds {args.rounds}{rows}`\n\n"
          "| settings | samples/s | time, ratio | FLOPs, ratio | arena, MB |\n"
          "|---|---|---|---|---|")
    for i, variant in enumerate(variants):
        rate = statistics.median(r[i][0] for r in rounds)
        ratio = statistics.median(r[0][0] / r[i][0] for r in rounds)
        print(f"| {' '.join(variant) or 'none of it'} | {rate:.1f} | "
              f"{ratio:.2f} | {flops_ratio(args, variant):.2f} | "
              f"{rounds[0][i][1] / 1e6:.1f} |")


main()
