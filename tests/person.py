"""Someone at a terminal: memdial, or another command, at a real
pseudo-terminal whose picture pyte keeps; and the lines of TAP with the
results."""

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

os.environ.setdefault("MEMDIAL_RUNS", "none")
MEMDIAL = os.path.abspath(os.environ.get("MEMDIAL", "./memdial"))
SANITIZED = bool(os.environ.get("MEMDIAL_SANITIZED"))
PATIENCE = 120 if SANITIZED else 60  # seconds; nothing is timed, only waited for
FOLDER = tempfile.mkdtemp()

# Rows and columns.
SIZES = (40, 120), (30, 100), (24, 80), (16, 60)

# A run of small steps that does not end by itself.
SMALL = [
    f"--set={s}"
    for s in ("batch=20", "epoch_samples=100", "valid_samples=20",
              "epochs=100000", "threads=1")
]

UP, DOWN, RIGHT, LEFT = b"\x1bOA", b"\x1bOB", b"\x1bOC", b"\x1bOD"
HOME, END = b"\x1bOH", b"\x1bOF"
PAGE_UP, PAGE_DOWN = b"\x1b[5~", b"\x1b[6~"
ENTER, ESCAPE, TAB = b"\r", b"\x1b", b"\t"

# Private modes, as pyte numbers them.
PASTE, MOUSE, CURSOR = 2004 << 5, 1000 << 5, 25 << 5


def set_size(terminal, rows, cols):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ,
                struct.pack("HHHH", rows, cols, 0, 0))


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


class Screen(pyte.Screen):
    """Adds two sequences that curses sends to an xterm and pyte passes over:
    scrolling, and repeating a character."""

    last = " "

    def draw(self, data):
        # One by one: pyte drops the text after a mark that it does not know.
        for character in [data] if data.isascii() else data:
            super().draw(character)
        self.last = data[-1:]

    @property
    def display(self):
        """pyte's lines, but halves of wide characters may be left."""
        return ["".join(self.buffer[row][col].data
                        for col in range(self.columns))
                for row in range(self.lines)]

    def repeat(self, count=1):
        self.draw(self.last * (count or 1))

    def scroll(self, count, edge, step):
        before = self.cursor.y
        self.cursor.y = edge
        for _ in range(count or 1):
            step()
        self.cursor.y = before

    def scroll_up(self, count=1):
        bottom = self.margins.bottom if self.margins else self.lines - 1
        self.scroll(count, bottom, self.index)

    def scroll_down(self, count=1):
        top = self.margins.top if self.margins else 0
        self.scroll(count, top, self.reverse_index)


class Stream(pyte.ByteStream):
    csi = dict(pyte.ByteStream.csi, S="scroll_up", T="scroll_down",
               b="repeat")
    events = pyte.ByteStream.events | {"scroll_up", "scroll_down", "repeat"}


