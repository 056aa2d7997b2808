"""Names and texts that would do something to a terminal, or to the program,
are given to every command and option: no control character comes out, nothing
crashes, and files of such names work. Prints TAP."""

import itertools
import json
import os
import shlex
import subprocess
import unicodedata

from person import (FOLDER, MEMDIAL, PATIENCE, SMALL, Person, finish, report)

HOME = os.fsencode(FOLDER)

# Pieces of names. The file system of the folder takes any byte but two.
NAMES = {
    "escapes": b"a\x1b[2J\x1b]0;owned\x07\x08\r\x0e\x7fz",
    "line breaks": b"a\nmemdial: all is well\n\tz\x0b\x0c",
    "C1": b"a\xc2\x9b2J\xc2\x9d0;owned\xc2\x9c\xc2\x85z",
    "bidi": "a\u202e\u2066\u200f\u061c\u2028\u2029\u200b\ufeffz".encode(),
    "tags": "a\U000e0041\U000e007f\u00ad\ufff9\U0001d173\uffffz".encode(),
    "no UTF-8": b"a\xff\xfe\x80\x9b2J\xe2\x82\xed\xa0\x80\xc0\xafz",
    "formats": b"%n%s%s%99999999d%*c",
    "an option": b"-rf --json",
    "long": "é".encode() * 125,
    "escaped": "a\uef9b\uefff\uee80".encode(),
    "nothing": b"",
}

LOCALES = itertools.cycle(["C.UTF-8", "C", "xx_YY.nonsense", "POSIX"])

# A run that takes a moment.
A_MOMENT = [f"--set={s}" for s in ("epochs=1", "epoch_samples=4", "batch=2",
                                   "valid_samples=2", "threads=1")]


def is_harmless(character):
    """Whether Unicode says so, not our own list."""
    if character == "\n":
        return True
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return False
    return ord(character) & 0xfffe != 0xfffe


def is_clean(said, locale):
    try:
        text = said.decode("utf-8" if locale == "C.UTF-8" else "ascii")
    except UnicodeDecodeError:
        return False
    return all(map(is_harmless, text))


def run(*arguments, codes=(0, 1, 2), input=b"", **environment):
    """Whether a command ends in order and harms no terminal."""
    locale = environment.setdefault("LC_ALL", next(LOCALES))
    all_of_it = dict(os.environ, XDG_CONFIG_HOME=HOME, XDG_STATE_HOME=HOME,
                     LANG="C", MEMDIAL_RUNS="none")
    all_of_it.update(environment)
    done = subprocess.run([MEMDIAL, *arguments], input=input, env=all_of_it,
                          cwd=HOME, capture_output=True, timeout=PATIENCE)
    good = (done.returncode in codes and is_clean(done.stdout, locale) and
            is_clean(done.stderr, locale) and
            (done.returncode == 0 or done.stderr.count(b"\n") <= 1))
    if not good:
        print("#", done.returncode, locale, arguments, environment,
              done.stdout[-400:], done.stderr[-400:])
    run.stdout = done.stdout
    return good


def write(path, text):
    with open(os.path.join(HOME, os.fsencode(path)), "wb") as file:
        file.write(text)


def quoted(name):
    """The bytes as text of YAML, where a description can have all of
    Unicode."""
    text = name.decode("utf-8", "replace").replace("\n", "\t")
    return '"%s"' % "".join(
        c if c.isalnum() else r"\U%08x" % ord(c) for c in text)[:2000]


def lines(*commands):
    return b"".join(json.dumps(c).encode() + b"\n" for c in commands)


def as_json(name):
    """The bytes as in JSON: those that are no UTF-8 become special
    characters."""
    return "".join(chr(0xef00 + (ord(c) & 0xff))
                   if 0xdc80 <= ord(c) <= 0xdcff else c
                   for c in name.decode("utf-8", "surrogateescape"))


def as_argument(what, name):
    """Gives a name to every option that takes a word."""
    commands = [
        [name], ["plan", name], ["train", name], ["plan", b"./" + name],
        [b"./" + name], [b"--" + name], ["plan", b"--" + name],
        ["plan", b"-" + name], ["presets", name], ["settings", b"--" + name],
        ["worker", name], ["plan", "--set", name],
        ["plan", "--set", name + b"=1"], ["plan", "--set", b"batch=" + name],
        ["plan", "--set", b"backend=" + name],
        ["plan", "--set", b"precision=" + name],
        ["train", "--epochs", name], ["train", "--load", name],
        ["train", "--set", "data=cifar10", "--set", b"data_path=" + name],
        ["plan", "--json", "--set", b"data_path=" + name],
        ["plan", "quick", name], ["--theme", name],
    ]
    report(all([run(*c) for c in commands]), f"{what}: as an argument")


def as_environment(what, name):
    names = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "TERM", "LANG",
             "LC_ALL", "COLUMNS", "LINES", "NO_COLOR", "COLORFGBG",
             "MEMDIAL_CPU_ISA", "MEMDIAL_CUDA_MODULE")
    good = True
    for variable in names:
        for value in name, b"/" + name:
            extra = {variable: value, "LC_ALL": b"C"}
            if variable in ("LANG", "LC_ALL"):
                extra = {"LC_ALL": value}
            for command in ["presets"], ["backends"], ["train", "nosuch"]:
                good = run(*command, **extra) and good
    report(good, f"{what}: as a value of the environment")


