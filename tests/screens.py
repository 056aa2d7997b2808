"""The screens from outside: a scripted person uses them. Prints TAP."""

import os
import random
import re
import shutil
import signal
import subprocess
import time

from person import (DOWN, ESCAPE, FOLDER, HOME, LEFT, MEMDIAL, PASTE, RIGHT,
                    SMALL, Person, finish, report)


def value(person, name):
    match = re.search(r"^│[▸ ] ? ?%s +(\S+)" % name, person.text(), re.M)
    return match and match[1]


def peak(person):
    match = re.search(r"planned .*? ([\d.]+ [KMG]iB)", person.text())
    return match and match[1]


def turn_dials(p):
    """Turns each dial up, until it is applied, and back with undo."""
    for page in 1, 2:
        names = re.findall(r"^│[▸ ]  ?([a-z_0-9]+) +\S", p.text(), re.M)
        p.type(HOME)
        for name in names:
            if name == "gradients": # nesterov holds it back
                p.type(RIGHT)
                report(p.sees("gradients: accumulate cannot"),
                       "dial gradients says what holds it back", p)
                p.closes("gradients: accumulate cannot")
                p.type(b"u")
                p.look(0.5)
                p.type(DOWN)
                continue
            before = value(p, name)
            p.type(RIGHT)
            # A change that was undone may be applied with it, as one; the
            # screens say which of them is idle.
            applied = rf"applied [^\n]*\b{name}=|{name}=\S+ has no effect"
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


def comes_back(p):
    """Types Esc and 1, one at a time, until only the first page is shown."""
    def tries():
        for key in ESCAPE, b"1":
            p.type(key)
            p.look(0.3)
        return "Dials" in p.text() and "q quit" in p.screen.display[-1]
    return p.comes(tries) and p.alive()


def type_garbage(p):
    choose = random.Random(3)
    for _ in range(200):
        p.type(bytes(choose.choice(b"hjkl+-u\t\rLp123456[]dcxgm<> \x1b[;\xe2\x82")
                     for _ in range(10)))
    report(comes_back(p), "typed garbage", p)


def click(p):
    quit_at = p.screen.display[-1].rindex("q quit")
    for row in range(0, 40, 3):
        for col in range(0, 120, 7):
            if row < 39 or col < quit_at - 1:
                p.type(b"\x1b[<0;%d;%dM\x1b[<0;%d;%dm" % (col + 1, row + 1,
                                                         col + 1, row + 1))
    p.type(b"\x1b[<64;60;10M\x1b[<65;60;10M")
    p.look(0.2)
    report(comes_back(p), "clicked everywhere", p)
    col = p.screen.display[0].index("2 Step") + 1
    p.type(b"\x1b[<0;%d;1M" % col)
    report(p.sees("Arena|Bytes alive"), "a tab can be clicked", p)
    p.type(b"1")


def kill_worker(p):
    # Keys are taken in turn: when help is shown, R has been carried out.
    # Otherwise R would restart a worker that died before it, without a message.
    # Clicks everywhere may have begun a run of another preset.
    p.sees(r"epoch \d+ of .*training")
    p.type(b"R")
    report(p.sees("─ The same run from the beginning ─") and
           p.sees(r"The run of \S+ ends"), "R asks first", p)
    p.type(b"\r?")
    p.sees("─ Keys ─")
    p.closes("─ Keys ─")
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
    for act in turn_dials, fit, resize, paste, type_garbage, click, kill_worker:
        act(p)
    workers = p.workers()
    p.type(b"?")
    report(p.sees("Keys"), "help", p)
    p.type(ESCAPE)
    p.look(0.3)
    report(p.alive(), "Esc does not quit", p)
    p.sees("all of the arena")
    p.type(b"q")
    report(p.sees("─ Leave") and p.alive(), "q asks, as a run is under way", p)
    p.type(ESCAPE)
    p.look(0.3)
    p.type(b"q")
    p.sees("─ Leave")
    p.type(b"q")
    report(p.ends() == 0, "q once more quits")
    report(p.restored(), "the terminal is as it was")
    report(summed_up(p), "and has a summary on it", p)
    time.sleep(0.5)
    report(workers and not any(os.path.exists(f"/proc/{w}") for w in workers),
           "the worker is gone")
    p.leave()