class Person:
    """Someone at a terminal with memdial, or another command, in it. Its
    picture has the terminal's size, or that of `screen`, if it tells another
    or none."""

    def __init__(self, *arguments, rows=40, cols=120, command=None,
                 screen=None, **extra):
        environment = dict(os.environ, TERM="xterm-256color",
                           LC_ALL="C.UTF-8", XDG_CONFIG_HOME=FOLDER,
                           XDG_STATE_HOME=FOLDER, XDG_CACHE_HOME=FOLDER,
                           OMP_WAIT_POLICY="passive")
        environment.pop("NO_COLOR", None)
        environment.update(extra)
        command = command or [MEMDIAL, *arguments]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(FOLDER)
            set_size(0, rows, cols)
            # Signals that a shell ignores in the background do not matter.
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.execvpe(command[0], command, environment)
        rows, cols = screen or (rows, cols)
        self.screen = Screen(cols, rows)
        self.stream = Stream(self.screen)
        self.raw = bytearray()
        self.status = None

    def resize(self, rows, cols, screen=True):
        if screen:
            self.screen.resize(rows, cols)
        set_size(self.fd, rows, cols)

    def type(self, keys):
        view = memoryview(keys)
        while view:
            self.look(0)
            if select.select([], [self.fd], [], PATIENCE)[1]:
                view = view[os.write(self.fd, view[:256]):]

    def look(self, seconds):
        """Reads the output of that many seconds."""
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

    def click(self, row, col):
        at = b"%d;%d" % (col + 1, row + 1)
        self.type(b"\x1b[<0;%sM\x1b[<0;%sm" % (at, at))

    def click_on(self, pattern, first=0):
        """Clicks in the middle of a text, in some row or below; false if it
        is not there."""
        for row, line in enumerate(self.screen.display):
            match = re.search(pattern, line)
            if match and row >= first:
                self.click(row, (match.start() + match.end() - 1) // 2)
                return True
        return False

    def turn_wheel(self, row, col, turn):
        self.type(b"\x1b[<%d;%d;%dM" % (64 if turn < 0 else 65, col + 1,
                                        row + 1))

    def text(self):
        return "\n".join(self.screen.display)

    def picture(self):
        """The screen with its colours and attributes, to compare."""
        return [(cell.data, cell.fg, cell.bold, cell.reverse,
                 cell.underscore)
                for row in range(self.screen.lines)
                for cell in map(self.screen.buffer[row].__getitem__,
                                range(self.screen.columns))]

    def go_to_pane(self, title):
        """Clicks on a pane's title, or on its name above the only pane."""
        self.comes(lambda: self.click_on(f"─ {title} ", 1) or
                   self.click_on(f" {title} ", 1))

    def has_borders(self):
        return "╭" in self.text()

    def region(self, title):
        """The place of the inside of the pane of that title: rows, and its
        first and last column. A pane without borders lies between tabs, or
        names of panes, and the state."""
        lines = self.screen.display
        for row, line in enumerate(lines):
            left = line.find(f"╭─ {title} ")
            if left < 0:
                continue
            end = next((r for r in range(row, len(lines))
                        if lines[r][left] == "╰"), row)
            right = line.find("╮", left)
            if end == row or right < 0: # half drawn
                return range(0), 0, 0
            return range(row + 1, end), left + 1, right - 1
        return (range(1 + (f" {title} " in lines[1]), len(lines) - 2), 0,
                self.screen.columns - 1)

    def pane(self, title):
        """The lines of a pane."""
        rows, left, right = self.region(title)
        return [self.screen.display[r][left:right + 1] for r in rows]

    def chosen(self, title):
        """The lines of a pane that are drawn reversed, from end to end."""
        rows, left, right = self.region(title)
        return [self.screen.display[r][left:right + 1] for r in rows
                if self.screen.buffer[r][left].reverse and
                self.screen.buffer[r][right].reverse]

    def comes(self, check, patience=None):
        """Waits until a function of the screen is true; returns its value."""
        end = time.monotonic() + (patience or PATIENCE)
        while not (found := check()):
            if time.monotonic() > end:
                return found
            self.look(0.05)
        return found

    def sees(self, pattern, patience=None):
        """Waits for a text on the screen."""
        return bool(self.comes(lambda: re.search(pattern, self.text()),
                               patience))

    def closes(self, pattern):
        """Types Esc until a text is gone."""
        self.type(ESCAPE)
        return bool(self.comes(lambda: not re.search(pattern, self.text())))

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
            self.look(0.02)
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
        """Whether lines are edited, echoed and translated, as at the start."""
        iflag, oflag, _, lflag, *_ = termios.tcgetattr(self.fd)
        return (iflag & termios.ICRNL and oflag & termios.ONLCR and
                oflag & termios.OPOST and lflag & termios.ICANON and
                lflag & termios.ECHO and lflag & termios.ISIG)

    def workers(self):
        return children(self.pid)

    def hang_up(self):
        """The terminal goes away; a silent pipe takes its place."""
        nothing, self.silence = os.pipe()
        os.dup2(nothing, self.fd)
        os.close(nothing)

    def leave(self):
        if self.alive():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


def size_name(p):
    return f"{p.screen.columns}x{p.screen.lines}"


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
    """Ends the tests; does not return."""
    print(f"1..{count}")
    shutil.rmtree(FOLDER, ignore_errors=True)
    sys.exit(failed != 0)
