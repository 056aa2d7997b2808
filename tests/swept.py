"""Sweeps from the screens: values are marked, their plan is that of the command
that the box names, and the command and the screens go on with each other's
sweep. Prints TAP."""

import json
import os
import re
import shlex
import subprocess

from person import (DOWN, ENTER, ESCAPE, FOLDER, HOME, MEMDIAL, Person,
                    SANITIZED, finish, report)

ROOT = os.path.join(FOLDER, "runs")
SMALL = [f"--set={s}" for s in ("batch=2", "epoch_samples=60",
                                "valid_samples=2", "threads=1")]
EPOCHS = 8 if SANITIZED else 80  # as long either way
DIALS = ["sparsity", "precision"]  # the first ones
UNITS = {"KiB": 10, "MiB": 20}


def memdial(*arguments, code=0):
    """The output of a command."""
    done = subprocess.run([MEMDIAL, *arguments],
                          env=dict(os.environ, MEMDIAL_RUNS=ROOT,
                                   XDG_CACHE_HOME=FOLDER),
                          capture_output=True, text=True)
    if done.returncode != code:
        print(f"# {arguments}: {done.returncode}: {done.stderr}")
    return done.stdout + done.stderr if done.returncode == code else ""


def at_screens(epochs):
    p = Person("quick", *SMALL, f"--set=epochs={epochs}", MEMDIAL_RUNS=ROOT)
    p.sees("epoch 1")
    return p


def mark(p, dial, *places, left=2):
    """Marks values of a dial by their places in its list, or no more; so many
    are left."""
    p.type(HOME + DOWN * DIALS.index(dial) + ENTER)
    p.sees(f"─ {dial} ─")
    p.type(HOME)
    for place, before in zip(places, (0, *places)):
        p.type(DOWN * (place - before) + b" ")
    p.comes(lambda: len(re.findall(r"│ [▸ ]\+", p.text())) == left)
    p.closes(f"─ {dial} ─")


def mark_four(p):
    p.type(b"1")
    p.sees("Dials")
    mark(p, "sparsity", 0, 2)
    mark(p, "precision", 0, 1)
    return p.sees(r"sparsity.*\+2 marked") and \
        p.sees(r"precision.*\+2 marked")


def box(p):
    """The text of the box, a line that was broken being one again."""
    lines = [match[1].rstrip() for match in
             (re.search(r"│ (.{76}) │", line) for line in p.screen.display)
             if match]
    return "\n".join(lines)


def command_of(text):
    found = re.search(r"--slurm:\n((?:  \S.*\n)+)", text)
    return shlex.split(found[1].replace("\n", " "))[1:] if found else []


def bytes_of(number, unit):
    return float(number) * 2**UNITS[unit]


def rows_of(text):
    """The runs of the box, and their peaks."""
    return {name: bytes_of(number, unit) for name, number, unit in
            re.findall(r"^(\S+) +([\d.]+) ([KM]iB) +\S+", text, re.M)
            if "=" in name}


def same_rows(rows, planned):
    """To the digits that the box has."""
    return rows.keys() == planned.keys() and \
        all(abs(rows[name] - planned[name]) < 0.01 * planned[name]
            for name in rows)


def plan(p):
    """Returns the words of the command."""
    p.type(b"S")
    report(p.sees("a sweep runs every combination"),
           "without marks S says how a sweep is asked for", p)
    report(mark_four(p), "marks are shown beside the dials", p)
    p.type(b"S")
    report(p.sees("4 runs of quick") and p.sees("Peak at most"),
           "S shows a plan", p)
    text = box(p)
    command = command_of(text)
    dry = memdial(*command, "--dry-run", "--json")
    planned = {run["run"]: run["peak_bytes"] for run in
               json.loads(dry or '{"runs": []}')["runs"]}
    report(len(planned) == 4 and same_rows(rows_of(text), planned),
           f"its runs are those of {shlex.join(command)}", p)
    report(not os.path.exists(os.path.join(ROOT, "quick-sparsity-precision")),
           "nothing is written before it begins")
    return command


def states(name="quick-sparsity-precision"):
    listed = json.loads(memdial("runs", "list", name, "--json") or "[]")
    return sorted(run["state"] for run in listed)


def begin(p, command):
    """Ends in the middle of the second run."""
    p.type(ENTER)
    p.sees("1 of 4 of the sweep|2 of 4 of the sweep")
    p.type(b"4")
    report(p.sees("sweep: [01] of 4 done"), "the page Runs tells its progress",
           p)
    report("another process works on this sweep" in memdial(*command, code=2),
           "the command does not begin the same runs")
    report(p.comes(lambda: p.sees("sweep: 1 of 4 done, 2 wait") and
                   re.search(r"bf16 +[\d.]+ .iB.*running", p.text())),
           "the next run begins as one ends", p)
    report(len([line for line in p.pane("Settings tried")
                if "sparsity=" in line]) == 2,
           "runs that wait have a row each, and no run has two", p)
    p.type(b"S")
    report(p.sees("1 of 4 runs are done, 2 wait") and p.sees("bf16.* running"),
           "S says how far it is", p)
    p.closes("runs are done")
    p.comes(lambda: os.path.exists(os.path.join(
        ROOT, "quick-sparsity-precision", "sparsity=0+precision=bf16",
        "snapshot.safetensors")) or p.sees("sweep: 2 of 4", 0.1))
    p.type(b"q")
    p.sees("─ Leave")
    p.type(b"q")
    p.ends()
    p.leave()


def snapshot(sweep, run):
    with open(os.path.join(ROOT, sweep, run, "snapshot.safetensors"),
              "rb") as file:
        return file.read()


def go_on(command):
    report("done" in states() and "empty" in states(),
           f"when the screens end their sweep is unfinished: {states()}")
    report("4 runs: 4 done" in memdial(*command),
           "and the command goes on with it")
    memdial(*command, "--name", "whole")
    runs = os.listdir(os.path.join(ROOT, "whole"))
    report(len(runs) == 4 and
           all(snapshot("whole", run) ==
               snapshot("quick-sparsity-precision", run) for run in runs),
           "to the bits of a sweep without screens")


def finished():
    p = at_screens(EPOCHS)
    mark_four(p)
    p.type(b"S")
    report(p.sees("4 are done already") and p.sees("Esc leave it") and
           "Enter begin" not in p.text(),
           "a sweep that is done has nothing to begin", p)
    p.leave()


def later():
    """After the run under way, and then no more of it."""
    p = at_screens(100000)
    mark_four(p)
    p.type(b"S")
    report(p.sees("4 runs of quick") and "--name" in command_of(box(p)) and
           "quick-sparsity-precision-2" in command_of(box(p)),
           "with other runs in its folder a sweep has another", p)
    p.closes("─ A sweep ─")
    mark(p, "sparsity", 0, 2, left=0)
    p.type(b"S")
    p.sees("2 runs of quick")
    p.type(b"a")
    report(p.sees("the sweep begins after this run"), "a lets this run go on",
           p)
    p.type(b"4S")
    p.sees("0 of 2 runs are done, 2 wait")
    p.type(b"x")
    report(p.sees("no more runs of the sweep begin") and
           states("quick-precision") == ["empty", "empty"],
           "x ends the sweep, whose folders stay", p)
    p.leave()


def main():
    p = at_screens(EPOCHS)
    command = plan(p)
    begin(p, command)
    go_on(command)
    finished()
    later()
    finish()


main()
