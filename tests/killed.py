"""Runs that are killed, at random moments and at calls of the system: what is
kept of them lists, shows and goes on, to the bits of a run that was never
killed. They are those of train, of a worker and of the screens, alone and two
at a time, on a disk, on one that is full and on one that machines share.
MEMDIAL_KILLS is the number of random moments in all. Prints TAP."""

import atexit
import collections
import json
import os
import pty
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

MEMDIAL = os.path.abspath(os.environ.get("MEMDIAL", "./memdial"))
FAULT = os.path.abspath("tests/fault.so")
SHARED_DISK = os.path.abspath("tests/shared_disk.so")
FULL_DISK = os.path.abspath("tests/full_disk.so")
KILLS = int(os.environ.get("MEMDIAL_KILLS", "16"))

# Of a hundred kills.
SHARES = {"train": 30, "worker": 15, "screens": 20, "two": 10, "full": 10,
          "shared": 10, "shared-two": 5}
SANITIZED = bool(os.environ.get("MEMDIAL_SANITIZED"))
SEED = int(os.environ.get("MEMDIAL_SEED", random.randrange(1 << 32)))

FOLDER = tempfile.mkdtemp(prefix="memdial-test-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

# Sanitizers slow steps down: fewer take as long.
SETTINGS = {"batch": 2, "epoch_samples": 60, "valid_samples": 2, "threads": 1,
            "epochs": 20 if SANITIZED else 60}
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
                          capture_output=True, text=True, timeout=900)


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
        if run["state"] not in ("aborted", "done", "empty", "running",
                                "paused", "stopped"):
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


def went_on(done):
    """Whether a run went on, or there was nothing to go on with."""
    return (done.returncode == 0 or "ended before it began" in done.stderr or
            "nothing is left to do" in done.stderr)


def finish(root, name, kind, reference):
    """Whether a run goes on to its end, with the bits of the reference."""
    done = memdial(root, "train", "--resume", name)
    run = listed(root).get(name)
    if "ended before it began" in done.stderr and run["step"] is None:
        return True
    if not went_on(done) or not run or run["state"] != "done":
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
                 if run["state"] in ("aborted", "empty", "stopped")]
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


