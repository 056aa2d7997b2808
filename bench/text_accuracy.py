#!/usr/bin/env python3
"""What each way of saving memory costs in BLEU: one preset of text trained
with one setting changed at a time, and with all of them, once per seed; then
the test sentences are translated. Prints a Markdown page; bench/results/ keeps
such pages.

The log is as that of accuracy.py: an interrupted table goes on where it was.
"""

import argparse
import datetime
import json
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean

from accuracy import asked_for, output, read_log, with_settings

BASELINE = []
# Five epochs of Multi30k are 1,180 updates: nonzeros move 23 times.
REWIRE = "rewire_period=50"
VARIANTS = [
    BASELINE,
    ["precision=bf16"],
    ["precision=fp16"],
    ["sparsity=0.5", REWIRE],
    ["sparsity=0.6", REWIRE],
    ["sparsity=0.6", REWIRE, "precision=fp16", "microbatch=250",
     "checkpoint=optimal", "recompute=norms"],
    ["sparsity=0.5", "sparse_method=static"],
    ["sparsity=0.6", "sparse_method=static"],
    ["microbatch=250"],
    ["optimizer_state=8bit"],
    ["gradients=accumulate"],
    *(["gradients=accumulate", "longest=125", f"microbatch={tokens}"]
      for tokens in (535, 125)), # 4 and 17 parts
    ["saved=8bit"],
    ["saved=4bit"],
]


def recipe(args):
    """Settings of all runs, but for the data's folder and the seed."""
    return [f"epochs={args.epochs}", f"threads={args.threads}",
            "bleu_every=0"] + args.set


def bleu(args, settings, snapshot):
    """BLEU of the test sentences, translated by the snapshot's model."""
    command = with_settings(
        [args.memdial, "translate", args.preset, "--load", snapshot,
         "--reference", str(args.path / f"test.{args.target}")],
        [f"data_path={args.path}"] + settings)
    with (args.path / f"test.{args.source}").open() as sentences:
        done = subprocess.run(command, stdin=sentences, text=True,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE)
    score = re.search(r"BLEU (\d+\.\d+)", done.stderr)
    if done.returncode or not score:
        sys.exit(f"{shlex.join(command)}: {done.stderr}")
    return float(score[1])


def train(args, settings):
    """The record of a run, from its epoch events and its translations."""
    with tempfile.TemporaryDirectory() as folder:
        snapshot = f"{folder}/state"
        command = with_settings(
            [args.memdial, "train", args.preset, "--runs", "none", "--json",
             "--save", snapshot], [f"data_path={args.path}"] + settings)
        events = [json.loads(line) for line in output(command).splitlines()]
        epochs = [e for e in events if e["type"] == "epoch"]
        if len(epochs) != args.epochs:
            sys.exit(f"{shlex.join(command)}: interrupted")
        return {"preset": args.preset, "settings": settings, "epochs": epochs,
                "valid_loss": epochs[-1]["valid_loss"],
                "bleu": bleu(args, settings, snapshot),
                "seconds": sum(e["seconds"] for e in epochs)}


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
          f"{record['bleu']:.2f}, {record['seconds']:.0f} s", file=sys.stderr)
    return record


def plan(args, variant):
    command = with_settings([args.memdial, "plan", args.preset, "--json"],
                            recipe(args) + variant)
    return json.loads(output(command))


def print_head(args):
    command = with_settings(
        ["memdial", "train", args.preset, "--json", "--set",
         f"data_path={args.path.name}", "--save", "state"], recipe(args))
    print(f"# What saving memory costs in BLEU: {args.preset}, "
          f"{args.epochs} epochs of {args.path.name}\n\n"
          f"{datetime.date.today()}; BLEU of the test sentences after the "
          "last epoch (`memdial translate --reference`),\nthe natural "
          "logarithm of the perplexity of a valid token (nll); loss is of the "
          "mean BLEU, against the\nfirst row; peak and FLOPs as planned. Each "
          f"row is\n\n    {shlex.join(command)}\n\n"
          "with the row's settings and `--set seed=` that of the column.\n")


def print_table(args, rows):
    """rows: variant and its records, one per seed."""
    base = mean(r["bleu"] for r in rows[0][1])
    base_peak = plan(args, BASELINE)["peak_bytes"]
    heads = ["settings", *(f"BLEU, seed {seed}" for seed in args.seeds),
             "mean", "loss", "valid nll, mean", "peak, bytes", "less by",
             "FLOPs, ratio"]

    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for variant, records in rows:
        scores = [r["bleu"] for r in records]
        planned = plan(args, variant)
        peak = planned["peak_bytes"]
        cells = [" ".join(variant) or "none of it",
                 *(f"{s:.2f}" for s in scores), f"{mean(scores):.2f}",
                 f"{base - mean(scores):.2f}",
                 f"{mean(r['valid_loss'] for r in records):.3f}",
                 f"{peak:,}", f"{base_peak / peak:.2f}x",
                 f"{planned['flops']['ratio']:.2f}"]
        print(f"| {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="the folder of the sentences")
    parser.add_argument("--memdial", default="./memdial", metavar="PATH")
    parser.add_argument("--preset", default="dynamicconv-small")
    parser.add_argument("--source", default="de")
    parser.add_argument("--target", default="en")
    parser.add_argument("--log", type=Path,
                        default=Path("text_accuracy.jsonl"))
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--set", action="append", default=[],
                        metavar="NAME=VALUE", help="a setting of all runs")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME",
                        help="the rows that set one of these settings")
    args = parser.parse_args()

    log = read_log(args.log)
    variants = asked_for(VARIANTS, args.only)
    records = {(tuple(variant), seed): run(args, log, variant, seed)
               for seed in args.seeds for variant in variants}
    print_head(args)
    print_table(args, [(variant, [records[tuple(variant), seed]
                                  for seed in args.seeds])
                       for variant in variants])


if __name__ == "__main__":
    main()
