"""The page Runs with runs of earlier sessions and of other processes, in an
archive of three runs, of folders that are none, and of two thousand. Prints
TAP."""

import json
import os
import re
import shutil
import subprocess
import time

from person import (DOWN, ENTER, ESCAPE, FOLDER, HOME, MEMDIAL, SANITIZED,
                    SIZES, SMALL, Person, finish, report, size_name)

ROOT = os.path.join(FOLDER, "runs")
MANY = os.path.join(FOLDER, "many")
TINY = ["--set=batch=2", "--set=epoch_samples=20", "--set=valid_samples=2",
        "--set=threads=1"]


def memdial(*arguments, root=ROOT):
    return subprocess.run([MEMDIAL, *arguments],
                          env=dict(os.environ, MEMDIAL_RUNS=root,
                                   XDG_CACHE_HOME=FOLDER),
                          capture_output=True, text=True, check=True).stdout


def listed(root=ROOT):
    return {run["name"]: run
            for run in json.loads(memdial("runs", "list", "--json",
                                          root=root))}


def make_archive():
    """Two runs that are done, one that was stopped in its middle."""
    memdial("train", "quick", *TINY, "--epochs=3", "--name=20260101-one")
    memdial("train", "quick", *TINY, "--epochs=4", "--set=precision=fp16",
            "--name=20260102-two")
    memdial("runs", "name", "20260102-two", "second best")
    memdial("runs", "tag", "20260102-two", "keep")
    process = subprocess.Popen(
        [MEMDIAL, "train", "quick", *TINY, "--epochs=5000", "--json",
         "--set=microbatch=1", "--name=20260103-three"],
        env=dict(os.environ, MEMDIAL_RUNS=ROOT, XDG_CACHE_HOME=FOLDER),
        stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if json.loads(line)["type"] == "epoch":
            break
    process.terminate()
    process.stdout.read()
    process.wait()


def on_page_runs(*arguments, root=ROOT, **extra):
    p = Person(*SMALL, *arguments, MEMDIAL_RUNS=root, **extra)
    p.sees("training")
    p.type(b"4")
    return p


def row_of(p, text):
    """The line of the table with a text, or None."""
    return next((line for line in p.pane("Settings tried") if text in line),
                None)


def choose(p, text):
    """Clicks on a row, once if it is not the chosen one."""
    p.comes(lambda: row_of(p, text))
    if not any(text in line for line in p.chosen("Settings tried")):
        p.click_on(re.escape(text))
    return p.comes(lambda: any(text in line
                               for line in p.chosen("Settings tried")))


def find(p):
    """Rows come, are filtered as one types, and all come back."""
    name = size_name(p)
    report(p.comes(lambda: row_of(p, "20260101-one")) and
           row_of(p, "second best #") and row_of(p, "20260103-three") and
           re.match(r" A", row_of(p, "running") or row_of(p, "paused") or ""),
           f"{name}: past runs are below the session's", p)
    p.type(b"/")
    report(p.sees("filter:"), f"{name}: / asks for a filter", p)
    p.type(b"keep")
    report(p.comes(lambda: row_of(p, "second best") and
                   not row_of(p, "20260101-one")) and p.sees(r"1 of \d rows"),
           f"{name}: rows are kept as one types", p)
    p.type(b"\x15state=stopped")
    report(p.comes(lambda: row_of(p, "20260103-three") and
                   not row_of(p, "second best")),
           f"{name}: by a condition", p)
    p.type(ENTER)
    report(p.sees(r"/state=stopped  1 of \d rows"),
           f"{name}: Enter keeps the filter, which is shown", p)
    p.type(ESCAPE)
    report(p.comes(lambda: row_of(p, "second best")),
           f"{name}: Esc shows all rows", p)


def sort_rows(p):
    p.type(b"ss")  # by peak
    p.sees("peak▲")
    peaks = [line.split() for line in p.pane("Settings tried")]
    report(p.comes(lambda: row_of(p, "second best")) and peaks,
           "sorted by peak", p)
    rows = [line for line in p.pane("Settings tried")
            if re.search(r"[KM]iB", line)]
    sizes = [float(number) * (1024 if unit == "MiB" else 1) for number, unit in
             (re.search(r"([\d.]+) ([KM])iB", line).groups() for line in rows)]
    report(sizes == sorted(sizes), f"by peak: {sizes}", p)
    for _ in range(10):
        if p.sees("id▲", 0.3):
            break
        p.type(b"s")


def explain(p):
    choose(p, "second best")
    p.type(ENTER)
    report(p.sees("─ Run 2 ─") and p.sees("20260102-two") and
           p.sees("at best") and p.sees("Reduction"),
           "Enter tells of it, all of it read", p)
    p.closes("─ Run 2 ─")


def draw(p):
    choose(p, "second best")
    p.type(b"o")
    report(p.comes(lambda: re.match(r" 2a", row_of(p, "second best") or "")),
           "o marks the run with a letter", p)
    p.type(b"1")
    report(p.sees("a second best"), "and the page Run draws it", p)
    p.type(b"4o")
    report(p.comes(lambda: re.match(r" 2 ", row_of(p, "second best") or "")),
           "o takes it away", p)


def compare(p):
    choose(p, "second best")
    p.type(b"m")
    choose(p, "20260101-one")
    p.type(b"c")
    report(p.sees("─ 2 beside 1 ─") and p.sees(r"precision +fp16 +fp32") and
           p.sees(r"activations +[\d.]+ .iB +[\d.]+ .iB"),
           "c compares two past runs, with bytes by kind", p)
    p.closes("beside")
    choose(p, "second best")
    p.type(b"m")


def load(p):
    choose(p, "second best")
    p.type(b"b")
    report(p.sees("A new run of quick") and p.sees("batch +20 → 2"),
           "b loads settings that need a new run, which is asked", p)
    p.closes("A new run")
    p.type(b"Q")
    report(p.sees("queue: 1 run after this one"), "Q queues it", p)
    p.type(b"Q")
    report(p.comes(lambda: "queue: 1 run" not in p.text()),
           "and takes it out again", p)
    p.type(b"N")
    p.sees("A new run of quick")
    p.type(ENTER)
    report(p.comes(lambda: re.search(r"\n│ B.*fp16", p.text())),
           "N runs it afresh, as the session's own", p)


def go_on(p):
    """A run goes on in its folder, from its snapshot."""
    before = listed()["20260103-three"]
    choose(p, "20260103-three")
    p.type(b"C")
    asked = p.comes(lambda: re.search(r"goes on after step (\d+) of",
                                      p.text()))
    report(p.sees("─ Going on with 20260103-three ─") and asked,
           "C asks before it goes on", p)
    p.type(ENTER)
    report(p.comes(lambda: listed()["20260103-three"]["step"] >
                   before["step"]) and
           p.comes(lambda: not row_of(p, "20260103-three")),
           "and the run goes on, as the session's own", p)
    starts = [json.loads(line) for line in
              open(os.path.join(ROOT, "20260103-three", "events.jsonl"))
              if '"start"' in line]
    report(len(starts) == 2 and starts[1]["step"] == int(asked[1]) and
           starts[1]["settings"] == starts[0]["settings"],
           "after the step of its snapshot, with its settings")
    report(p.comes(lambda: re.search(r"\n│ C.*microbatch 1", p.text())),
           "and has a letter", p)
    choose(p, "20260101-one")
    p.type(b"C")
    report(p.sees("Going on with 20260101-one") and p.sees("nothing is left"),
           "one that is done has nothing to go on with", p)
    p.closes("Going on with")
    report(len(starts) == 2 and p.sees(r"\n│ C.*microbatch 1"),
           "and leaves the run under way alone", p)


def follow(p):
    """Another process begins and ends a run while the page is shown."""
    process = subprocess.Popen(
        [MEMDIAL, "train", "quick", *TINY, "--epochs=100000", "--name=other"],
        env=dict(os.environ, MEMDIAL_RUNS=ROOT, XDG_CACHE_HOME=FOLDER),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    report(p.comes(lambda: re.search(r"other .*running", p.text())),
           "a run of another process appears", p)
    choose(p, "other")
    p.type(b"C")
    report(p.sees("is under way in") or p.sees("under way"),
           "which does not go on twice", p)
    p.closes("Going on with")
    process.kill()
    process.wait()
    report(p.comes(lambda: re.search(r"other .*aborted", p.text())),
           "and is aborted when it is killed", p)
    memdial("runs", "tag", "other", "late")
    report(p.sees("other #late"), "its tags are those of now", p)
    memdial("runs", "rm", "other")
    report(p.comes(lambda: not row_of(p, "other")), "and it goes", p)


def summary():
    """The last words tell of the run as its record does, and their command
    finds it."""
    root = os.path.join(FOLDER, "elsewhere")
    p = Person(*SMALL, f"--runs={root}", MEMDIAL_RUNS=ROOT)
    p.sees("epoch [2-9]")
    p.type(b"q")
    asked = p.text() if p.sees("─ Leave") else ""
    p.type(b"q")
    p.ends()
    (name, run), = listed(root).items()
    said = re.sub(r"\s", "", p.text())
    command = f"memdialtrain--resume{name}--runs{root}"
    report("--runs" in asked and root in asked and command in said,
           "the command that goes on with a run names its root", p)
    report(f"{run['step']}of{run['steps']}steps" in said,
           f"the summary has its last step, {run['step']}", p)
    p.leave()


def strange(p):
    """What cannot be read is said, and the rest is shown."""
    for name, text in (("20260201-newer", '{"type":"start","schema":99}\n'),
                       ("20260202-half", '{"type":"st')):
        os.mkdir(os.path.join(ROOT, name))
        with open(os.path.join(ROOT, name, "events.jsonl"), "w") as file:
            file.write(text)
    with open(os.path.join(ROOT, "20260101-one", "events.jsonl"), "a") as file:
        file.write('{"type":"label","na')
    os.mkdir(os.path.join(ROOT, "stranger"))
    report(p.sees("20260201-newer") and p.sees("20260202-half") and
           row_of(p, "20260101-one") and not row_of(p, "stranger"),
           "runs that cannot be read have a row", p)
    choose(p, "20260201-newer")
    p.type(b"N")
    report(p.sees("schema"), "and say why", p)
    p.type(ENTER)
    report(p.sees("unreadable"), "in a popup too", p)
    p.closes("unreadable; ")
    p.type(b"Z")  # a snapshot that has no place would be said too
    p.sees("paused")
    shutil.move(ROOT, ROOT + "-away")
    report(p.comes(lambda: not row_of(p, "20260101-one")) and
           p.sees("are gone"), "a root that vanishes is said", p)
    shutil.move(ROOT + "-away", ROOT)
    report(p.comes(lambda: row_of(p, "20260101-one")) and p.alive(),
           "and its runs come again", p)


def make_many(count):
    """Copies of a run, each with its own figures, and some that are none."""
    memdial("train", "quick", *TINY, "--epochs=3", "--name=first", root=MANY)
    first = os.path.join(MANY, "first")
    with open(os.path.join(first, "events.jsonl")) as file:
        lines = file.readlines()
    for number in range(count - 1):
        folder = os.path.join(MANY, f"2026-{number:05}-copy")
        os.mkdir(folder)
        shutil.copy(os.path.join(first, "settings.yaml"), folder)
        with open(os.path.join(folder, "events.jsonl"), "w") as file:
            file.writelines(lines)
            file.write('{"type":"label","tag":"t%d"}\n' % (number % 100))
    for number in range(3):
        folder = os.path.join(MANY, f"none-{number}")
        os.mkdir(folder)
        shutil.copy(os.path.join(first, "settings.yaml"),
                    os.path.join(folder, "mine.yaml"))


def many():
    """The page is drawn at once, and all rows come."""
    count = 200 if SANITIZED else 2000
    make_many(count)
    began = time.monotonic()
    assert len(listed(root=MANY)) == count
    print(f"# listed as JSON in {time.monotonic() - began:.2f} s")
    p = on_page_runs(root=MANY)
    before = resident(p.pid)
    report(p.sees("─ Settings tried ─", 10), "the page is there", p)
    report(p.comes(lambda: row_of(p, f"2026-{count - 2:05}-copy")),
           "the newest are first", p)
    p.type(b"/t42" + ENTER)
    report(p.sees(f"/t42  {count // 100} of {count + 1:,} rows"),
           f"all of {count} come, and a filter finds some", p)
    report(p.sees("3 folders"), "folders that are no runs are said", p)
    p.type(ESCAPE + b"ssss" + HOME + DOWN * 50)
    report(p.sees("best▲"), "and they are sorted", p)
    more = resident(p.pid) - before
    report(SANITIZED or more < 24 << 20, f"they take {more >> 10} KiB")
    p.leave()


def resident(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) << 10


def main():
    make_archive()
    p = on_page_runs()
    for rows, cols in [SIZES[0], SIZES[2]]:
        p.resize(rows, cols)
        p.look(0.2)
        find(p)
    p.resize(*SIZES[0])
    sort_rows(p)
    explain(p)
    draw(p)
    compare(p)
    follow(p)
    load(p)
    go_on(p)
    strange(p)
    p.leave()
    summary()
    many()
    finish()


main()