class Screens:
    """The screens at a terminal that nobody looks at, with a worker whose
    events are copied to a file."""

    def __init__(self, root, out):
        worker = f"{shlex.quote(MEMDIAL)} worker | tee {shlex.quote(out)}"
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(MEMDIAL, [MEMDIAL, "quick", *SMALL, "--worker", worker],
                       environment(root, TERM="xterm-256color",
                                   XDG_CONFIG_HOME=FOLDER,
                                   XDG_STATE_HOME=FOLDER))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            while os.read(self.terminal, 1 << 16):
                pass
        except OSError:
            pass

    def type(self, keys):
        try:
            os.write(self.terminal, keys)
        except OSError:
            pass

    def workers(self):
        """The processes of the worker's command, which has a group."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat") as file:
                    parent, group = file.read().rsplit(")", 1)[1].split()[1:3]
            except OSError:
                continue
            if int(parent) == self.pid and group == name:
                found.append(int(name))
        return found

    def end(self, kill_worker):
        """Kills the screens, of which the worker is told by the end of its
        commands, or both at once."""
        groups = self.workers()
        os.kill(self.pid, signal.SIGKILL)
        for group in groups:
            try:
                if kill_worker:
                    os.killpg(group, signal.SIGKILL)
                until = time.monotonic() + 30
                while time.monotonic() < until:
                    os.killpg(group, 0)
                    time.sleep(0.02)
            except ProcessLookupError:
                pass
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


def kill_screens(root):
    """Turns dials, begins runs anew, and kills the screens or all."""
    out = os.path.join(FOLDER, "out-of-worker")
    before = set(listed(root) or {})
    screens = Screens(root, out)
    until = time.monotonic() + random.uniform(0, LONGEST)
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
        screens.type(random.choice([b"l", b"j", b"Z", b"4", b"1", b"R\r"]))
    screens.end(kill_worker=random.random() < 0.7)
    said, _ = lines_of(out)
    os.path.exists(out) and os.remove(out)
    folders = [e["folder"] for e in said if e["type"] == "start"]
    began = max((i for i, e in enumerate(said) if e["type"] == "start"),
                default=None)
    made = set(listed(root) or {}) - before
    if began is None or not made:
        return not folders or complain("no run is kept of", folders)
    kept, _ = lines_of(os.path.join(folders[-1], "events.jsonl"))
    return is_kept(said[began:], kept)


def test_screens(kills):
    """Dials are turned in these runs, so that their bits have no reference."""
    root = os.path.join(FOLDER, "root-screens")
    report(all([kill_screens(root) and is_whole(root)
                for _ in range(kills)]),
           f"screens: killed {kills} times, and nothing is lost")
    names = list(listed(root) or {})
    report(all([goes_on(root, name)
                for name in random.sample(names, min(len(names), 8))]),
           "screens: runs go on")


def goes_on(root, name):
    done = memdial(root, "train", "--resume", name)
    return went_on(done) or complain("resume:", done.stderr)


def test_two(kills, name="two", **extra):
    """Two processes keep runs in one root, and are killed."""
    root = os.path.join(FOLDER, name)
    good = True
    for _ in range(kills):
        with open(os.devnull, "wb") as file:
            both = [start(root, ["train", "quick", *SMALL, "--json"], file,
                          **extra) for _ in range(2)]
            time.sleep(random.uniform(0.2, LONGEST))
            for process in both:
                process.kill()
                process.wait()
        good = is_whole(root) and good
    names = collections.Counter(listed(root))
    report(good and len(names) >= kills,
           f"{name}: two writers of one root, killed {kills} times")


def test_killed_on_full_disk(kills, reference):
    """The disk is full at a random byte, and the process is killed at a random
    moment: lines that had no room are lost, but no run is."""
    root = os.path.join(FOLDER, "root-full")
    good = True
    for _ in range(kills):
        name = going_on(root) if random.random() < 0.5 else None
        command = (["train", "--resume", name] if name else
                   ["train", "quick", *SMALL])
        with open(os.devnull, "wb") as file:
            process = start(root, command, file, LD_PRELOAD=FULL_DISK,
                            MEMDIAL_DISK_BYTES=str(random.randrange(
                                int(3 * len(reference)))))
            time.sleep(random.uniform(0, LONGEST))
            process.kill()
            process.wait()
            process.stdin.close()
        good = is_whole(root) and good
    report(good, f"a full disk: killed {kills} times, and all is whole")
    report(all([finish(root, name, "full", reference)
                for name, run in (listed(root) or {}).items()
                if run["state"] != "done"]),
           "a full disk: goes on to the same bits where there is room")


def test_full_disk(kills):
    """A limit on the size of files stands for a full disk. Every whole line of
    the events is one, and the run is told of it once. A run without room for its
    first line stays empty."""
    root = os.path.join(FOLDER, "full")
    good = True
    for i in range(kills):
        bytes_left = random.randrange(1, 40000)
        script = 'ulimit -f "$1"; shift; exec "$@"'
        done = subprocess.run(["sh", "-c", script, "sh",
                               str(1 + bytes_left // 512), MEMDIAL, "train",
                               "quick", *SMALL, "--set", "epochs=10",
                               "--json"], env=environment(root),
                              capture_output=True, text=True, timeout=900)
        warnings = [line for line in done.stdout.splitlines()
                    if '"type":"warning"' in line]
        if done.returncode or len(warnings) != 1:
            good = complain(bytes_left, done.returncode, warnings,
                            done.stderr)
        good = is_whole(root) and good
    runs = listed(root) or {}
    report(good and len(runs) == kills, "a full disk: runs end, and are kept "
           "as far as there was room")
    report(all([went_on(memdial(root, "train", "--resume", name))
                for name in runs]) and
           all(run["state"] in ("done", "empty")
               for run in (listed(root) or {}).values()),
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
                          capture_output=True, timeout=900)
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
                       capture_output=True, timeout=900)
        good = is_whole(root) and good
        for name in listed(root) or {}:
            done = memdial(root, "train", "--resume", name)
            good = (went_on(done) or
                    complain("call", n, done.stderr)) and good
    report(good, f"killed at calls of the system, of {calls[0]}")


def kills_of(kind):
    return max(1, KILLS * SHARES[kind] // 100)


def main():
    print("# MEMDIAL_SEED =", SEED)
    random.seed(SEED)
    reference = make_reference()
    test_random("train", kills_of("train"), reference)
    test_random("worker", kills_of("worker"), reference)
    test_screens(kills_of("screens"))
    test_two(kills_of("two"))
    test_full_disk(max(1, KILLS // 16))
    if SANITIZED:
        for what in "no locks, late renames", "no space", "killed at calls":
            report(True, f"{what} # SKIP sanitizers")
    else:
        test_killed_on_full_disk(kills_of("full"), reference)
        test_random("shared", kills_of("shared"), reference,
                    LD_PRELOAD=SHARED_DISK)
        test_two(kills_of("shared-two"), "shared-two", LD_PRELOAD=SHARED_DISK)
        test_calls(reference)
    print(f"1..{count}")


main()
