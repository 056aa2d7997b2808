"""The screens and their worker, as processes: the facts that each learns of
the other, and the fate of one when the other dies. Prints TAP."""

import glob
import json
import os
import resource
import shlex
import signal
import subprocess
import time

from person import (DOWN, ESCAPE, FOLDER, LEFT, MEMDIAL, PATIENCE, RIGHT,
                    SANITIZED, SMALL, Person, children, finish, report)

# The worker tells its machine.
OPEN = [s for s in SMALL if "threads" not in s]


def plan(*settings):
    """The plan without a worker."""
    said = subprocess.run([MEMDIAL, "plan", "quick", *settings, "--json"],
                          capture_output=True, check=True)
    return json.loads(said.stdout)


def exported(p):
    """The file that `E` writes, with all bytes."""
    path = os.path.join(FOLDER, "memdial-1.json")

    def read():
        try:
            with open(path) as file:
                return json.load(file)
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    p.type(b"E")
    found = p.comes(read)
    os.remove(path)
    return found


def events(path, name):
    """The events of a type that a worker has written to a file so far."""
    with open(path) as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    return [e for e in lines if e["type"] == name]


def has_mapped(pid, *names):
    """Whether a process has a file of such a name mapped."""
    with open(f"/proc/{pid}/maps") as file:
        maps = file.read()
    return any(name in maps for name in names)


def shows_plan(p, what, expected):
    """Whether the screens show that plan, to the byte."""
    def same():
        found = exported(p).get("plan", {})
        return all(found.get(name) == expected[name]
                   for name in ("peak_bytes", "arena_bytes", "bytes"))

    report(p.comes(same), f"{what}: the plan is the worker's, to the byte", p)


def a_worker_with_other_processors():
    """A worker that may use a single processor."""
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


# Begins the run that it is asked for, on a made-up machine.
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


def begin(command=None, *settings):
    """Someone with another worker."""
    return Person(*SMALL, *settings,
                  *(["--worker", command] if command else []))


def has_gone(pid):
    return not os.path.exists(f"/proc/{pid}")


def have_gone(p, pids):
    """Whether there were processes, and soon are none."""
    return pids and p.comes(lambda: all(map(has_gone, pids)), PATIENCE / 12)


def goes_on(p, what):
    """R restarts the run."""
    p.type(b"R")
    report(p.sees("training") and p.alive(), f"... and R goes on: {what}", p)


def snapshots():
    return set(glob.glob(os.path.join(FOLDER, "memdial", "run-*", "*.safetensors")))


def killed(number, name):
    before = snapshots()
    p = begin()
    p.sees("training")
    p.comes(lambda: snapshots() - before)
    p.look(1)
    for pid in p.workers():
        os.kill(pid, number)
    report(p.sees(rf"ended by signal {int(number)}, {name}") and
           p.sees(r"R goes on from step [1-9]"), f"a worker that dies: {name}",
           p)
    goes_on(p, name)
    p.leave()


def stopped():
    """A worker hangs; the screens show it after a while."""
    p = begin()
    p.sees("training")
    p.hung = p.workers()
    for pid in p.hung:
        os.kill(pid, signal.SIGSTOP)
    return p


def silent(p):
    report(p.sees(r"worker has said nothing for \d\d+ seconds") and
           p.sees("silent"), "a worker that hangs", p)
    goes_on(p, "silence")
    report(have_gone(p, p.hung), "... with another one")
    p.leave()
    p = stopped()
    p.type(b"qq")
    report(p.ends() == 0 and have_gone(p, p.hung),
           "q does not wait for a worker that hangs", p)
    p.leave()


OWN = f"exec {shlex.quote(MEMDIAL)} worker"


def commands():
    """Commands that are no worker, or not at once."""
    for command, said, state in (
            ("no-such-memdial worker",
             "ended with status 127: .*not found.*R begins again", "no worker"),
            ("echo Permission denied; exit 255", "status 255: Permission denied",
             "no worker"),
            ("""echo '{"type":"start","schema":2}'; exec cat""",
             "speaks schema 2 .* this program schema 1", "no worker"),
            (f"echo Welcome to gpubox; {OWN}",
             "the worker's command says: Welcome to gpubox", "training"),
            (f"(sleep 1; printf '\\033[2J\\377bad\\n') & {OWN}",
             r"output of the worker: not an event: '\?\[2J\?bad'", "training"),
            ("yes", "no events but other things, as 'y'", "no worker")):
        p = begin(command)
        report(p.sees(said) and p.sees(state) and p.alive(),
               f"{state}: {command[:30]}", p)
        p.type(b"qq")
        report(p.ends() == 0, "... and quits", p)
        p.leave()


