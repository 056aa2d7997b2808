"""The parts of every page: the mouse on tabs, hints and rows, keys as other
programs have them, no colour where there must be none. Prints TAP."""

import os
import re
import xml.etree.ElementTree as xml

from person import (DOWN, ENTER, ESCAPE, FOLDER, HOME, SIZES, SMALL, TAB, Person,
                    finish, report, size_name)

# The mouse

TABS = {"Run": "Dials", "Step": "At the cursor", "Layers": "all layers",
        "Runs": "Settings tried", "Presets": "dynamicconv|comes with memdial",
        "Fit": "Settings that fit"}

# The text that a click on a hint brings to the screen, in a line that was not
# there before; the frame does not change by itself while the run is paused.
EFFECTS = {
    "less": "applied|no further step", "more": "applied|no further step",
    "undo": "undone|applied|nothing to undo",
    "lock": "changes stay pending",
    "pin": "pinned: comparing|nothing to pin",
    "apply": "nothing is found", "fit": "train in", "budget": "train in",
    "pause": "training",
    "restart": "The same run from the beginning",
    "picture": r"wrote memdial-\d+.(svg|txt)", "show": "─ Settings [A-Z]",
    "load": "these are the current settings|A new run of|"
            "on (images|sentences) from files",
    "diff": "all settings|differs +current", "save as": "save as:",
    "zoom": "bars: ", "theme": "theme light", "help": "─ Keys ─",
}


def click_tabs(p):
    for number, (name, text) in enumerate(TABS.items(), 1):
        p.click_on(rf" {number}\b")
        report(p.sees(text), f"{size_name(p)}: a click on the tab {name}", p)


def hints(p):
    line = p.screen.display[-1]
    return re.findall(r"(\S+) (save as|[a-z]+)", line)


def click_hint(p, label, word):
    """Clicks a hint when it is there, which a box may still hide."""
    hint = re.escape(f"{label} {word}")
    if not p.comes(lambda: re.search(hint, p.screen.display[-1])):
        return False
    before, lines = p.picture(), p.screen.display
    p.click_on(hint, p.screen.lines - 1)
    if word not in EFFECTS:
        return p.comes(lambda: p.picture() != before)
    return p.comes(lambda: any(line not in lines and
                               re.search(EFFECTS[word], line)
                               for line in p.screen.display))


def pause(p):
    p.sees("training")
    p.type(b"Z")
    p.sees("paused")
    p.look(0.2)


def take_back(p, word, number, name):
    """Undoes the effect of the click on a hint."""
    p.type(ESCAPE)
    p.look(0.1)
    if name == "Fit":  # Esc leaves it, and its notice goes
        p.type(b"%d" % number)
        p.sees(TABS[name])
    if word == "pause":
        pause(p)
    if word == "undo" and name != "Fit":  # else its notice hides the next one
        p.sees("applied|nothing to undo")
    for of, keys, text in (("lock", b"L", "unlocked"),
                           ("pin", b"p", "the baseline again|nothing to pin"),
                           ("theme", b"tttt", "theme dark"),
                           ("curve", b"cc", "train"), ("in", b"-", "")):
        if word == of:
            p.type(keys)
            p.sees(text)


def click_hints(p):
    """Clicks all hints of every page but `quit`; then that one."""
    for number, name in enumerate(TABS, 1):
        p.type(b"%d" % number)
        p.sees(TABS[name])
        p.look(0.3)  # the line of hints is drawn last
        found = hints(p)
        bad = []
        for label, word in found:
            if word == "quit":
                continue
            if word == "out":
                p.type(b"+")
                p.look(0.1)
            for _ in range(2):  # a late notice of what was before may hide it
                done = click_hint(p, label, word)
                take_back(p, word, number, name)
                if done:
                    break
            else:
                bad.append(f"{label} {word}")
        report(len(found) > 3 and not bad,
               f"{size_name(p)}, {name}: {len(found)} hints can be clicked"
               f"{'' if not bad else ', but not ' + ', '.join(bad)}", p)


def chosen_row(p, title):
    rows, left, right = p.region(title)
    return next((i for i, row in enumerate(rows)
                 if p.screen.buffer[row][left].reverse and
                 p.screen.buffer[row][right].reverse), None)


