"""The screens from outside: a scripted person at a real pseudo-terminal whose
picture pyte keeps. Prints TAP."""

import fcntl
import os
import pty
import random
import re
import select
import shutil
import signal
import struct
import sys
import tempfile
import termios
import time

import pyte

MEMDIAL = os.path.abspath(os.environ.get("MEMDIAL", "./memdial"))
SANITIZED = bool(os.environ.get("MEMDIAL_SANITIZED"))
PATIENCE = 120 if SANITIZED else 60  # seconds; nothing is timed, only waited for
FOLDER = tempfile.mkdtemp()

# A run of small steps that does not end by itself.
SMALL = [
    f"--set={s}"
    for s in ("batch=20", "epoch_samples=100", "valid_samples=20",
              "epochs=100000", "threads=1")
]

LEFT, RIGHT, DOWN, HOME = b"\x1bOD", b"\x1bOC", b"\x1bOB", b"\x1bOH"
ESCAPE = b"\x1b"

# Private modes as pyte keeps them.
PASTE, MOUSE, CURSOR = 2004 << 5, 1000 << 5, 25 << 5


class Person:
    """Someone at a terminal with memdial, or another command, in it."""

    def __init__(self, *arguments, rows=40, cols=120, command=None, **extra):
        environment = dict(os.environ, TERM="xterm-256color",
                           LC_ALL="C.UTF-8", XDG_CONFIG_HOME=FOLDER,
                           XDG_STATE_HOME=FOLDER, OMP_WAIT_POLICY="passive")
        environment.pop("NO_COLOR", None)
        environment.update(extra)
        command = command or [MEMDIAL, *arguments]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(FOLDER)
            # Which signals a shell ignores in the background is no matter.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execvpe(command[0], command, environment)
        self.screen = pyte.Screen(cols, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.status = None
        self.resize(rows, cols)

    def resize(self, rows, cols):
        self.screen.resize(rows, cols)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, cols, 0, 0))

    def type(self, keys):
        view = memoryview(keys)
        while view:
            self.look(0)
            if select.select([], [self.fd], [], PATIENCE)[1]:
                view = view[os.write(self.fd, view[:256]):]

    def look(self, seconds):
        """Reads what comes within so many seconds."""
        end = time.monotonic() + seconds
        while True:
            left = max(0, end - time.monotonic())
            if not select.select([self.fd], [], [], left)[0]:
                return
            try:
                got = os.read(self.fd, 65536)
            except OSError:
                got = b""
            if not got:
                return
            self.raw += got
            self.stream.feed(got)

    def text(self):
        return "\n".join(self.screen.display)

    def sees(self, pattern, patience=None):
        """Waits for a text on the screen."""
        end = time.monotonic() + (patience or PATIENCE)
        while not re.search(pattern, self.text()):
            if time.monotonic() > end:
                return False
            self.look(0.05)
        return True

    def alive(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
        return self.status is None

    def ends(self):
        """Waits for the end; returns the exit code, negative for a signal."""
        end = time.monotonic() + PATIENCE
        while self.alive() and time.monotonic() < end:
            self.look(0.05)
        self.look(0.1)
        return None if self.alive() else os.waitstatus_to_exitcode(self.status)

    def restored(self):
        """Whether the terminal is as it was."""
        modes = self.screen.mode
        return (CURSOR in modes and PASTE not in modes and
                not any(m << 5 in modes for m in (1000, 1002, 1003, 1006)) and
                self.raw.rfind(b"\x1b[?1049l") > self.raw.rfind(b"\x1b[?1049h")
                and self.cooked())

    def cooked(self):
        """Whether lines are edited, echoed and translated, as they begin."""
        iflag, oflag, _, lflag, *_ = termios.tcgetattr(self.fd)
        return (iflag & termios.ICRNL and oflag & termios.ONLCR and
                oflag & termios.OPOST and lflag & termios.ICANON and
                lflag & termios.ECHO and lflag & termios.ISIG)

    def workers(self):
        """Child processes."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat") as file:
                    parent = file.read().rsplit(")", 1)[1].split()[1]
            except OSError:
                continue
            if int(parent) == self.pid:
                found.append(int(name))
        return found

    def leave(self):
        if self.alive():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


count = failed = 0


def report(good, what, person=None):
    global count, failed
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)
    if not good:
        failed += 1
        if person:
            print("# " + "\n# ".join(person.screen.display), flush=True)


def value(person, name):
    match = re.search(r"\b%s +(\S+)" % name, person.text())
    return match and match[1]


def peak(person):
    match = re.search(r"planned .*? ([\d.]+ [KMG]iB)", person.text())
    return match and match[1]


def turn_dials(p):
    """Each dial up, until it is applied, and back with undo."""
    for page in 1, 2:
        names = re.findall(r"^│[▸ ]  ?([a-z_]+) +\S", p.text(), re.M)
        p.type(HOME)
        for name in names:
            before = value(p, name)
            p.type(RIGHT)
            # What was undone before may be applied with it, as one change.
            applied = rf"applied [^\n]*\b{name}="
            p.sees(applied + "|no further step")
            if "no further step" in p.text():
                p.type(LEFT)
            good = p.sees(applied)
            after = value(p, name)
            p.type(b"u")
            good = good and p.sees(rf"\b{name} +{re.escape(before)}\b[^*│]*│")
            report(good and after != before,
                   f"dial {name}: {before}, {after} and back", p)
            p.type(DOWN)
        if page == 1:
            report(len(names) >= 5, f"dials on the first page: {names}", p)
            p.type(b"d")
            p.sees("2/2")
    p.type(b"d")


def resize(p):
    choose = random.Random(1)
    for _ in range(200):
        p.resize(choose.randint(1, 60), choose.randint(1, 180))
        p.look(0.01)
    p.resize(40, 120)
    good = p.sees("(?s)Dials.*Memory.*Curves") and p.sees("q quit")
    p.look(0.5)
    report(good and p.alive(), "resized 200 times", p)
    p.type(b"Z")
    report(p.sees("paused"), "paused", p)
    p.look(1)
    before = p.text()
    p.type(b"\x0c")
    p.look(1)
    report(before == p.text(), "the last frame is what a repaint gives", p)
    p.type(b"Z")
    report(p.sees("training"), "goes on", p)


def paste(p):
    choose = random.Random(2)
    garbage = bytes(choose.choice(b"q\x03u\tRZ+-\r \x80\xff[]12345?" * 9)
                    for _ in range(5000)).replace(b"\x03", b"q")
    report(PASTE in p.screen.mode, "asks for pastes to be marked")
    p.type(b"\x1b[200~" + garbage + b"\x1b[201~")
    p.look(0.5)
    report(p.alive() and p.sees("Dials") and p.sees("training"),
           "a paste does nothing", p)


def type_garbage(p):
    choose = random.Random(3)
    for _ in range(200):
        p.type(bytes(choose.choice(b"hjkl+-u\t\rLp123456[]dcxgm<> \x1b[;\xe2\x82")
                     for _ in range(10)))
    p.type(ESCAPE)
    p.look(0.2)
    p.type(ESCAPE + b"1")
    report(p.sees("Dials") and p.alive(), "typed garbage", p)


def click(p):
    quit_at = p.screen.display[-1].rindex("q quit")
    for row in range(0, 40, 3):
        for col in range(0, 120, 7):
            if row < 39 or col < quit_at - 1:
                p.type(b"\x1b[<0;%d;%dM\x1b[<0;%d;%dm" % (col + 1, row + 1,
                                                         col + 1, row + 1))
    p.type(b"\x1b[<64;60;10M\x1b[<65;60;10M")
    p.look(0.2)
    p.type(ESCAPE)
    p.look(0.2)
    p.type(b"1")
    report(p.sees("Dials") and p.alive(), "clicked everywhere", p)
    col = p.screen.display[0].index("2 Step") + 1
    p.type(b"\x1b[<0;%d;1M" % col)
    report(p.sees("Arena|Bytes alive"), "a tab can be clicked", p)
    p.type(b"1")


def kill_worker(p):
    p.type(b"R")
    p.sees("training")
    for pid in p.workers():
        os.kill(pid, signal.SIGKILL)
    report(p.sees("signal 9") and p.alive(), "says that the worker was killed",
           p)
    p.type(b"R")
    report(p.sees("training") and p.alive(), "begins again", p)


def a_session():
    p = Person(*SMALL)
    report(p.sees("(?s)Dials.*Memory.*Curves"), "three panes", p)
    report(p.sees("training"), "trains", p)
    report(p.sees(r"touched .*? [\d.]+ MiB"), "shows what is touched", p)
    for act in turn_dials, resize, paste, type_garbage, click, kill_worker:
        act(p)
    workers = p.workers()
    p.type(b"?")
    report(p.sees("Keys"), "help", p)
    p.type(ESCAPE)
    p.look(0.3)
    report(p.alive(), "Esc does not quit", p)
    p.type(b"q")
    report(p.ends() == 0, "q quits")
    report(p.restored(), "the terminal is as it was")
    time.sleep(0.5)
    report(workers and not any(os.path.exists(f"/proc/{w}") for w in workers),
           "the worker is gone")
    p.leave()


def a_death(number, code, keys=None):
    p = Person(*SMALL)
    p.sees("training")
    if keys:
        p.type(keys)
    else:
        os.kill(p.pid, number)
    got = p.ends()
    report(got == code and p.restored(),
           f"{signal.Signals(number).name} leaves the terminal clean", p)
    p.leave()


def a_stop():
    if not shutil.which("bash"):
        report(True, "Ctrl-Z # SKIP bash is not installed")
        return
    p = Person(command=["bash", "--norc", "--noprofile", "-i"], PS1="ready> ")
    p.sees("ready>")
    p.type(b"'%s' %s\n" % (MEMDIAL.encode(), " ".join(SMALL).encode()))
    p.sees("training")
    p.type(b"\x1a")
    report(p.sees("Stopped"), "Ctrl-Z stops", p)
    p.type(b"fg\n")
    report(p.sees("(?s)Dials.*Memory.*Curves"), "fg goes on", p)
    p.type(b"q")
    report(p.sees("ready>"), "and quits", p)
    p.leave()


def appearances():
    p = Person(*SMALL, "-M", NO_COLOR="1")
    report(p.sees("Dials"), "NO_COLOR: runs", p)
    p.type(b"tt")
    p.look(1)
    report(not re.search(rb"\x1b\[([\d;]*;)?([34][0-8]|9[0-7])(;[\d;]*)?m",
                         p.raw), "NO_COLOR: has no colours")
    report(b"\x1b[?1000h" not in p.raw, "-M: leaves the mouse alone")
    p.leave()
    p = Person(*SMALL, LC_ALL="C")
    report(p.sees("Dials") and p.raw.isascii(), "another locale: ASCII only",
           p)
    p.leave()
    p = Person(*SMALL, "--ascii")
    report(p.sees("Dials") and p.raw.isascii(), "--ascii", p)
    p.leave()
    p = Person(*SMALL, rows=5, cols=30)
    report(p.sees(r"training [\d.]+ [KM]iB [\d.]+%"), "one line", p)
    p.leave()
    p = Person(*SMALL, rows=16, cols=60)
    report(p.sees("Dials *Memory *Curves"), "one pane at a time", p)
    p.leave()


def refusals():
    for extra, text in (({"TERM": "dumb"}, "TERM is dumb"),
                        ({"TERM": ""}, "TERM is not set"),
                        ({"TERM": "no-such-terminal"}, "no description of")):
        p = Person(**extra)
        code = p.ends()
        report(code == 2 and text.encode() in p.raw and
               b"memdial train quick" in p.raw, f"refused: {text}", p)
        p.leave()


def plain():
    p = Person("--plain", "--set=epochs=2", *SMALL[:3])
    report(p.ends() == 0 and b"Epoch 2 done" in p.raw and b"\x1b" not in p.raw,
           "--plain: sentences", p)
    p.leave()


def a_bad_worker():
    p = Person("--worker", "echo garbage; echo '{}'; sleep 1; exit 3", *SMALL)
    report(p.sees("Dials") and p.sees("no worker|failed") and p.alive(),
           "lives with a worker that is none", p)
    p.type(b"q")
    report(p.ends() == 0, "and quits")
    p.leave()


def main():
    a_session()
    a_death(signal.SIGTERM, -signal.SIGTERM)
    a_death(signal.SIGINT, -signal.SIGINT, b"\x03")
    if not SANITIZED:  # there it ends with a report and another code
        a_death(signal.SIGSEGV, -signal.SIGSEGV)
    a_stop()
    appearances()
    refusals()
    plain()
    a_bad_worker()
    print(f"1..{count}")
    shutil.rmtree(FOLDER, ignore_errors=True)
    return failed != 0


sys.exit(main())
