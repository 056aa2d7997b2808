#!/usr/bin/env python3
"""Seconds of a step, predicted and measured, for settings of four presets.

Each preset is calibrated, as a person would, then trained for a few steps in
15 settings of its dials. The prediction is that of `memdial plan`; measured is
the median of the steps that `memdial train` tells, without the first. Where a
machine's speed changes by itself, more rounds even it out: each calibrates
afresh, and both columns are geometric means of all rounds. Prints a page for
bench/results, and rows as they come as errors.

    bench/seconds.py build/memdial [--seconds N] [--steps N] [--presets LIST]
        [--rounds N] [--threads N] [--busy]
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile

PRESETS = {
    "quick": ["data=shapes"],
    "wrn-10-1": ["data=shapes"],
    "wrn-28-2": ["data=shapes"],
    "quick-translate": [],
}
DIALS = [
    "",
    "microbatch=50",
    "microbatch=20",
    "microbatch=10",
    "recompute=norms",
    "checkpoint=sqrt microbatch=25",
    "precision=bf16",
    "precision=bf16 microbatch=20",
    "precision=fp16 microbatch=50",
    "sparsity=0.7",
    "sparsity=0.7 precision=bf16 microbatch=10",
    "sparsity=0.9 microbatch=20",
    "sparsity=0.8 recompute=norms",
    "recompute=norms checkpoint=recursive precision=bf16",
    "precision=fp16 sparsity=0.9 recompute=norms microbatch=5",
]
TEXT_SCALE = 10  # a microbatch of text counts tokens


def sets(words):
    return [w for word in words for w in ("--set", word)]


def run(args):
    return subprocess.run(args, check=True, capture_output=True,
                          text=True).stdout


def settings_of(preset, dials, steps):
    text = preset == "quick-translate"
    batch = 1000 if text else 100
    words = list(PRESETS[preset]) + [f"epoch_samples={steps * batch}",
                                     "epochs=1"]
    if text:
        words.append("bleu_every=0")
    else:
        words.append("valid_samples=100")
    for word in dials.split():
        name, value = word.split("=")
        if name == "microbatch" and text:
            value = str(max(int(value) * TEXT_SCALE, 100))
        words.append(f"{name}={value}")
    return words


def processor_seconds(memdial, preset, dials, steps):
    """Processor time of a run with one thread, which others cannot lengthen
    as they do its wall time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run([memdial, "train", preset, "--runs", "none", "--json",
         *sets(settings_of(preset, dials, steps))])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime -
            before.ru_stime)


def measured_busy(memdial, preset, dials, steps):
    whole, first = (min(processor_seconds(memdial, preset, dials, n)
                        for _ in range(3)) for n in (steps, 1))
    return (whole - first) / (steps - 1)


def measured(memdial, preset, words):
    """The median seconds of a step, without the first."""
    seconds, before = [], 0.0
    for line in run([memdial, "train", preset, "--runs", "none", "--json",
                     *sets(words)]).splitlines():
        event = json.loads(line)
        if event["type"] == "step":
            seconds.append(event["seconds"] - before)
            before = event["seconds"]
        elif event["type"] == "epoch":
            before = None
        if before is None:
            break
    return statistics.median(seconds[1:])


def predicted(memdial, preset, words):
    return json.loads(run([memdial, "plan", preset, "--json",
                           *sets(words)]))["seconds"]


def told(words):
    dials = ("microbatch", "recompute", "checkpoint", "precision", "sparsity")
    return " ".join(w for w in words if w.split("=")[0] in dials) or "as it is"


def one_round(args, preset):
    """The predicted and the measured seconds of each setting of a preset, after
    one calibration."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        run([args.memdial, "calibrate", preset, "--seconds", args.seconds,
             *sets(PRESETS[preset])])
        for dials in DIALS:
            words = settings_of(preset, dials, args.steps)
            guess = predicted(args.memdial, preset, words)["step"]
            yield (preset, told(words)), guess, (
                measured_busy(args.memdial, preset, dials, args.steps)
                if args.busy else measured(args.memdial, preset, words))


def errors_of(pairs):
    return [guess / real - 1 for guess, real in pairs]


def sum_up(errors):
    errors = [abs(error) for error in errors]
    return (f"the median error is {100 * statistics.median(errors):.1f}%, "
            f"the worst {100 * max(errors):.1f}%.")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("memdial")
    parser.add_argument("--seconds", default="10")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--presets", default=",".join(PRESETS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--busy", action="store_true",
                        help="measure processor time; with --threads 1")
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args()
    for words in PRESETS.values():
        words.append(f"threads={args.threads}")
    rows, sums = {}, []
    for _ in range(args.rounds):
        pairs = []
        for preset in args.presets.split(","):
            for row, guess, real in one_round(args, preset):
                rows.setdefault(row, []).append((guess, real))
                pairs.append((guess, real))
                print(*row, f"{guess:.4f} {real:.4f}", file=sys.stderr)
        sums.append(sum_up(errors_of(pairs)))
    print("| preset | settings | predicted, s | measured, s | error |")
    print("|---|---|---|---|---|")
    means = [tuple(statistics.geometric_mean(column) for column in zip(*pairs))
             for pairs in rows.values()]
    errors = errors_of(means)
    for (preset, words), (guess, real), error in zip(rows, means, errors):
        print(f"| {preset} | {words} | {guess:.4f} | {real:.4f} | "
              f"{100 * error:+.1f}% |")
    print(f"\nOf {len(errors)} settings {sum_up(errors)}")
    if args.rounds > 1:
        print("\nOf each round:\n")
        for line in sums:
            print(f"- {line}")


if __name__ == "__main__":
    sys.exit(main())
