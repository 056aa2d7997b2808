#!/usr/bin/env python3
"""What it costs to keep a run: pairs of runs, of which one is kept and one is
not, in turns. Prints the median of the differences, in percent of the whole
time, of the steps' own time, and of the processor's.

    bench/record_cost.py [--pairs N] [-- PRESET [OPTION...]]

Nothing else should run meanwhile.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import tempfile
import time

MEMDIAL = os.environ.get("MEMDIAL", "./memdial")


def measure(arguments, root):
    """Seconds: of the clock, of the steps, of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    said = subprocess.run([MEMDIAL, "train", *arguments, "--json", "--runs",
                           root], check=True, capture_output=True, text=True)
    ended = time.monotonic()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    steps = [json.loads(line)["seconds"] for line in said.stdout.splitlines()
             if line.startswith('{"type":"step"')]
    return (ended - began, steps[-1],
            after.ru_utime + after.ru_stime - before.ru_utime -
            before.ru_stime)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("arguments", nargs="*", default=["quick"])
    args = parser.parse_args()
    differences = []
    with tempfile.TemporaryDirectory() as root:
        for i in range(args.pairs):
            order = ["none", root] if i % 2 else [root, "none"]
            seconds = {where: measure(args.arguments, where)
                       for where in order}
            differences.append([100 * (kept / free - 1) for kept, free in
                                zip(seconds[root], seconds["none"])])
            print("# " + "  ".join(f"{s:.3f}" for where in ("none", root)
                                   for s in seconds[where]), flush=True)
    for name, column in zip(("whole", "steps", "processor"),
                            zip(*differences)):
        print(f"{name:10} {statistics.median(column):+.2f}%")


main()