def fit(p):
    """Asks for a budget, applies what fits, and drags a budget."""
    p.type(b"f")
    report(p.sees("train in at most"), "f asks for a budget", p)
    p.type(b"\x15" + b"0\r")
    report(p.sees("'0' is no budget"), "0 is no budget", p)
    p.type(b"f\x15400KiB\r")
    report(p.sees("Within 400.0 KiB"), "settings that fit are found", p)
    report(p.sees("(?m)^│ [FRSTC] .*KiB .*×"), "and shown as a table", p)
    p.resize(16, 60)
    report(p.sees("Settings that fit") and p.alive(), "in a small terminal too",
           p)
    p.resize(40, 120)
    p.sees("Bytes and seconds ─")
    p.type(b"\r")
    report(p.sees("(?s)dials are turned|applied "), "Enter applies", p)
    p.type(b"u1")
    report(p.sees("Dials"), "and undo takes it back", p)
    row = next(r for r, line in enumerate(p.screen.display)
               if "│baseline" in line)
    col = p.screen.display[row].index("│baseline") + 20
    at = lambda c: b"%d;%d" % (c + 1, row + 1)
    p.type(b"\x1b[<0;%sM" % at(col))
    for step in range(1, 10):
        p.type(b"\x1b[<32;%sM" % at(col + step))
    report(p.sees("let go, and what fits"), "a budget is dragged", p)
    p.type(b"\x1b[<0;%sm" % at(col + 9))
    report(p.sees("Within [0-9.]+ [KM]iB"), "and searched for", p)
    p.type(ESCAPE)
    report(p.sees("Dials"), "Esc goes back", p)


def summed_up(p):
    """Whether lines about the run are below the old contents, and one of them
    is a command that works. The first two may be too long for a row."""
    match = re.search(r"(?m)^\S+: .*\n(?:.*\n){0,4}?"
                      r"peak [\d.]+ \w+, arena.*\n(?:.*\n)?"
                      r"(?:best validation accuracy [\d.]+%, in epoch \d+|no "
                      r"epoch .*) *\n\d+ of \d+ steps in \S+ *\n.*\n"
                      r"    memdial train ((?:.|\n)*)--save FILE",
                      p.text())
    if not match:
        return False
    plan = subprocess.run([MEMDIAL, "plan",
                           *match[1].replace("\n", "").split()],
                          capture_output=True)
    return plan.returncode == 0


def an_interrupt():
    p = Person(*SMALL)
    p.sees("training")
    p.sees("epoch [2-9]")
    p.type(b"\x03")
    report(p.sees("─ Leave") and p.alive(), "Ctrl-C asks as q does", p)
    p.type(b"\x03")
    report(p.ends() == -signal.SIGINT and p.restored(),
           "and once more leaves the terminal clean", p)
    report(summed_up(p), "with a summary", p)
    p.leave()
    for number, words in (signal.SIGTERM, True), (signal.SIGHUP, False):
        p = Person(*SMALL)
        p.sees("epoch [2-9]")
        os.kill(p.pid, number)
        report(p.ends() == -number and summed_up(p) == words,
               f"{signal.Signals(number).name}: a summary is "
               f"{'' if words else 'not '}printed", p)
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
    p.type(b"qq")
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


def a_refusal_meanwhile():
    """The worker refuses the run while a value is typed."""
    gate = os.path.join(FOLDER, "gate")
    p = Person("wrn-10-1", "--set=data_path=/missing",
               f"--worker=until test -e '{gate}'; do sleep 0.1; done; "
               f"exec '{MEMDIAL}' worker")
    p.sees("starting")
    p.type(b"R")
    report(p.sees("about to begin"), "R begins no run that begins already", p)
    p.type(b"\rv")
    p.sees("Enter takes it")
    open(gate, "w").close()
    report(p.sees("failed") and not "from files ─" in p.text(),
           "a refusal waits for an answer", p)
    p.type(b"2\r")
    report(p.sees("wrn-10-1 trains on images from files ─"),
           "and is told after it", p)
    p.type(b"\r")
    p.look(0.5)
    report("from files ─" in p.text() and "failed" in p.text(),
           "Enter there begins no run", p)
    p.type(ESCAPE)
    p.closes("from files ─")
    p.type(b"q")
    report(p.ends() == 0, "and q leaves", p)
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


def sentences(*arguments, commands=b"", stdin=subprocess.PIPE, wait=None):
    """The lines that --plain prints, and its exit status; `wait` is a text to
    wait for before each command is given."""
    p = subprocess.Popen(
        [MEMDIAL, "--plain", *arguments], stdin=stdin,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=dict(os.environ, XDG_CONFIG_HOME=FOLDER, XDG_STATE_HOME=FOLDER))
    said = []
    for command, text in commands or ():
        while not any(re.search(text, line) for line in said[-1:]):
            line = p.stdout.readline().decode()
            if not line:
                break
            said.append(line)
        p.stdin.write(command)
        p.stdin.flush()
    if stdin == subprocess.PIPE:
        p.stdin.close()
    said += p.stdout.read().decode().splitlines(True)
    return [line.rstrip("\n") for line in said], p.wait()


