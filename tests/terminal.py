"""The screens at terminals of all kinds and sizes, and the memory that they
take there. Prints TAP."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pyte

from person import (DOWN, FOLDER, LEFT, MEMDIAL, RIGHT, SANITIZED, SMALL, Person,
                    finish, report)

TERMINFO = os.path.join(FOLDER, "terminfo")


def act_as_worker():
    """A worker that trains nothing, in no time."""
    step = sets = 0

    def say(kind, **members):
        print(json.dumps({"type": kind, **members}), flush=True)

    for line in sys.stdin:
        command = json.loads(line)
        if command["command"] == "start":
            say("start", schema=1, preset=command["name"], steps=100000,
                settings=command["settings"], backend="cpu", processors=1,
                step=0)
        elif command["command"] == "set":
            sets += 1
            say("applied", step=step, settings=command["settings"],
                planned=1 << 20, arena=1 << 20, sets=sets)
        step += 1
        say("step", step=step, steps=100000, epoch=1, loss=1.0, accuracy=0.5,
            samples_per_second=100.0, seconds=float(step))


def resident(pid):
    """The bytes of a process."""
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) << 10


def memory_of_changes():
    if SANITIZED:
        report(True, "memory of changes # SKIP sanitizers keep what is freed")
        return
    p = Person(*SMALL, "--set=depth=400",
               f"--worker='{sys.executable}' '{os.path.abspath(__file__)}' "
               "worker")
    report(p.sees("training"), "a worker that trains nothing", p)
    for number in range(60):
        before = len(p.raw)
        p.type(LEFT if number % 2 else RIGHT)
        if not p.comes(lambda: b"applied" in p.raw[before:]):
            break
        if number == 9:
            first = resident(p.pid)
    more = resident(p.pid) - first
    report(number == 59 and more < 16 << 20,
           f"fifty changes of a deep network take {more >> 20} MiB", p)
    p.leave()


# A colour is sent as its number between 9 and m. For keys the dark theme has
# 81, which is red 95, green 215 and blue 255; contrast has 14. With few colours
# both are 6.
DESCRIPTION = """
%s|a terminal of tests,
\tam, xenl, cols#80, lines#24, clear=\\E[H\\E[2J, cup=\\E[%%i%%p1%%d;%%p2%%dH,
\tsmcup=\\E[?1049h, rmcup=\\E[?1049l, sgr0=\\E[m, bold=\\E[1m, rev=\\E[7m,
\tsetaf=\\E[38;9;%%p1%%dm, setab=\\E[48;9;%%p1%%dm, cr=\\r, ind=\\n,
\t%s,
"""
OP = "op=\\E[39;49m"
COLOURS = {
    "rgb-flag": ("RGB, colors#0x1000000, pairs#0x7fff", "dark", 0x5fd7ff),
    "rgb-number": ("RGB#8, colors#0x1000000, pairs#64", "dark", 0x5fd7ff),
    "rgb-bits": ("RGB=5/6/5, colors#0x10000, pairs#64", "dark",
                 95 >> 3 << 11 | 215 >> 2 << 5 | 255 >> 3),
    "rgb-large": ("RGB, colors#0x1000000, pairs#0x10000", "contrast",
                  0x55ffff),
    "rgb-overlaid": ("RGB, CO#16, colors#0x1000000, pairs#64", "contrast", 14),
    "rgb-broken": ("RGB=a/b, colors#0x1000000, pairs#64", "dark", 6),
    "rgb-unsaid": ("colors#0x1000000, pairs#64", "dark", 6),
    "many": ("colors#256, pairs#0x7fff", "dark", 81),
    "many-in-few-pairs": ("colors#256, pairs#24", "dark", 81),
    "many-in-too-few-pairs": ("colors#256, pairs#8", "dark", 6),
    "eighty-eight": ("colors#88, pairs#7744", "dark", 6),
    "sixteen": ("colors#16, pairs#256", "dark", 6),
    "eight": ("colors#8, pairs#64", "dark", 6),
    "eight-in-eight-pairs": ("colors#8, pairs#8", "dark", 6),
    "eight-in-too-few-pairs": ("colors#8, pairs#4", "dark", None),
    "four": ("colors#4, pairs#16", "dark", None),
    "one": ("kmous=\\E[M", "dark", None),
}


def compile_descriptions():
    source = os.path.join(FOLDER, "terminals")
    with open(source, "w") as file:
        for name, (colours, _, _) in COLOURS.items():
            file.write(DESCRIPTION % (f"t-{name}", f"{colours}, {OP}"))
        file.write(DESCRIPTION % ("t-no-op", "colors#8, pairs#64"))
    done = subprocess.run(["tic", "-x", "-o", TERMINFO, source],
                          capture_output=True, text=True)
    return done.returncode == 0 or print("#", done.stderr)


def colours_sent(*arguments, **extra):
    """The colours of a frame, by number, and whether it came."""
    p = Person(*SMALL, *arguments, TERMINFO=TERMINFO, **extra)
    came = p.sees("(?s)training.*Dials") and p.has_borders()
    sent = {int(n) for n in re.findall(rb"\x1b\[[34]8;9;(\d+)m", p.raw)}
    p.leave()
    return came, sent


def colours():
    if not shutil.which("tic"):
        report(True, "colours # SKIP tic is not installed")
        return
    report(compile_descriptions(), "descriptions are made")
    for name, (_, theme, focus) in COLOURS.items():
        came, sent = colours_sent(f"--theme={theme}", TERM=f"t-{name}")
        few = sent <= set(range(8))
        good = not sent if focus is None else focus in sent
        report(came and good and (few == (focus in (6, None))),
               f"{name}: {sorted(sent)}")
    came, sent = colours_sent("--theme=dark", TERM="t-no-op")
    report(came and 6 in sent, "a terminal without colours of its own")
    came, sent = colours_sent("--theme=dark", TERM="t-rgb-flag", NO_COLOR="1")
    report(came and not sent, "NO_COLOR, where colours are direct")


def kinds():
    """The terminals, of these, that are described here."""
    for term in ("vt100", "ansi", "linux", "xterm", "screen", "tmux",
                 "tmux-256color", "alacritty-direct", "konsole-direct", "putty"):
        if subprocess.run(["infocmp", term], capture_output=True).returncode:
            continue
        p = Person(*SMALL, TERM=term)
        report(p.sees("(?s)training.*Dials") and p.has_borders(),
               f"TERM={term}", p)
        p.leave()


def framed(p, rows, cols):
    """Whether a whole frame is in the first rows and columns."""
    lines = p.screen.display
    return (lines[1][cols - 1] == "╮" and lines[rows - 3][cols - 1] == "╯" and
            lines[rows - 1][:cols].rstrip().endswith("q quit") and
            not "".join(line[cols:] for line in lines).strip() and
            not "".join(lines[rows:]).strip())


def sizes():
    """Sizes exported for another terminal do not count; they do where a
    terminal does not know its size."""
    for rows, cols, exported, size in (
            (40, 120, (24, 80), (40, 120)), (24, 80, (60, 200), (24, 80)),
            (24, 80, (0, 0), (24, 80)), (24, 80, (-1, "abc"), (24, 80)),
            (24, 80, (10 ** 20, 30000), (24, 80)), (0, 0, (30, 100), (30, 100)),
            (0, 0, (-1, ""), (24, 80)), (0, 0, (10 ** 20, 10 ** 6), (24, 80)),
            (0, 90, (26, 100), (26, 90))):
        lines, columns = map(str, exported)
        p = Person(*SMALL, rows=rows, cols=cols, LINES=lines, COLUMNS=columns,
                   screen=(60, 200))
        report(p.comes(lambda: framed(p, *size)),
               f"window {cols}x{rows}, COLUMNS={columns} LINES={lines}: "
               f"{size[1]}x{size[0]}", p)
        p.resize(28, 110, screen=False)
        report(p.comes(lambda: framed(p, 28, 110)), "and is resized", p)
        p.leave()


# Characters that terminals measure differently, one below the other.
SCRIPTS = {
    "arabic": "العربية سلام", "cjk": "日本語の説明、漢字",
    "devanagari": "क्षत्रिय हिन्दी में", "emoji": "⚡✅❌⭐ 🫠 🦩",
    "joined": "👩‍💻 👍🏽 ❤️ 🏳️‍🌈", "flags": "🇩🇪 🇨🇭",
    "hangul": "\u1112\u1161\u11ab 한글", "marks": "e\u0301" + "x\u0302" * 3 +
    "\u0303\u0304\u0305\u0306\u0307", "private": "\ue0b0\uf121",
    "tamil": "நிலவு கோயில்", "thai": "ภาษาไทย ที่นี่ น้ำ", "tibetan": "བོད་སྐད་ཡིག",
    "unassigned": "\u0378\U0001fae9", "wide space": "a\u3000b\u00a0c",
}
BORDERS = set("│╭╮╰╯")


def make_presets():
    folder = os.path.join(FOLDER, "memdial", "presets")
    os.makedirs(folder)
    for script, text in SCRIPTS.items():
        for name in script, text:
            with open(os.path.join(folder, name + ".yaml"), "w") as file:
                file.write(f'description: "{text} {script}"\nepochs: 7\n')


def crooked(p):
    """Rows of the body without a border where the first row has one."""
    buffer, lines = p.screen.buffer, range(1, p.screen.lines - 2)
    places = [col for col in range(p.screen.columns)
              if buffer[1][col].data in BORDERS - {"│"}]
    return [row for row in lines if len(places) < 4 or
            not all(buffer[row][col].data in BORDERS for col in places)]


def on_page_presets(p):
    p.sees("(?s)training.*Dials")
    p.type(b"5")
    return p.sees("─ Presets ─") and p.sees("tibetan")


def terminals_disagree():
    """Borders stay whether a terminal gives characters in doubt no column, one
    or two, or the width that Unicode says."""
    known = pyte.screens.wcwidth

    def in_doubt(c):
        return not (ord(c) < 0x590 or 0x2010 <= ord(c) < 0x2300 or
                    0x2500 <= ord(c) < 0x2900)

    for belief in None, 0, 1, 2:
        pyte.screens.wcwidth = lambda c: (known(c) if belief is None or
                                          not in_doubt(c) else belief)
        p = Person(*SMALL)
        good = on_page_presets(p)
        for number in range(len(SCRIPTS)):
            p.type(DOWN)
            good = good and p.comes(lambda: f" {number + 2}/" in p.text())
            good = good and p.comes(lambda: not crooked(p), 5)
        p.type(b"1")
        good = good and p.sees("Memory") and p.comes(lambda: not crooked(p), 5)
        report(good and not re.search("[ก-๛क-ह]", p.text()),
               f"borders, where doubtful characters take {belief}", p)
        p.leave()
    pyte.screens.wcwidth = known


def in_tmux():
    """The picture of the screens in tmux."""
    if not shutil.which("tmux"):
        report(True, "in tmux # SKIP tmux is not installed")
        return
    base = ["tmux", "-L", "memdial", "-f", os.devnull]
    command = shlex.join([MEMDIAL, *SMALL])
    p = Person(command=[*base, "new-session", command], TMUX_TMPDIR=FOLDER,
               rows=41)

    def tmux(*words):
        return subprocess.run([*base, *words], text=True,
                              env=dict(os.environ, TMUX_TMPDIR=FOLDER),
                              capture_output=True).stdout

    def picture():
        return tmux("capture-pane", "-p").split("\n")

    good = on_page_presets(p)
    wrong = p.comes(lambda: not widths_wrong(picture()))
    report(good and wrong, "borders in tmux", p)
    p.type(b"q")
    p.type(b"\r")
    p.ends()
    tmux("kill-server")  # it has ended already if all went well
    p.leave()


def widths_wrong(lines):
    """Rows of a pane that are not as wide as the first, by Unicode, whose
    editions differ on Hangul."""
    rows = [line for line in lines if line[:1] in BORDERS and
            "hangul" not in line and "\u1112" not in line]
    return len(rows) < 30 or [
        row for row in rows
        if sum(max(0, pyte.screens.wcwidth(c)) for c in row) != 120]


def plain_columns():
    """Descriptions begin in the same column whatever the names are."""
    p = Person("presets", rows=60, cols=120)
    p.ends()
    begins = {}
    for row in range(p.screen.lines):
        cells = [p.screen.buffer[row][c].data for c in range(120)]
        text = "".join(cells)
        script = next((s for s in SCRIPTS if text.rstrip().endswith(s)), None)
        if script not in (None, "cjk", "hangul"):
            begins[text] = cells[18] == " " and cells[19] != " "
    report(len(begins) == 2 * (len(SCRIPTS) - 2) and all(begins.values()),
           f"{len(begins)} columns of presets", p)
    p.leave()


def not_unicode():
    """A locale without such characters."""
    p = Person(*SMALL, LC_ALL="C")
    p.sees("(?s)training.*Dials")
    p.type(b"5")
    report(p.sees("- Presets -") and p.sees("tibetan") and p.raw.isascii(),
           "ASCII only where the locale has no more", p)
    p.leave()
    p = Person("presets", LC_ALL="C", rows=60)
    report(p.ends() == 0 and p.raw.isascii(), "and so is what is printed", p)
    p.leave()


RUN = ["train", "quick", "--epochs=1", "--set=batch=20", "--set=threads=1",
       "--set=valid_samples=20"]


def changing_line():
    """The line takes one row, whatever the width, and no part of it is
    left."""
    for cols in 80, 31:
        p = Person(*RUN, "--set=epoch_samples=400", rows=24, cols=cols)
        ended = p.ends()
        rows = [line.rstrip() for line in p.screen.display]
        report(ended == 0 and b"step 20/20" in p.raw and
               not any("step" in row for row in rows) and
               rows[0].startswith("training quick"),
               f"train in {cols} columns", p)
        if cols == 80:
            report(len([row for row in rows if row]) == 8,
                   "and no other line is broken", p)
        p.leave()
    p = Person(*RUN, "--set=epoch_samples=400", "--epochs=1000", rows=24,
               cols=40)
    p.sees("step [0-9]+/")
    p.resize(24, 25)
    p.sees("(?m)^step [0-9]+/[0-9]+ *$")
    p.type(b"\x03")
    report(p.ends() == 0 and "interrupted at step" in p.text() and
           "^C" not in p.text(), "resized and interrupted", p)
    p.leave()


def main():
    changing_line()
    memory_of_changes()
    colours()
    kinds()
    sizes()
    make_presets()
    terminals_disagree()
    in_tmux()
    plain_columns()
    not_unicode()
    finish()


act_as_worker() if "worker" in sys.argv else main()