def use_wheel(p):
    p.type(b"3" + HOME)
    p.sees("all layers")
    first = p.comes(lambda: chosen_row(p, "Layers"))
    for turn, row in ((1, 1), (1, 2), (-1, 1)):
        p.turn_wheel(p.screen.lines // 2, 20, turn)
        report(first and p.comes(lambda: chosen_row(p, "Layers") ==
                                 first + row),
               f"{size_name(p)}: the wheel goes to row {row}", p)


def use_mouse():
    p = Person(*SMALL)
    pause(p)
    for size in SIZES[0], SIZES[2], SIZES[3]:
        p.resize(*size)
        p.look(0.1)
        click_tabs(p)
        use_wheel(p)
        click_hints(p)
    p.click_on("q quit")
    p.comes(lambda: p.click_on("y leave"))
    report(p.ends() == 0 and p.restored(), "a click on q quit quits", p)
    p.leave()


# Notices that report no trouble

def let_hint_go():
    p = Person(*SMALL, rows=24, cols=80)
    report(p.sees("Enter explains a row, . has all keys"),
           "a hint at the beginning", p)
    report(p.sees(r"epoch \d+ of .* samples/s"),
           "... goes, and the progress is seen", p)
    report("has all keys" not in p.text(), "... without it", p)
    p.leave()


# Keys as other programs have them

def use_keys():
    p = Person(*SMALL)
    p.sees("training")
    for keys, text, what in (
            (b"\x1bOP", "─ Keys ─", "F1 is help"),
            (ESCAPE, "▸ sparsity", "Esc closes it"),
            (b"j", "▸ precision", "j goes down"),
            (b"l", "applied precision=bf16", "l turns a dial up"),
            (b"h", "applied precision=fp32", "h turns it down"),
            (b"k", "▸ sparsity", "k goes up"),
            (b"G", "▸ sparsity", "other letters do nothing"),
            (b"\x1b[Z\x1b[Z ", "─ The peak ─",
             "Shift-Tab goes to the pane before, Space explains"),
            (ESCAPE + b"\x1bOQ", "theme light", "F2 is the next theme"),
            (b"]", "At the cursor", "] is the next page"),
            (b"[[", "Settings that fit", "[ is the page before, in a circle")):
        p.type(keys)
        report(p.sees(text), f"keys: {what}", p)
        p.look(0.1)
    p.type(b"\x1b[21~\x1b[21~")
    report(p.ends() == 0 and p.restored(), "keys: F10 quits", p)
    p.leave()


# Without colour

COLOURS = re.compile(
    rb"\x1b\[(?:[\d;]*;)?(?:[34][0-8]|9[0-7]|10[0-7])(?:;[\d;]*)?m")
PATTERNS = "▓▞░▚█▒▌▙"


def bars(p):
    """The cells of the bars of the page Run: pattern, letter, colour."""
    found = set()
    rows, left, right = p.region("Memory")
    for row in rows[:3]:
        for col in range(left + 9, right - 10):
            cell = p.screen.buffer[row][col]
            if cell.data in PATTERNS:
                found.add((cell.data, cell.fg))
    return found


def show_all(p):
    """Draws every page, with the popups that open on top of it."""
    for page, text in zip(b"123456", TABS.values()):
        p.type(bytes([page]))
        p.sees(text)
        p.type(TAB + ENTER)
        p.look(0.1)
        p.type(ESCAPE)
        p.look(0.1)
    p.type(b"?")
    p.sees("─ Keys ─")
    p.closes("─ Keys ─")
    p.type(b"1")
    p.sees("Dials")


def legend(p):
    """The pattern and letter of each kind of memory, as in the rows."""
    p.comes(lambda: p.chosen("Memory") or p.type(TAB) or p.look(0.1))
    found = set()
    for key in b"<", *(12 * [DOWN]):
        p.type(key)
        p.look(0.1)
        for line in p.pane("Memory"):
            match = re.match(rf"([{PATTERNS}])([A-Z]) [a-z]+ ", line)
            if match:
                found.add((match[1], match[2]))
    return sorted(found)


def without_colour():
    saving = ["--set=sparsity=0.5", "--set=precision=fp16"]
    p = Person(*SMALL, *saving, rows=24, cols=80)
    p.sees(r"valid [\d.]+%")
    p.look(0.1)
    seen = bars(p)
    report(len(seen) > 4 and len({pattern for pattern, _ in seen}) ==
           len({colour for _, colour in seen}) == len(seen),
           f"each colour of a bar has a pattern of its own: {seen}", p)
    p.leave()
    for what, arguments, extra in (
            ("NO_COLOR", [], {"NO_COLOR": "1"}),
            ("theme mono", ["--theme", "mono"], {}),
            ("TERM=vt100", [], {"TERM": "vt100"})):
        p = Person(*SMALL, *saving, *arguments, rows=24, cols=80, **extra)
        p.sees(r"valid [\d.]+%")
        show_all(p)
        report(not COLOURS.search(p.raw), f"{what}: no page has colours", p)
        kinds = legend(p)
        report(len(kinds) == len(set(kinds)) > 5 and
               len({pattern for pattern, _ in kinds}) == len(kinds),
               f"{what}: kinds have patterns and letters: {kinds}", p)
        report(p.comes(lambda: all(
            any(re.search(rf"[⠀-⣿ ]{letter} *$", line)
                for line in p.pane("Curves")[1:]) for letter in "vt")),
               f"{what}: curves have letters", p)
        p.type(b"qq")
        # A vt100 has one screen only.
        report(p.ends() == 0 and (p.restored() or "Dials" not in p.text()),
               f"{what}: leaves the terminal clean", p)
        p.leave()


# Pictures

def lines_of_picture(path):
    """The number of parts of an SVG, or lines of a text."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return len(list(xml.fromstring(text.encode()).iter())) \
        if path.endswith(".svg") else text.count("\n")


def picture(p):
    """Types e; the path of the picture, once it is said to be written."""
    before = set(os.listdir(FOLDER))

    def written():
        found = re.search(r"wrote (memdial-\d+\.(svg|txt))", p.text())
        return found and found[1] not in before and found[1]

    p.type(b"e")
    name = p.comes(written)
    return name and os.path.join(FOLDER, name)


def take_pictures():
    p = Person(*SMALL, rows=30, cols=100)
    pause(p)
    for number, (name, text) in enumerate(TABS.items(), 1):
        p.type(b"%d" % number)
        p.sees(text)
        path = picture(p)
        report(path and lines_of_picture(path) >= 30,
               f"{name}: e writes a picture", p)
    p.type(b"?")
    p.sees("─ Keys ─")
    report(picture(p) and "─ Keys ─" in p.text(),
           "a popup stays for its picture", p)
    p.leave()
    p = Person(*SMALL, rows=30, cols=100, MEMDIAL_PICTURES_MODULE="/none")
    pause(p)
    path = picture(p) or ""
    lines = open(path, encoding="utf-8").read() if path else ""
    report(path.endswith("txt") and "─ Dials ─" in lines and
           "paused" in lines, "without Cairo the text of the page", p)
    p.leave()


def main():
    use_mouse()
    take_pictures()
    use_keys()
    let_hint_go()
    without_colour()
    finish()


main()
