"""Anything fails, once, at any place. A command then does the same as if
nothing had, or names the fault and exits with 1 or 2; it never dies of a
signal and never hangs. A file that it writes is the old one or a new one,
whole, with no other beside it. A command that is killed leaves the old file or
a new one, and the next run leaves no other beside it.

fault.c makes things fail. A command is run once to count the places, and then
once for each, or for a sample of them unless MEMDIAL_FAULTS is "all". Prints
TAP."""

import concurrent.futures
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

os.environ.setdefault("MEMDIAL_RUNS", "none")
MEMDIAL = os.path.abspath(os.environ.get("MEMDIAL", "./memdial"))
FAULT = os.path.join(os.path.dirname(MEMDIAL), "tests", "fault.so")
WHOLE = os.environ.get("MEMDIAL_FAULTS") == "all"
PATIENCE = 120  # seconds
SAMPLE = 6      # places of each kind and command
FOLDER = tempfile.mkdtemp()

# `memory+`: from then on no allocation succeeds.
KINDS = ("memory", "memory+", "EIO", "ENOSPC", "EINTR", "short", "kill")

# A run of one step.
RUN = {"epochs": 1, "epoch_samples": 2, "valid_samples": 2, "batch": 2,
       "threads": 1}
SET = [f"--set={name}={value}" for name, value in RUN.items()]

# Members that differ from run to run, and events that depend on time.
VARYING = ("seconds", "samples_per_second", "touched", "os")
TIMED = ("memory",)

PRESET = """description: of the user
model:
  depth: 16
train:
  batch: 2
  lr: 0.01
"""

count = failed = 0


def report(good, what, *details):
    global count, failed
    count += 1
    failed += not good
    print("ok" if good else "not ok", count, "-", what, flush=True)
    for line in details if not good else ():
        print("#", line)


def is_json(text):
    """Whether a text is a JSON document, or its lines are."""
    try:
        for part in text.splitlines() if text.startswith('{"') else [text]:
            json.loads(part)
        return True
    except ValueError:
        return False


class Result:
    """The outcome of a run."""

    def __init__(self, code, out, err, log):
        self.code = code          # None: it hung
        self.out = out
        self.err = err
        self.struck = [line for line in log
                       if not line.startswith(("calls", "cannot"))]
        self.calls = [int(line.split()[1]) for line in log
                      if line.startswith("calls")]
        self.impossible = any(line.startswith("cannot") for line in log)

    def events(self):
        """The lines that tell of the run, without parts that vary."""
        found = [json.loads(line) for line in self.out.splitlines()]
        return [{name: value for name, value in event.items()
                 if name not in VARYING}
                for event in found if event["type"] not in TIMED]