def as_file(what, name):
    """A preset of that name and description, and a snapshot."""
    name = name[:240]
    text = b"description: " + quoted(name[:40]).encode() + b"\nbatch: 3\n"
    try:
        write(name + b".yaml", text)
        write(b"memdial/presets/" + name + b".yaml", text)
    except OSError:
        report(True, f"{what}: as a file # SKIP the file system does not "
               "take it")
        return
    path = b"./" + name + b".yaml"
    good = all([run("presets", codes=[0]),
                run("presets", "--json", codes=[0])])
    listed = [preset["name"] for preset in json.loads(run.stdout)]
    good = good and run("plan", path, codes=[0])
    good = good and run("plan", path, "--json", "--layers", codes=[0])
    report(good, f"{what}: as the name of a preset")
    report(what == "escaped" or as_json(name) in listed,
           f"{what}: ... which --json tells: {ascii(listed)}")
    good = run("train", path, *A_MOMENT, "--save", b"./" + name, codes=[0])
    good = good and run("train", path, *A_MOMENT, "--json", "--load",
                        b"./" + name, codes=[0])
    report(good and os.path.exists(os.path.join(HOME, name)),
           f"{what}: as the name of a snapshot")


def as_command(what, name):
    """The worker is given all bytes and keeps them."""
    if what == "escaped":
        return
    text, settings = as_json(name), {"epochs": 1, "epoch_samples": 4,
                                     "batch": 2, "valid_samples": 2,
                                     "threads": 1}
    saved = b"worker-" + name[:200]
    start = {"command": "start", "name": text, "settings": settings,
             "save": "./" + as_json(saved)}
    good = run("worker", codes=[0], input=lines(
        {"command": text}, {text: 1}, {"command": "start", "preset": text},
        {"command": "start", "load": text}, {"command": "save", "path": text},
        {"command": "start", "settings": {text: 1}},
        {"command": "start", "settings": {"data_path": text}},
        start, {"command": "save", "path": "./" + as_json(saved) + "+"}))
    said = list(map(json.loads, run.stdout.splitlines()))
    good = good and any(e["type"] == "start" and e["preset"] == text
                        for e in said)
    report(good, f"{what}: in commands to a worker")
    report(os.path.exists(os.path.join(HOME, saved)) and
           os.path.exists(os.path.join(HOME, saved + b"+")),
           f"{what}: ... as the name of its snapshots")


# Says `start`, and then the contents of a file. It is one process, which the
# system ends with the screens that leave() kills.
TELLER = """
    read -r command
    settings=$(printf %s "$command" | sed 's/.*"settings":\\({[^}]*}\\).*/\\1/')
    printf '{"type":"start","schema":1,"preset":"quick","settings":%s,' "$settings"
    printf '"backend":"cpu","processors":1,"step":0,"steps":9}\\n'
    cat said
    exec sleep 1000
"""


def as_answer(what, name):
    """The events come from a foreign worker."""
    write("said", lines({"type": "warning", "message": as_json(name)},
                        {"type": "refused", "command": as_json(name),
                         "message": as_json(name), "sets": 0}) + name + b"\n" +
          lines({"type": "error", "message": as_json(name)}))
    report(run("--plain", "--worker", TELLER), f"{what}: from a worker")
    quoted_name = os.fsencode(shlex.quote(os.fsdecode(name)))
    report(run("--plain", "--worker", b"echo " + quoted_name, codes=[1, 2]),
           f"{what}: as a command that is no worker")


def sent(p):
    """Whether only sequences of curses have gone to the terminal."""
    p.look(0.3)
    try:
        text = bytes(p.raw).decode()
    except UnicodeDecodeError:
        return False
    return (b"\x1b]" not in p.raw and b"\x1b[2J\x1b]" not in p.raw and
            not any(unicodedata.category(c) in ("Cf", "Cs", "Zl", "Zp") or
                    0x7f <= ord(c) < 0xa0 for c in text))


def on_screens():
    """All texts at once: in the list of presets, as the preset that is loaded,
    and from the worker."""
    said = b""
    for name in NAMES.values():
        said += lines({"type": "warning", "message": as_json(name)}) + name
        said += b"\n"
    write("said", said + lines({"type": "error", "message": "x\x1b]0;owned\x07"
                                "\u202e\x9b2J"}))
    for locale in "C.UTF-8", "C", "xx_YY.nonsense":
        path = b"./" + NAMES["no UTF-8"] + b".yaml"
        p = Person(path, *SMALL, "--worker", TELLER, LC_ALL=locale)
        report(p.sees("The run cannot go on"), f"screens, {locale}: begin", p)
        p.type(b"\x1b")
        p.look(0.3)
        for page in b"1", b"2", b"3", b"4", b"6", b"5":
            p.type(page)
            p.look(0.2)
        report(p.sees("Presets") and p.alive(), f"screens, {locale}: all pages",
               p)
        report(sent(p), f"screens, {locale}: nothing else is sent", p)
        p.leave()


def main():
    os.makedirs(os.path.join(HOME, b"memdial/presets"))
    for what, name in NAMES.items():
        as_argument(what, name)
        as_environment(what, name)
        as_command(what, name)
        as_answer(what, name)
        if name:
            as_file(what, name)
    as_argument("longer than a path", b"d/" * 3000)
    as_environment("longer than a path", b"d/" * 3000)
    on_screens()
    finish()


main()