def out_of_address_space():
    """The arena cannot be had, at the start and in the middle of a run."""
    if SANITIZED:
        report(True, "ulimit # SKIP sanitizers need terabytes of addresses")
        return
    p = begin(f"ulimit -v 60000; {OWN}", "--set=batch=100")
    report(p.sees(r"cannot allocate 58\.\d MiB") and p.sees("would[^a-z]+fit") and
           p.sees("failed"), "no memory for the arena", p)
    p.leave()
    p = begin(f"ulimit -v 60000; {OWN}", "--set=batch=100",
              "--set=microbatch=10")
    p.sees("training")
    p.type(2 * DOWN + 4 * RIGHT)
    report(p.sees(r"set: .*cannot allocate [\d.]+ MiB") and
           p.sees("training") and p.sees("microbatch +(10|20|25|50) "),
           "no memory for a change: the settings stay in force", p)
    p.leave()


GROUP_MIB = 64

# Takes memory once it is told to, little by little, up to an amount; then it
# ends, or earlier if the worker beside it does, whose process id it gets.
HOG = f"""
import os, sys, time
while not os.path.exists("hog"):
    if os.getppid() != int(sys.argv[1]):
        sys.exit()
    time.sleep(0.05)
some = []
for _ in range({GROUP_MIB * 3 // 4}):
    some.append(bytearray(1 << 20))
    time.sleep(0.01)
os.remove("hog")
"""


class Group:
    """Processes that may have an amount of memory together; the kernel ends
    the largest if they want more. It is a control group of our own, where we
    may make one, or of systemd's. `run` is a command that runs its arguments
    in there; empty if there is no way."""

    def __init__(self):
        self.folder = self.run = ""
        with open("/proc/self/cgroup") as file:
            for line in file:
                _, controllers, path = line.rstrip().split(":", 2)
                if controllers == "memory":
                    self.make(f"/sys/fs/cgroup/memory{path}")
        systemd = (f"systemd-run --user --scope -q -p MemoryMax={GROUP_MIB}M"
                   " -p MemorySwapMax=0")
        if not self.run and subprocess.run(f"{systemd} true", shell=True,
                                           capture_output=True).returncode == 0:
            self.run = systemd

    def make(self, parent):
        folder = f"{parent}/memdial-test-{os.getpid()}"
        try:
            os.mkdir(folder)
            self.folder = folder
            for name in "memory.limit_in_bytes", "memory.memsw.limit_in_bytes":
                if os.path.exists(f"{folder}/{name}"):
                    with open(f"{folder}/{name}", "w") as file:
                        file.write(str(GROUP_MIB << 20))
        except OSError:
            return
        self.run = f"sh -c 'echo $$ >{folder}/cgroup.procs; exec \"$@\"' sh"

    def remove(self):
        end = time.monotonic() + 10
        while self.folder and time.monotonic() < end:
            try:
                os.rmdir(self.folder)
                return
            except OSError:  # of processes that are not quite gone
                time.sleep(0.1)


def out_of_memory():
    """A run that needs more than may be had is refused; memory that others
    take later is not known before."""
    if SANITIZED:
        report(True, "out of memory # SKIP sanitizers take more")
        return
    group = Group()
    if not group.run:
        group.remove()
        report(True, "out of memory # SKIP memory cannot be limited here")
        return
    p = begin(f"exec {group.run} {shlex.quote(MEMDIAL)} worker",
              "--set=batch=200", "--set=epoch_samples=200")
    report(p.sees("cannot allocate .*are available to this process's control "
                  "group") and p.sees("would[^a-z]+fit") and p.alive(),
           "more than the group may have is refused", p)
    p.leave()
    with_hog = f"python3 -c {shlex.quote(HOG)} $$ & {OWN}"
    p = begin(f"exec {group.run} sh -c {shlex.quote(with_hog)}",
              "--set=batch=60")
    p.sees(r"touched +3\d\.\d+ MiB +of the arena")  # the largest size it gets
    with open(os.path.join(FOLDER, "hog"), "w"):
        pass
    report(p.sees("memory ran out and the system ended the worker: let a dial "
                  "take less"), "a worker that the kernel ends", p)
    p.comes(lambda: not os.path.exists(os.path.join(FOLDER, "hog")))
    p.type(ESCAPE + 2 * DOWN + 3 * LEFT)
    p.look(1)
    goes_on(p, "with less")
    p.leave()
    group.remove()