def plain():
    said, code = sentences("--set=epochs=2", *SMALL[:3],
                           stdin=subprocess.DEVNULL)
    report(code == 0 and said[-1] == "Done." and
           any(line.startswith("Epoch 2 done") for line in said),
           "--plain: sentences, with nothing on standard input", None)
    report(len(set(said)) == len(said) and
           sum(line.startswith("Planned") for line in said) == 1,
           f"--plain: none is said twice: {said}")
    said, code = sentences("wrn-10-1", stdin=subprocess.DEVNULL)
    report(code == 1 and len(said) == 1 and "data_path: not set" in said[0],
           f"--plain: why it cannot begin, once: {said}")
    said, code = sentences(*SMALL, commands=(
        (b"set precision=fp16 microbatch=10\n", "^Step"),
        (b"pause\r\n", "^Changed .*microbatch=10 precision=fp16; planned"),
        (b"set depth=16\n", "^Paused at step"),
        (b"set precison=bf16\n", "depth: cannot change during a run"),
        (b"  puase\n", "did you mean 'precision'"),
        (b"\xff\x1b[2Jset\n", "did you mean 'pause'"),
        (b"set\n", "Not done: no command '[^\x1b]*'"),
        (b"set precision\n", "Not done: set: name=value must follow"),
        (b"pause now\n", "'precision' is not of the form"),
        (b"x" * 100000 + b"\n", "nothing can follow"),
        (b"\n\n \nset lr=0\n", "a line of 1024 bytes or more"),
        (b"set precision=fp16\n", "lr: '0' is not a number from"),
        (b"fit 0\n", "it is set so already"),
        (b"fit 400KiB \n", "fit: '0' is no budget"),
        (b"fit 1\n", "of baseline: set .*microbatch"),
        (b"dials\n", r"nothing trains in 1 B: the least is .* \(\d+ bytes\)"),
        (b"help\n", "^tf32=no: "),
        (b"resume\n", "^help: "),
        (b"set recompute=norms\n", "^Going on from step"),
        (b"quit", "^Changed .*: recompute=norms; planned")))
    report(code == 0 and said[-1].startswith("Ended at step"),
           "--plain: commands are carried out, or it is said why not; the "
           f"last without a newline: {said[-2:]}")


def plain_of_others():
    """Workers of other versions: an epoch before the run has begun, and one
    without a score."""
    epoch = ('{"type":"epoch","epoch":1,"train_loss":1,"train_accuracy":0.5,'
             '"valid_loss":1,"valid_accuracy":0.25,"seconds":1}')
    start = subprocess.run([MEMDIAL, "train", "--json", "--epochs=1",
                            *SMALL[:3]], capture_output=True).stdout.decode()
    start = start.splitlines()[0].replace('"score":"accuracy"', '"x":1')
    for lines, text in (([epoch], "ended"),
                        ([start, epoch], "Epoch 1 done: in training accuracy "
                         "50.0 percent, in validation accuracy 25.0 "
                         "percent.")):
        with open(FOLDER + "/others", "w") as file:
            file.write("\n".join(lines) + "\n")
        said, code = sentences("--worker", f"cat {FOLDER}/others",
                               stdin=subprocess.DEVNULL)
        report(code == 1 and any(text in line for line in said) and
               not any("nan" in line for line in said),
               f"--plain: events of another version: {said}")


def plain_goes_on():
    """The run does not end with the commands, but with quit."""
    said, code = sentences("--set=epochs=3", *SMALL[:3],
                           commands=((b"set lr=0.01\n", "^Training"),))
    report(code == 0 and said[-1] == "Done.",
           "--plain: the end of the commands is not that of the run")
    said, code = sentences(*SMALL, commands=((b"quit\n", "^Step"),))
    report(code == 0 and re.match(r"Ended at step \d+ of \d+\.", said[-1]),
           f"--plain: quit ends it: {said[-1]}")
    said, code = sentences(*SMALL, commands=((b"pause\nquit\n", "^Training"),))
    report(code == 0 and re.match(r"Ended at step \d+ of \d{5,}\.", said[-1]),
           f"--plain: so it does before the first step: {said[-1]}")
    said, code = sentences(*SMALL, commands=((b"pause\0\n", "^Training"),
                                             (b"set lr=0.01\rdepth=16\n",
                                              "a byte that is zero"),
                                             (b"quit\n", "^Not done: ")))
    report(code == 0 and said[-1].startswith("Ended at step"),
           f"--plain: no line is taken in part: {said}")
    p = Person("--plain", *SMALL, XDG_STATE_HOME=FOLDER + "/plain")
    p.sees("Epoch 1 done")
    p.type(b"\x03")
    report(p.ends() == -signal.SIGINT and "Ended at step" in p.text() and
           not os.listdir(FOLDER + "/plain/memdial"),
           "--plain: Ctrl-C ends it, and nothing stays behind", p)
    p.leave()
    p = Person("--plain", *SMALL)
    report(p.sees("Commands can be typed") and p.sees("Step 1 "),
           "--plain: at a terminal", p)
    p.type(b"pause\r")
    report(p.sees("Paused at step"), "--plain: commands can be typed", p)
    p.type(b"quit\r")
    report(p.ends() == 0 and b"\x1b" not in p.raw,
           "--plain: without escape codes", p)
    p.leave()


def main():
    a_session()
    an_interrupt()
    a_stop()
    appearances()
    refusals()
    a_refusal_meanwhile()
    plain()
    plain_of_others()
    plain_goes_on()
    finish()


main()
