"""Someone at a real pseudo-terminal, whose picture pyte keeps, and the TAP that
tests with such a person print."""

import fcntl
import os
import pty
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

# What keys send.
LEFT, RIGHT, DOWN, HOME = b"\x1bOD", b"\x1bOC", b"\x1bOB", b"\x1bOH"
ESCAPE = b"\x1b"

# Private modes as pyte keeps them.
PASTE, MOUSE, CURSOR = 2004 << 5, 1000 << 5, 25 << 5


def children(pid):
    """The processes that a process has begun."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                parent = file.read().rsplit(")", 1)[1].split()[1]
        except OSError:
            continue
        if int(parent) == pid:
            found.append(int(name))
    return found


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
        return children(self.pid)

    def hang_up(self):
        """The terminal goes away; in its place is a pipe that is silent."""
        nothing, self.silence = os.pipe()
        os.dup2(nothing, self.fd)
        os.close(nothing)

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


def finish():
    """The end of the tests; does not return."""
    print(f"1..{count}")
    shutil.rmtree(FOLDER, ignore_errors=True)
    sys.exit(failed != 0)