class Case:
    """A command, in a folder with some files."""

    streams = False  # prints events

    def __init__(self, name, *arguments, files=()):
        self.name = name
        self.arguments = arguments
        self.files = dict(files)  # that it begins with
        self.new = {}             # the files it writes when nothing fails
        self.expected = None

    def start(self, folder, fault):
        environment = dict(os.environ, XDG_CONFIG_HOME=folder)
        if fault:
            environment |= {"LD_PRELOAD": FAULT, "MEMDIAL_FAULT": fault,
                            "MEMDIAL_FAULT_LOG": os.path.join(folder, "log")}
        return subprocess.Popen([MEMDIAL, *self.arguments], cwd=folder,
                                env=environment, text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def talk(self, process):
        """The output on both streams."""
        return process.communicate()

    def run(self, folder, fault=None):
        process = self.start(folder, fault)
        hung = threading.Event()
        watch = threading.Timer(PATIENCE,
                                lambda: (hung.set(), process.kill()))
        watch.start()
        out, err = self.talk(process)
        watch.cancel()
        return Result(None if hung.is_set() else process.returncode,
                      out.replace(folder, "FOLDER"), err,
                      take(os.path.join(folder, "log")))

    def said(self, result):
        return json.loads(result.out)

    def told(self, result):
        """Whether it reported a failure that it can go on after."""
        return False

    def prepare(self):
        folder = tempfile.mkdtemp(dir=FOLDER)
        for name, content in self.files.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
        return folder

    def learn(self):
        """Notes the outcome when nothing fails; returns whether it is good."""
        folder = self.prepare()
        result = self.run(folder)
        if result.code == 0:
            self.expected = self.said(result)
            self.new = contents(folder)
        shutil.rmtree(folder)
        return result.code == 0

    def count(self, kind):
        """The places where a fault of the kind can happen."""
        folder = self.prepare()
        result = self.run(folder, f"{kind.rstrip('+')}:0")
        shutil.rmtree(folder)
        return None if result.impossible else result.calls[0]


class List(Case):
    """Drops lines about files, and about why some cannot be read."""

    def told(self, result):
        return any("error" in entry for entry in json.loads(result.out))


class Devices(Case):
    """Figures of the system are best effort, and a device may have a reason to
    be absent."""

    def said(self, result):
        return [device.get("name") for device in json.loads(result.out)
                if device.get("available") != ("reason" in device)]


class Train(Case):
    streams = True

    def said(self, result):
        return result.events()

    def told(self, result):
        return any(event["type"] in ("warning", "error", "refused")
                   for event in result.events())


class Worker(Train):
    """A worker is told to train, to turn a dial that changes no result, and
    then to stop."""

    BEGIN = ({"command": "start", "preset": "quick", "settings": RUN,
              "save": "snapshot", "keep": True},
             {"command": "set", "settings": {"recompute": "norms"}})
    END = ({"command": "save", "path": "second"}, {"command": "stop"})

    def said(self, result):
        """Lines in any order: the time at which commands arrive decides when
        they take effect."""
        events = result.events()
        for event in events:
            if event["type"] == "applied":
                del event["step"]
        return sorted(json.dumps(event) for event in events)

    def talk(self, process):
        lines = []
        try:
            tell(process, *self.BEGIN)
            for line in process.stdout:
                lines.append(line)
                if any(f'"type":"{name}"' in line
                       for name in ("done", "error", "refused")):
                    break
            tell(process, *self.END)
        except BrokenPipeError:
            pass
        rest, err = process.communicate()
        return "".join(lines) + rest, err


def tell(process, *commands):
    for command in commands:
        process.stdin.write(json.dumps(command) + "\n")
    process.stdin.flush()


def take(path):
    """The lines of a file, which is removed."""
    try:
        with open(path) as file:
            lines = file.read().splitlines()
        os.remove(path)
        return lines
    except FileNotFoundError:
        return []


def contents(folder):
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def judge_end(case, result, killed=False):
    """The fault in how a run ended, if any."""
    if result.code is None:
        yield "hangs"
    elif result.code < 0:
        if not killed:
            yield f"dies of signal {-result.code}"
    elif result.code not in (0, 1, 2):
        yield f"exits with {result.code}: {result.err!r}"
    elif result.code and not result.err.strip():
        yield f"exits with {result.code} and no word"


def judge_output(case, result):
    """The fault in its output, if any."""
    if result.code == 0 and not (is_json(result.out) and
                                 (case.said(result) == case.expected or
                                  case.told(result))):
        yield f"exits with 0 and other output: {result.out[-300:]!r}"
    if case.streams and result.out and "out of host memory" in result.err \
            and not (is_json(result.out) and
                     result.events()[-1]["type"] == "error"):
        yield f"ends its events so: {result.out[-300:]!r}"


def judge_files(case, folder, saved, killed=False):
    """The fault in the files it left, if any."""
    found = contents(folder)
    for name, content in case.new.items():
        if name not in found:
            if name in case.files:
                yield f"{name} is gone"
        elif found[name] not in (case.files.get(name), content) and \
                not loads(found[name]):
            yield f"{name} is neither the old nor a new one"
    for name in saved:
        if found.get(name) in (None, case.files.get(name)):
            yield f"{name} is not saved"
    for name in found.keys() - case.new.keys():
        if not killed:
            yield f"{name} is left"


@functools.cache
def loads(content):
    """Whether a file is a snapshot. It may be of fewer steps, if a run stopped
    because nobody could hear of it."""
    case = Train("", "train", "quick", *SET, "--set=epochs=2", "--json",
                 "--load", "snapshot", files={"snapshot": content})
    return case.learn()


def saved(case, result):
    """The files that the output calls saved."""
    if not case.streams or result.code != 0 or not is_json(result.out):
        return []
    return [event["path"] for event in result.events()
            if event["type"] == "saved"]


def try_fault(case, kind, n):
    """Whether the nth call failed, and the fault then, if any."""
    folder = case.prepare()
    plus = "+" if kind.endswith("+") else ""
    fault = f"{kind.rstrip('+')}:{n}{plus}"
    result = case.run(folder, fault)
    killed = kind == "kill" and result.struck
    complaints = [*judge_end(case, result, killed),
                  *judge_output(case, result),
                  *judge_files(case, folder, saved(case, result), killed)]
    if killed:
        again = case.run(folder)
        complaints += [f"afterwards {c}" for c in
                       [*judge_end(case, again),
                        *judge_files(case, folder, saved(case, again))]]
    shutil.rmtree(folder)
    where = ", ".join(result.struck) or "nothing"
    return bool(result.struck), [f"{fault} ({where}): {c}" for c in complaints]


def places(total, salt):
    """All places, or a sample that differs by kind and command."""
    if WHOLE or total <= SAMPLE:
        return range(1, total + 1)
    stride = total / SAMPLE
    return sorted({1 + int(stride * (i + salt % 7 / 7))
                   for i in range(SAMPLE)})


def check(pool, case, salt):
    if not case.learn():
        report(False, f"{case.name}: works")
        return
    for number, kind in enumerate(KINDS):
        total = case.count(kind)
        if total is None:
            report(True, f"{case.name}: {kind} # SKIP no seccomp filters")
            continue
        tried = places(total, salt + number)
        results = list(pool.map(lambda n: try_fault(case, kind, n), tried))
        complaints = [c for _, cs in results for c in cs]
        if tried and not any(struck for struck, _ in results):
            complaints.append("no call failed")
        report(not complaints, f"{case.name}: {kind} at {len(tried)} of "
               f"{total} calls", *complaints)


# SIZE FOLDER COMMAND...: runs the command in the folder, on a file system of
# its own of SIZE KiB, where the file `snapshot` is already; the files come back
# to the folder `after` above it.
DISK = """
mount -t tmpfs -o "size=$1k" memdial "$2" || exit 99
cd "$2" || exit 99
cp ../snapshot . || exit 99
shift 2
"$@"
code=$?
cp -r . ../after
exit $code
"""


def try_disk(case, size):
    """The fault on a disk of that many KiB, if any; None if there can be no
    such disk."""
    above = case.prepare()
    folder = os.path.join(above, "disk")
    os.mkdir(folder)
    process = subprocess.run(
        ["unshare", "-rm", "sh", "-c", DISK, "disk", str(size), folder,
         MEMDIAL, *case.arguments],
        capture_output=True, text=True, timeout=PATIENCE)
    result = Result(process.returncode, process.stdout, process.stderr, [])
    after = os.path.join(above, "after")
    if not os.path.exists(after):
        complaints = None
    else:
        complaints = [*judge_end(case, result), *judge_output(case, result),
                      *judge_files(case, after, saved(case, result))]
        complaints = [f"{size} KiB: {c}" for c in complaints]
    shutil.rmtree(above)
    return result.code, complaints


def check_disk(case):
    """Sizes from just enough for the old file to enough for both."""
    case.learn()
    one = len(case.new["snapshot"]) // 1024
    sizes = range(one + 16, 2 * one + 128, 16 if WHOLE else 96)
    name = f"{case.name}: on {len(sizes)} small disks"
    if not shutil.which("unshare"):
        report(True, f"{name} # SKIP no unshare")
        return
    tried = [try_disk(case, size) for size in sizes]
    if tried[0][1] is None:
        report(True, f"{name} # SKIP none can be mounted")
        return
    codes = {code for code, _ in tried}
    report(codes == {0, 1}, f"{name}: some are full, some are not",
           f"exits with {codes}")
    complaints = [c for _, cs in tried for c in cs]
    report(not complaints, name, *complaints)


def snapshot(*arguments):
    """The contents of a run's snapshot."""
    case = Train("", "train", "quick", *SET, "--json", "--save", "snapshot",
                 *arguments)
    case.learn()
    return case.new["snapshot"]


def cases():
    config = {"memdial/presets/mine.yaml": PRESET.encode()}
    other = {"snapshot": snapshot("--set=seed=2")}
    old = {"snapshot": snapshot()}
    record = bytes(1 + 3 * 32 * 32)
    images = {f"{name}.bin": record
              for name in (*(f"data_batch_{i}" for i in range(1, 6)),
                           "test_batch")}
    return [
        Case("plan", "plan", "quick", "--json", "--set=threads=1"),
        Case("plan of a file", "plan", "memdial/presets/mine.yaml", "--json",
             "--set=threads=1", files=config),
        Case("plan of a user's preset", "plan", "mine", "--json",
             "--set=threads=1", files=config),
        List("presets", "presets", "--json", files=config),
        Case("settings", "settings", "--json"),
        Devices("backends", "backends", "--json"),
        Train("train", "train", "quick", *SET, "--json", "--save",
              "snapshot", files=other),
        Train("train further", "train", "quick", *SET,
              "--set=epochs=2", "--json", "--load", "snapshot", "--save",
              "snapshot", files=old),
        Train("train on files", "train", "quick", *SET, "--json",
              "--set=data=cifar10", "--set=data_path=.", files=images),
        Worker("worker", "worker", files=other),
    ]


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit()


def main():
    if os.environ.get("MEMDIAL_SANITIZED"):
        skip("sanitizers have allocators of their own")
    wanted = sys.argv[1:]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for salt, case in enumerate(cases()):
            if not wanted or case.name in wanted:
                check(pool, case, salt)
            if case.name == "train further":
                check_disk(case)
    print(f"1..{count}")
    shutil.rmtree(FOLDER)
    sys.exit(failed > 0)


main()
