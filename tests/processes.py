"""The screens and their worker, as processes: what one knows of the other, and
what becomes of one when the other dies. Prints TAP."""

import json
import os
import shlex
import subprocess
import time

from person import FOLDER, MEMDIAL, PATIENCE, SMALL, Person, finish, report

# The machine is the worker's to tell.
OPEN = [s for s in SMALL if "threads" not in s]


def plan(*settings):
    """The plan, without a worker."""
    said = subprocess.run([MEMDIAL, "plan", "quick", *settings, "--json"],
                          capture_output=True, check=True)
    return json.loads(said.stdout)


def until(p, condition):
    """Waits for what a function gives to be true, and returns it."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()) and time.monotonic() < end:
        p.look(0.05)
    return found


def exported(p):
    """What `e` writes, with all bytes."""
    path = os.path.join(FOLDER, "memdial-1.json")

    def read():
        try:
            with open(path) as file:
                return json.load(file)
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    p.type(b"e")
    found = until(p, read)
    os.remove(path)
    return found


def events(path, name):
    """Those of a type that a worker has written to a file so far."""
    with open(path) as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    return [e for e in lines if e["type"] == name]


def has_mapped(pid, *names):
    """Whether a process has a file of such a name in its memory."""
    with open(f"/proc/{pid}/maps") as file:
        maps = file.read()
    return any(name in maps for name in names)


def shows_plan(p, what, expected):
    """Whether the plan on the screens is that one, to the byte."""
    def same():
        found = exported(p).get("plan", {})
        return all(found.get(name) == expected[name]
                   for name in ("peak_bytes", "arena_bytes", "bytes"))

    report(until(p, same), f"{what}: the plan is the worker's, to the byte", p)


def a_worker_with_other_processors():
    """One that may use a single processor."""
    said = os.path.join(FOLDER, "events")
    processor = min(os.sched_getaffinity(0))
    p = Person(*OPEN, "--worker",
               f"taskset -c {processor} {shlex.quote(MEMDIAL)} worker | "
               f"tee {said}")
    report(p.sees("training") and p.sees("touched .*iB"), "a worker elsewhere",
           p)
    start = events(said, "start")[0]
    report((start["backend"], start["processors"]) == ("cpu", 1),
           "... says what it runs on")
    memory = events(said, "memory")[0]
    expected = plan(*OPEN, "--set=threads=1")
    report((memory["planned"], memory["arena"]) ==
           (expected["peak_bytes"], expected["arena_bytes"]),
           "... and what it plans")
    shows_plan(p, "one processor", expected)
    p.leave()


# Begins the run that it is asked for, on a machine that it makes up.
PRETENDER = """
    read -r command
    settings=$(printf %s "$command" | sed 's/.*"settings":\\({[^}]*}\\).*/\\1/')
    printf '{"type":"start","schema":1,"preset":"quick","settings":%s,' "$settings"
    printf '"backend":"cuda","processors":3,"step":0,"steps":9}\\n'
    cat >/dev/null
"""


def a_worker_with_a_device():
    p = Person(*OPEN, "--worker", PRETENDER)
    report(p.sees("training"), "a worker that pretends to have a device", p)
    shows_plan(p, "cuda", plan(*OPEN, "--set=backend=cuda"))
    p.leave()


def no_device_in_front():
    """The worker looks for devices, the screens never do."""
    module = (os.environ.get("MEMDIAL_CUDA_EMULATED") or
              os.environ.get("MEMDIAL_CUDA_BUILT"))
    if not module:
        report(True, "no CUDA in the screens # SKIP no module is built")
        return
    p = Person(*OPEN, MEMDIAL_CUDA_MODULE=module)
    report(p.sees("training") and p.sees("planned .*iB"),
           "trains where there is a module", p)
    report(any(has_mapped(w, "memdial-cuda") for w in p.workers()),
           "... which the worker has loaded")
    report(not has_mapped(p.pid, "memdial-cuda", "libcuda"),
           "... and the screens have not")
    p.leave()


a_worker_with_other_processors()
a_worker_with_a_device()
no_device_in_front()
finish()
