#!/usr/bin/env python3
"""Makes an archive of many runs, copies of a short one with names, tags and
scores of their own, to measure lists of them.

    bench/many_runs.py FOLDER [COUNT]

MEMDIAL is the program, ./memdial by default.
"""

import json
import os
import subprocess
import sys

MEMDIAL = os.environ.get("MEMDIAL", "./memdial")


def record_one(root):
    """The lines of a run, and its settings."""
    subprocess.run([MEMDIAL, "train", "quick", "--runs", root, "--name",
                    "first", "--epochs", "20", "--set", "batch=2", "--set",
                    "epoch_samples=200", "--set", "valid_samples=2"],
                   check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(root, "first", "events.jsonl")) as file:
        lines = file.readlines()
    with open(os.path.join(root, "first", "settings.yaml")) as file:
        return lines, file.read()


def changed(lines, number):
    """The lines, with other scores, a tag and now and then a name."""
    for line in lines:
        event = json.loads(line)
        if event["type"] == "epoch":
            event["valid_accuracy"] = event["score"] = (
                0.1 + 0.8 * (number * 37 % 1000) / 1000)
            line = json.dumps(event, separators=(",", ":")) + "\n"
        if event["type"] == "done":
            yield json.dumps({"type": "label", "tag": f"t{number % 20}"},
                             separators=(",", ":")) + "\n"
            if number % 7 == 0:
                yield json.dumps({"type": "label", "name": f"try {number}"},
                                 separators=(",", ":")) + "\n"
        yield line


def main():
    root = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    os.makedirs(root, exist_ok=True)
    lines, settings = record_one(root)
    for number in range(1, count):
        day, second = divmod(number * 611, 86400)
        name = f"202601{1 + day:02}-{second // 3600:02}" + \
            f"{second // 60 % 60:02}{second % 60:02}-quick"
        folder = os.path.join(root, name)
        os.mkdir(folder)
        with open(os.path.join(folder, "settings.yaml"), "w") as file:
            file.write(settings)
        with open(os.path.join(folder, "events.jsonl"), "w") as file:
            file.writelines(changed(lines, number))


if __name__ == "__main__":
    main()
