#!/usr/bin/env python3
"""What each way of saving memory costs in accuracy: one preset trained on
CIFAR-10 with one setting changed at a time, and with all of them, once per
seed. Prints a Markdown page; bench/results/ keeps such pages.

Every finished run is appended to the log, a file of JSON lines, and what the
log has is not run again, so an interrupted table goes on where it was.
"""

import argparse
import datetime
import json
import shlex
import subprocess
import sys
from pathlib import Path
from statistics import mean

BASELINE = []
VARIANTS = [
    BASELINE,
    ["precision=bf16"],
    ["precision=fp16"],
    ["microbatch=10"],
    ["optimizer_state=8bit"],
    ["precision=bf16", "optimizer_state=8bit"],
    ["nesterov=no", "precision=bf16"],
    ["nesterov=no", "precision=bf16", "microbatch=10", "sparsity=0.7"],
    ["nesterov=no", "precision=bf16", "microbatch=10", "gradients=accumulate",
     "optimizer_state=8bit", "saved=8bit"],
    ["nesterov=no", "precision=bf16", "microbatch=10", "sparsity=0.7",
     "gradients=accumulate", "optimizer_state=8bit", "saved=8bit"],
    ["nesterov=no", "precision=bf16", "microbatch=5"],
    ["nesterov=no", "precision=bf16", "microbatch=3"],
    ["nesterov=no", "microbatch=10"],
    ["nesterov=no", "microbatch=10", "gradients=accumulate"],
    ["nesterov=no", "microbatch=10", "precision=bf16"],
    ["nesterov=no", "microbatch=10", "precision=bf16",
     "gradients=accumulate", "optimizer_state=8bit"],
    ["checkpoint=sqrt"],
    ["saved=8bit"],
    ["saved=4bit"],
    *([f"sparsity={sparsity}", f"sparse_method={method}"]
      for sparsity in (0.5, 0.7, 0.9) for method in ("dsr", "static")),
    ["sparsity=0.7", "sparse_method=dsr", "precision=fp16", "microbatch=10",
     "checkpoint=optimal", "recompute=norms"],
]


def output(command):
    """The command's standard output; a failure ends the benchmark."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{shlex.join(command)}: exit status {done.returncode}")
    return done.stdout


def with_settings(command, settings):
    return command + [word for s in settings for word in ("--set", s)]


def names_in(variant):
    return {s.split("=")[0] for s in variant}


def asked_for(variants, only):
    """The baseline and the variants that set one of some settings; all, if
    none is named."""
    return [v for v in variants if not (v and only) or names_in(v) & set(only)]


def known_variants(args):
    """The variants that are asked for whose settings this memdial has."""
    table = json.loads(output([args.memdial, "settings", "--json"]))
    names = {row["name"] for row in table}
    for variant in asked_for(VARIANTS, args.only):
        if names_in(variant) <= names:
            yield variant
        else:
            print(f"left out, not in this memdial: {' '.join(variant)}",
                  file=sys.stderr)


def recipe(args):
    """Settings of all runs, but for the data's folder and the seed."""
    settings = ["data=cifar10", f"epochs={args.epochs}",
                "lr_schedule=cosine", f"threads={args.threads}"]
    if args.epoch_samples:
        settings += [f"epoch_samples={args.epoch_samples}",
                     f"valid_samples={args.epoch_samples}"]
    return settings


def train(args, settings):
    """The record of a run, from its epoch events."""
    command = with_settings([args.memdial, "train", args.preset,
                             "--runs", "none", "--json"],
                            [f"data_path={args.path}"] + settings)
    events = [json.loads(line) for line in output(command).splitlines()]
    epochs = [e for e in events if e["type"] == "epoch"]
    if len(epochs) != args.epochs:
        sys.exit(f"{shlex.join(command)}: interrupted")
    return {"preset": args.preset, "settings": settings, "epochs": epochs,
            "valid_accuracy": epochs[-1]["valid_accuracy"],
            "seconds": sum(e["seconds"] for e in epochs)}


def read_log(path):
    try:
        return [json.loads(line) for line in path.read_text().splitlines()]
    except FileNotFoundError:
        return []


def run(args, log, variant, seed):
    """The record of the log, or else of a run now, which is logged."""
    settings = recipe(args) + variant + [f"seed={seed}"]
    for record in log:
        if (record["preset"], record["settings"]) == (args.preset, settings):
            return record
    record = train(args, settings)
    with args.log.open("a") as file:
        file.write(json.dumps(record) + "\n")
    print(f"{' '.join(variant) or 'baseline'}, seed {seed}: "
          f"{record['valid_accuracy']:.4f}, {record['seconds']:.0f} s",
          file=sys.stderr)
    return record


def plan(args, variant):
    command = with_settings([args.memdial, "plan", args.preset, "--json"],
                            [f"threads={args.threads}"] + variant)
    return json.loads(output(command))


def print_head(args):
    command = ["memdial", "train", args.preset, "--json", "--set",
               f"data_path={args.path.name}"]
    print(f"# What saving memory costs in accuracy: {args.preset}, "
          f"{args.epochs} epochs of CIFAR-10\n\n"
          f"{datetime.date.today()}; test accuracy after the last epoch; loss "
          "is of the mean, in points, against the\nfirst row; peak and FLOPs "
          "as planned. Each row is\n\n"
          f"    {shlex.join(with_settings(command, recipe(args)))}\n\n"
          "with the row's settings and `--set seed=` that of the column.\n")


def print_table(args, rows):
    """rows: variant and its records, one per seed."""
    base = mean(r["valid_accuracy"] for r in rows[0][1])
    base_peak = plan(args, BASELINE)["peak_bytes"]
    seeds = [f"seed {seed}" for seed in args.seeds]
    heads = ["settings", *seeds, "mean", "loss", "peak, bytes", "less by",
             "FLOPs, ratio"]

    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for variant, records in rows:
        accuracies = [r["valid_accuracy"] for r in records]
        planned = plan(args, variant)
        peak = planned["peak_bytes"]
        cells = [" ".join(variant) or "none of it",
                 *(f"{a:.4f}" for a in accuracies),
                 f"{mean(accuracies):.4f}",
                 f"{100 * (base - mean(accuracies)):.2f}", f"{peak:,}",
                 f"{base_peak / peak:.2f}x",
                 f"{planned['flops']['ratio']:.2f}"]
        print(f"| {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path,
                        help="the folder of CIFAR-10's binary files")
    parser.add_argument("--memdial", default="./memdial", metavar="PATH")
    parser.add_argument("--preset", default="wrn-10-1")
    parser.add_argument("--log", type=Path, default=Path("accuracy.jsonl"))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--epoch-samples", type=int, default=0,
                        help="for a try; 0: all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME",
                        help="the rows that set one of these settings")
    args = parser.parse_args()

    log = read_log(args.log)
    rows = [(variant, [run(args, log, variant, seed) for seed in args.seeds])
            for variant in known_variants(args)]
    print_head(args)
    print_table(args, rows)


if __name__ == "__main__":
    main()
