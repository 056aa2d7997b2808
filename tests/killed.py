"""Runs that are killed, at random moments and at calls of the system: what is
kept of them lists, shows and goes on, to the bits of a run that was never
killed. MEMDIAL_KILLS is the number of random moments. Prints TAP."""

import atexit
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

MEMDIAL = os.path.abspath(os.environ.get("MEMDIAL", "./memdial"))
FAULT = os.path.abspath("tests/fault.so")
SHARED_DISK = os.path.abspath("tests/shared_disk.so")
KILLS = int(os.environ.get("MEMDIAL_KILLS", "16"))
SANITIZED = bool(os.environ.get("MEMDIAL_SANITIZED"))
SEED = int(os.environ.get("MEMDIAL_SEED", random.randrange(1 << 32)))

FOLDER = tempfile.mkdtemp(prefix="memdial-test-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

SETTINGS = {"batch": 2, "epoch_samples": 60, "valid_samples": 2, "threads": 1,
            "epochs": 60}
SMALL = [word for name, value in SETTINGS.items()
         for word in ("--set", f"{name}={value}")]
STEPS = SETTINGS["epochs"] * SETTINGS["epoch_samples"] // SETTINGS["batch"]
START = json.dumps({"command": "start", "preset": "quick",
                    "settings": SETTINGS}) + "\n"

# Seconds: no run is killed later, and what is kept may lack no more.
LONGEST = 1.5
LOST = 1.0

count = 0


def report(good, what):
    global count
    count += 1
    print("ok" if good else "not ok", count, "-", what, flush=True)


def complain(*words):
    print("#", *words, flush=True)
    return False


def environment(root, **extra):
    return dict(os.environ, MEMDIAL_RUNS=root, OMP_WAIT_POLICY="passive",
                XDG_CACHE_HOME=FOLDER, **extra)


def memdial(root, *arguments):
    return subprocess.run([MEMDIAL, *arguments], env=environment(root),
                          capture_output=True, text=True, timeout=300)


def listed(root):
    """The runs of a root by name, or None."""
    said = memdial(root, "runs", "list", "--json")
    if said.returncode:
        return complain("list:", said.returncode, said.stderr) or None
    return {run["name"]: run for run in json.loads(said.stdout)}


def lines_of(path):
    """The objects of a file of events, and how many lines are none."""
    found, bad = [], 0
    if not os.path.exists(path):
        return found, bad
    with open(path, "rb") as file:
        for line in file.read().split(b"\n"):
            try:
                found.append(json.loads(line)) if line else None
            except ValueError:
                bad += 1
    return found, bad


def is_kept(said, kept):
    """Whether the lines that a process printed are kept, but for the last
    second. Steps are left out on both sides, but not the same."""
    def times(events):
        return [e["seconds"] for e in events if e["type"] == "step"]

    def epochs(events):
        return {e["epoch"] for e in events if e["type"] == "epoch"}

    began = max((i for i, e in enumerate(kept) if e["type"] == "start"),
                default=None)
    if not times(said):
        return True
    if began is None:
        return complain("no start is kept of", said[:2])
    last = max(times(kept[began:]), default=0)
    lost = {epoch for epoch in epochs(said) - epochs(kept[began:])}
    return (times(said)[-1] - last <= LOST and len(lost) <= 1 or
            complain("kept", last, "of", times(said)[-1], "and not", lost))


def start(root, command, out, told=None, **extra):
    """A process; `told` is what a worker is commanded."""
    process = subprocess.Popen([MEMDIAL, *command], stdout=out,
                               stderr=subprocess.DEVNULL,
                               stdin=subprocess.PIPE,
                               env=environment(root, **extra))
    if told:
        process.stdin.write(told.encode())
        process.stdin.flush()
    return process


def is_whole(root):
    """Whether every run of a root can be listed, shown and read."""
    runs = listed(root)
    if runs is None:
        return False
    for name, run in runs.items():
        if run["state"] not in ("aborted", "done", "empty", "running"):
            return complain(name, run["state"])
        shown = memdial(root, "runs", "show", name, "--json")
        if shown.returncode or json.loads(shown.stdout)["name"] != name:
            return complain("show:", shown.stderr)
        files = set(os.listdir(os.path.join(root, name)))
        extra = {f for f in files - {"settings.yaml", "events.jsonl",
                                     "snapshot.safetensors"}
                 if not (f.startswith(".") and f.endswith(".tmp"))}
        if extra:
            return complain("there is", extra)
    return True


def finish(root, name, kind, reference):
    """Whether a run goes on to its end, with the bits of the reference."""
    done = memdial(root, "train", "--resume", name)
    run = listed(root).get(name)
    if "ended before it began" in done.stderr and run["step"] is None:
        return True
    if done.returncode or not run or run["state"] != "done":
        return complain("resume:", done.stderr, run and run["state"])
    with open(os.path.join(root, name, "snapshot.safetensors"), "rb") as file:
        return file.read() == reference or complain(kind, name, "other bits")


def make_reference():
    """The last snapshot of a run that is not killed."""
    root = os.path.join(FOLDER, "whole")
    done = memdial(root, "train", "quick", *SMALL, "--name", "whole")
    report(done.returncode == 0 and listed(root)["whole"]["state"] == "done",
           "a run is kept")
    with open(os.path.join(root, "whole", "snapshot.safetensors"),
              "rb") as file:
        return file.read()


def going_on(root):
    """The name of a run that is to go on, or None."""
    runs = listed(root) or {}
    open_runs = [name for name, run in runs.items()
                 if run["state"] in ("aborted", "empty")]
    return random.choice(open_runs) if open_runs else None


def kill_one(root, kind, **extra):
    """Begins or goes on with a run, and kills it. Whether it is kept."""
    out = os.path.join(FOLDER, "out")
    name = going_on(root) if random.random() < 0.8 else None
    if kind == "worker":
        told = START if not name else json.dumps(
            {"command": "start", "resume": os.path.join(root, name)}) + "\n"
        command = ["worker"]
    else:
        told = None
        command = (["train", "--resume", name, "--json"] if name else
                   ["train", "quick", *SMALL, "--json"])
    before = set(listed(root) or {})
    with open(out, "wb") as file:
        process = start(root, command, file, told, **extra)
        time.sleep(random.uniform(0, LONGEST))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdin.close()
    said, _ = lines_of(out)
    made = name or next(iter(set(listed(root) or {}) - before), None)
    if not made:
        return not said or complain("no run is kept of", said[:1])
    kept, _ = lines_of(os.path.join(root, made, "events.jsonl"))
    return is_kept(said, kept)


def test_random(kind, kills, reference, **extra):
    root = os.path.join(FOLDER, "root-" + kind)
    good = all([kill_one(root, kind, **extra) and is_whole(root)
                for _ in range(kills)])
    report(good, f"{kind}: killed {kills} times, and nothing is lost")
    report(all([finish(root, name, kind, reference)
                for name, run in (listed(root) or {}).items()
                if run["state"] != "done"]),
           f"{kind}: goes on to the same bits")


def test_two(kills):
    """Two processes keep runs in one root, and are killed."""
    root = os.path.join(FOLDER, "two")
    good = True
    for _ in range(kills):
        with open(os.devnull, "wb") as file:
            both = [start(root, ["train", "quick", *SMALL, "--json"], file)
                    for _ in range(2)]
            time.sleep(random.uniform(0.2, LONGEST))
            for process in both:
                process.kill()
                process.wait()
        good = is_whole(root) and good
    names = collections.Counter(listed(root))
    report(good and len(names) >= kills, "two writers of one root, killed")


def test_full_disk(kills):
    """A limit on the size of files stands for a full disk. Every whole line of
    the events is one, and the run is told of it once."""
    root = os.path.join(FOLDER, "full")
    good = True
    for i in range(kills):
        bytes_left = random.randrange(1, 40000)
        script = 'ulimit -f "$1"; shift; exec "$@"'
        done = subprocess.run(["sh", "-c", script, "sh",
                               str(1 + bytes_left // 512), MEMDIAL, "train",
                               "quick", *SMALL, "--set", "epochs=10",
                               "--json"], env=environment(root),
                              capture_output=True, text=True, timeout=300)
        warnings = [line for line in done.stdout.splitlines()
                    if '"type":"warning"' in line]
        if done.returncode or len(warnings) != 1:
            good = complain(bytes_left, done.returncode, warnings,
                            done.stderr)
        good = is_whole(root) and good
    runs = listed(root) or {}
    report(good and len(runs) == kills, "a full disk: runs end, and are kept "
           "as far as there was room")
    report(all([memdial(root, "train", "--resume", name).returncode == 0
                for name in runs]) and
           all(run["state"] == "done" for run in (listed(root) or {}).values()),
           "a full disk: runs go on when there is room again")


def test_calls(reference):
    """Killed as it makes a call of the system, at a sample of them."""
    root = os.path.join(FOLDER, "calls")
    log = os.path.join(FOLDER, "log")
    settings = [*SMALL, "--set", "epochs=2"]
    done = subprocess.run([MEMDIAL, "train", "quick", *settings],
                          env=environment(os.path.join(FOLDER, "count"),
                                          LD_PRELOAD=FAULT,
                                          MEMDIAL_FAULT="kill:0",
                                          MEMDIAL_FAULT_LOG=log),
                          capture_output=True, timeout=300)
    with open(log) as file:
        calls = [int(line.split()[1]) for line in file
                 if line.startswith("calls")]
    if done.returncode or not calls:
        report(True, "killed at calls # SKIP no filter of calls here")
        return
    good = True
    step = 1 if KILLS >= 500 else max(1, calls[0] // 25)
    for n in range(1, calls[0] + 1, step):
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run([MEMDIAL, "train", "quick", *settings],
                       env=environment(root, LD_PRELOAD=FAULT,
                                       MEMDIAL_FAULT=f"kill:{n}",
                                       MEMDIAL_FAULT_LOG=log),
                       capture_output=True, timeout=300)
        good = is_whole(root) and good
        for name in listed(root) or {}:
            done = memdial(root, "train", "--resume", name)
            good = (done.returncode == 0 or
                    "ended before it began" in done.stderr or
                    complain("call", n, done.stderr)) and good
    report(good, f"killed at calls of the system, of {calls[0]}")


def main():
    print("# MEMDIAL_SEED =", SEED)
    random.seed(SEED)
    reference = make_reference()
    test_random("train", max(1, KILLS // 2), reference)
    test_random("worker", max(1, KILLS // 4), reference)
    test_two(max(1, KILLS // 16))
    test_full_disk(max(1, KILLS // 16))
    if SANITIZED:
        report(True, "no locks, late renames # SKIP sanitizers")
        report(True, "killed at calls # SKIP sanitizers")
    else:
        test_random("shared", max(1, KILLS // 8), reference,
                    LD_PRELOAD=SHARED_DISK)
        test_calls(reference)
    print(f"1..{count}")


main()