# The state of a terminal that a shell sees before and after a command.
SHELL = ["sh", "-c", 'stty -a >before; "$@"; echo "over: $?"; stty -a >after',
         "sh", MEMDIAL]


def read(name):
    with open(os.path.join(FOLDER, name)) as file:
        return file.read()


def front_dies(number):
    """The screens end; the terminal and the worker must not notice."""
    p = Person(command=SHELL + SMALL)
    p.sees("training")
    front = p.workers()[0]
    workers = children(front)
    os.kill(front, number)
    gone = have_gone(p, workers)
    name = signal.Signals(number).name
    code = r"\d+" if SANITIZED else str(128 + number)
    report(p.sees(f"over: {code}"), f"{name} ends the screens", p)
    report(gone, "... and the worker")
    if number != signal.SIGKILL:  # nobody can know of that one
        p.ends()
        report(p.restored() and read("before") == read("after"),
               "... and leaves the terminal as it was", p)
    p.leave()


def is_named():
    p = begin()
    p.sees("training")
    with open(f"/proc/{p.workers()[0]}/comm") as file:
        report(file.read() == "memdial\n", "the worker is called memdial", p)
    p.leave()


def signals_ignored():
    """Commands begin as nohup and shells without job control begin them."""
    p = Person(command=["sh", "-c", "trap '' HUP INT QUIT TERM TSTP; "
                        'exec "$@"', "sh", MEMDIAL, *SMALL])
    p.sees("training")
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT,
                   signal.SIGTERM, signal.SIGTSTP):
        os.kill(p.pid, number)
    p.type(b"\x03\x1a\x1c?")
    report(p.sees("─ Keys ─") and p.alive(),
           "the screens leave signals ignored that were", p)
    p.leave()


def front_out_of_memory():
    """The screens may have no more memory, and need more."""
    if SANITIZED:
        report(True, "screens out of memory # SKIP sanitizers reserve all")
        return
    # With these every plan asks the system for its arrays anew.
    frugal = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
    os.environ.update(frugal)
    p = begin(None, "--set=depth=1000")
    for name in frugal:
        del os.environ[name]
    p.sees("planned +.*iB")
    resource.prlimit(p.pid, resource.RLIMIT_AS, (1, 1))
    for key in 20 * [RIGHT, DOWN]:
        if p.alive():
            p.type(key)
            p.look(0.2)
    report(p.ends() == 1, "screens out of memory end", p)
    said = p.raw.rfind(b"memdial: out of host memory\r\n")
    report(said > p.raw.rfind(b"\x1b[?1049l") and p.restored(),
           "... and say so when the terminal is as it was", p)
    p.leave()


def terminal_closes():
    p = begin()
    p.sees("training")
    workers = p.workers()
    p.hang_up()
    report(have_gone(p, workers) and p.comes(lambda: not p.alive()),
           "a terminal that closes takes all along")


def main():
    hung = stopped()
    a_worker_with_other_processors()
    a_worker_with_a_device()
    no_device_in_front()
    is_named()
    killed(signal.SIGKILL, "Killed")
    if not SANITIZED:  # there it ends with a report and a status
        killed(signal.SIGSEGV, "Segmentation fault")
    commands()
    out_of_address_space()
    out_of_memory()
    front_out_of_memory()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT,
                   signal.SIGUSR1, signal.SIGXCPU, signal.SIGALRM,
                   signal.SIGSEGV, signal.SIGABRT, signal.SIGTRAP,
                   signal.SIGKILL):
        front_dies(number)
    signals_ignored()
    terminal_closes()
    silent(hung)
    finish()


main()
