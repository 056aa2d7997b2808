"""The pages Step, Layers, Runs and Presets from outside: a scripted person
uses them as they are meant to be, at several sizes, and the last frame is
compared with the output of `memdial plan --json`. Prints TAP."""

import json
import os
import re
import subprocess

from person import (DOWN, END, ENTER, ESCAPE, FOLDER, HOME, LEFT, MEMDIAL,
                    RIGHT, SANITIZED, SIZES, SMALL, TAB, Person, finish, report,
                    size_name)

# The sanitizers take their time.
TRIED = SIZES[::3] if SANITIZED else SIZES

# Settings that fill every page: recomputed, sparse, in microbatches.
SAVING = ["--set=checkpoint=sqrt", "--set=sparsity=0.5", "--set=microbatch=10"]


def plan(*arguments, preset="quick"):
    environment = dict(os.environ, XDG_CONFIG_HOME=FOLDER)
    return json.loads(subprocess.run(
        [MEMDIAL, "plan", preset, "--json", "--timeline", "--layers",
         *arguments], env=environment, check=True, capture_output=True).stdout)


def bytes_text(count):
    """Bytes as src/base/bytes.c prints them."""
    value, unit = count, 0
    while value >= (1023.5 if unit else 1024):
        value /= 1024
        unit += 1
    digits = (0 if unit == 0 or value >= 999.95 else
              2 if value < 9.995 else 1)
    return f"{value:.{digits}f} {('B', 'KiB', 'MiB', 'GiB')[unit]}"


def bytes_of(text):
    number, unit = text.split()
    return float(number) * 1024 ** ("B", "KiB", "MiB").index(unit)


def giga_text(flops):
    """FLOPs as src/plan/layer_table.c prints them."""
    giga = flops / 1e9
    return "0" if not flops else "<0.001" if giga < 0.0005 else f"{giga:.3f}"


def alive(step):
    return sum(step["bytes"].values())


def cells(line):
    """The cells of a row of a table, which may contain single spaces."""
    return re.split(r" {2,}", line.strip())


# Layers

def layer_cells(layer, peak):
    """The table's cells for a layer, by column."""
    nonzeros = layer["nonzeros"]
    return {
        "layer": layer["layer"],
        "saved": bytes_text(layer["saved"]),
        "recomp": giga_text(layer["recompute_flops"]),
        "GFLOP": giga_text(layer["flops"]),
        "peak %": f"{100 * layer['peak_bytes'] / peak:.1f}",
        "parameters": f"{layer['parameters']:,}",
        "nonzeros": "in pool" if nonzeros is None else f"{nonzeros:,}",
        "weights": bytes_text(layer["weights"]),
        "result": "x".join(map(str, layer["shape"])) or "-",
    }


def layer_table(p):
    """Titles, rows as dictionaries, and the row of sums."""
    lines = p.pane("Layers")
    at = next((i for i, line in enumerate(lines)
               if re.search(r"layer[▲▼]? +saved", line)), None)
    if at is None:
        return [], []
    titles = [title.rstrip("▲▼") for title in cells(lines[at])]
    rows = [dict(zip(titles, cells(line))) for line in lines[at + 1:]
            if line.strip()]
    return titles, rows


def right_layers(p, planned):
    """Whether every row that is shown agrees with the plan; a frame may have
    come in part only."""
    _, rows = layer_table(p)
    by_name = {layer["layer"]: layer_cells(layer, planned["peak_bytes"])
               for layer in planned["layers"]}
    rows = [row for row in rows if row["layer"] != "all layers"]
    return rows and all(
        row["layer"] in by_name and
        all(row[title] == text
            for title, text in by_name[row["layer"]].items() if title in row)
        for row in rows)


def saved_column(p):
    return [bytes_of(row["saved"]) for row in layer_table(p)[1][:-1]]


def falls(numbers):
    return numbers and all(a >= b for a, b in zip(numbers, numbers[1:]))


def sort_layers(p, name):
    for _ in range(4):
        if "saved▼" in p.text():
            break
        p.type(b"s")
        p.look(0.1)
    report(p.comes(lambda: falls(saved_column(p))),
           f"{name}: s sorts by what is saved, the most first", p)
    p.type(b"r")
    report(p.comes(lambda: falls(saved_column(p)[::-1])),
           f"{name}: r reverses", p)
    p.click_on(r"GFLOP(?=[▲▼]? {2,})")
    report(p.sees("GFLOP▼"), f"{name}: a click on a title sorts", p)
    p.click_on(r"GFLOP(?=[▲▼]? {2,})")
    report(p.sees("GFLOP▲"), f"{name}: and again the other way", p)


def move_in_layers(p, name, expected):
    """Goes down and to the end, and reads the explanation of Enter there."""
    p.click_on(r"layer(?=[▲▼]? +saved)")
    p.type(HOME + DOWN + DOWN)
    second = expected[2]["layer"]
    report(p.comes(lambda: [second in line for line in p.chosen("Layers")] ==
                   [True]), f"{name}: Down goes down", p)
    p.type(END)
    last = expected[-1]["layer"]
    report(p.comes(lambda: any(last in line for line in p.chosen("Layers"))),
           f"{name}: End goes to the last layer", p)
    p.type(HOME + DOWN + ENTER)
    layer = expected[1]
    report(p.sees(f"─ {re.escape(layer['layer'])} ─") and
           p.sees(f"{layer['parameters']:,}  parameters") and
           p.sees(f"{re.escape(bytes_text(layer['saved']))}  saved"),
           f"{name}: Enter says all of a layer", p)
    report(p.closes("of weights and running"), f"{name}: Esc closes it", p)
    row = next(i for i, line in enumerate(p.screen.display)
               if expected[3]["layer"] in line)
    p.click(row, 20)
    report(p.comes(lambda: any(expected[3]["layer"] in line
                               for line in p.chosen("Layers"))),
           f"{name}: a click chooses a layer", p)
    p.click(row, 20)
    report(p.sees("of weights and running"), f"{name}: a second one "
           "explains", p)
    p.closes("of weights and running")


def use_layers(p, planned, baseline):
    name = f"Layers, {size_name(p)}"
    p.type(b"3")
    report(p.comes(lambda: right_layers(p, planned)),
           f"{name}: rows say what the plan says", p)
    total = bytes_text(sum(l["saved"] for l in planned["layers"]))
    report(p.sees(rf"all layers +{re.escape(total)}"),
           f"{name}: and the last row all of it", p)
    sort_layers(p, name)
    move_in_layers(p, name, planned["layers"])
    p.type(b"v")
    report(p.sees("the baseline") and
           p.comes(lambda: right_layers(p, baseline)),
           f"{name}: v shows the baseline", p)
    p.click_on("‹v›")
    report(p.sees("the settings in force") and
           p.comes(lambda: right_layers(p, planned)),
           f"{name}: a click there goes back", p)


# Step

def says_step(p, planned, index):
    """Whether the pane at the cursor is about a step."""
    step = planned["steps"][index]
    peak = planned["peak_bytes"]
    share = f"{100 * alive(step) / peak:.1f}% of peak"
    lines = "\n".join(p.pane("At the cursor"))
    return (re.search(rf"step {index} of {len(planned['steps'])}: "
                      rf"{step['phase']}\b", lines) and
            f"{step['op']} of {step['layer']}" in lines and
            f"{bytes_text(alive(step))} alive, {share}" in lines and
            all(re.search(rf"[{name[0].upper()}SN](?: {name})? +"
                          rf"{re.escape(bytes_text(count))}", lines)
                for name, count in step["bytes"].items() if count))


def chosen_tensor(p):
    """Size and name of a row."""
    lines = p.chosen("At the cursor")
    return lines and re.findall(
        r"([\d.]+ (?:B|KiB|MiB)) [ +◂]([A-Z] .*)", lines[0])[:1]


def all_tensors(p):
    """Goes through the list; the sizes, and how many there should be."""
    count = int(p.comes(lambda: re.search(r"(\d+) tensors", p.text()))[1])
    sizes, before = [], None
    p.type(HOME)
    for _ in range(count):
        now = p.comes(lambda: chosen_tensor(p) != before and chosen_tensor(p))
        if not now:
            break
        sizes.append(bytes_of(now[0][0]))
        before = now
        p.type(DOWN)
    return sizes, count


def use_step(p, planned):
    name = f"Step, {size_name(p)}"
    peak = planned["peak_step"]["index"]
    p.type(b"2")
    report(p.sees(f"peak {re.escape(bytes_text(planned['peak_bytes']))}"),
           f"{name}: the peak is the plan's", p)
    for where, keys, step in (("begins at the peak", b"", peak),
                              ("Right goes on", RIGHT, peak + 1),
                              ("Left goes back", LEFT + LEFT, peak - 1),
                              ("Home goes to the first", HOME, 0),
                              ("End goes to the last, in evaluation", END,
                               len(planned["steps"]) - 1)):
        p.go_to_pane("Bytes alive")
        p.type(keys)
        p.go_to_pane("At the cursor")
        report(p.comes(lambda: says_step(p, planned, step)),
               f"{name}: the cursor {where}", p)
    p.go_to_pane("Bytes alive")
    p.type(ESCAPE)
    p.look(0.1)
    report(p.alive() and p.sees(f"step {peak}"), f"{name}: Esc goes back to "
           "the peak", p)


def walk_through_tensors(p, planned):
    """At the peak, the list has the living tensors."""
    name = f"Step, {size_name(p)}"
    p.type(b"2" + TAB + TAB)
    sizes, count = all_tensors(p)
    total = planned["peak_bytes"]
    report(len(sizes) == count and falls(sizes) and
           abs(sum(sizes) - total) < 0.01 * total,
           f"{name}: {len(sizes)} of {count} tensors are listed, the largest "
           f"first; {bytes_text(sum(sizes))} of {bytes_text(total)}", p)
    p.type(HOME + ENTER)
    report(p.sees("from the beginning of the arena"),
           f"{name}: Enter explains a tensor", p)
    p.closes("from the beginning of the arena")


def click_in_step(p, planned):
    """Clicks a column of the sawtooth, one of the map, and a tensor."""
    name = f"Step, {size_name(p)}"
    rows, left, right = p.region("Bytes alive")
    p.click(rows[len(rows) // 2], (left + right) // 2)
    p.look(0.2)
    match = re.search(r"step (\d+) of", p.text())
    report(match and says_step(p, planned, int(match[1])) and
           int(match[1]) != planned["peak_step"]["index"],
           f"{name}: a click on a column goes to its step", p)
    p.type(b"+")
    report(p.sees(r"steps \d+ to \d+"), f"{name}: + zooms", p)
    p.click_on("- out")
    report(p.sees("as wide as its FLOPs"),
           f"{name}: a click on the hint zooms out", p)
    rows, left, right = p.region("Arena")
    p.click(rows[-2], left + 20)
    report(p.sees(r"[WGO] \S+ +[\d.]+ \w+ at [\d.]+ \w+, always alive"),
           f"{name}: a click on the map names the tensor there", p)
    p.type(ESCAPE)


# Runs

def trial_rows(p):
    """Rows of the table by their letters."""
    rows = {}
    for line in p.pane("Settings tried"):
        match = re.match(r" ([A-Z])([*▸p]*) +(.*)", line)
        if match:
            rows[match[1]] = (match[2], cells(match[3]))
    return rows


def has_trial(p, letter, planned, words):
    """Whether a row shows how a trial saves memory, its memory and the time
    of a step."""
    def check():
        row = trial_rows(p).get(letter)
        return row and is_written(row[1][0], words) and \
            row[1][1] == bytes_text(planned["peak_bytes"]) and \
            re.fullmatch(r"[\d.]+ m?s", row[1][2])
    return p.comes(check)


def is_written(cell, words):
    """Whether a cell has the words, behind those of a continuation; it may be
    cut there."""
    origin = re.match(r"[\d.]+→[\d.]+ of [A-Z]: ", cell)
    if not origin:
        return cell == words
    cell = cell[origin.end():].rstrip("…")
    return cell and words.startswith(cell)


def letters_in_order(p):
    return list(trial_rows(p))


def try_settings(p):
    """Makes three trials, each until one epoch of it has ended."""
    p.type(b"1" + HOME)
    for keys, applied in (b"", None), (DOWN + RIGHT + RIGHT, "precision=fp16"), (
            DOWN + LEFT, "microbatch=10"):
        p.type(keys)
        if applied:
            p.sees(f"applied.*{applied}")
        p.type(b"4")
        p.comes(lambda: any("▸" in marks and re.search(r"\d\.\d\d%", " ".join(
            row)) for marks, row in trial_rows(p).values()))
        p.type(b"1")
    p.type(b"Z")
    p.sees("paused")


def plot_columns(p):
    """The places of letters in the plot."""
    found = {}
    for line in p.pane("Memory and score")[1:]:
        for match in re.finditer(r"(?<![A-Za-z])[A-E](?![A-Za-z])", line):
            found.setdefault(match[0], match.start())
    return found


def use_runs(p, plans):
    name = f"Runs, {size_name(p)}"
    p.type(b"4")
    p.go_to_pane("Settings tried")
    for letter, words in (("A", "nothing saved"), ("B", "fp16"),
                          ("C", "microbatch 10, fp16")):
        report(has_trial(p, letter, plans[letter], words),
               f"{name}: row {letter} is '{words}', as planned", p)
    p.click_on(r" peak\b")
    report(p.comes(lambda: letters_in_order(p) == ["C", "B", "A"]),
           f"{name}: a click on a title sorts", p)
    p.type(b"r")
    report(p.comes(lambda: letters_in_order(p) == ["A", "B", "C"]),
           f"{name}: r reverses", p)
    p.type(HOME + DOWN)
    report(p.comes(lambda: any(line.startswith(" B")
                               for line in p.chosen("Settings tried"))),
           f"{name}: Down chooses the second", p)
    p.type(ENTER)
    planned = plans["B"]
    factor = planned["baseline"]["peak_bytes"] / planned["peak_bytes"]
    report(p.sees("─ Settings B ─") and
           p.sees(f"Peak {bytes_text(planned['peak_bytes'])}") and
           p.sees(rf"Reduction[ │\n]+{factor:.2f}x, FLOPs"),
           f"{name}: Enter says all of it", p)
    p.closes("─ Settings B ─")


def pin_in_runs(p, plans):
    """Comparing with B compares with its peak."""
    name = f"Runs, {size_name(p)}"
    b, c = plans["B"]["peak_bytes"], plans["C"]["peak_bytes"]
    p.type(b"p")
    report(p.sees("pinned: comparing") and
           p.comes(lambda: "p" in trial_rows(p)["B"][0]),
           f"{name}: p pins the chosen row", p)
    p.type(b"1")
    p.sees("Dials")
    p.go_to_pane("Memory")
    report(p.sees(rf"pinned .* {re.escape(bytes_text(b))}") and
           p.sees(f"{b / c:.2f}x less than pinned"),
           f"{name}: and the page Run compares with it", p)
    p.type(b"4p")
    report(p.sees("comparing with the baseline again"),
           f"{name}: p again goes back to the baseline", p)


def read_plot(p):
    name = f"Runs, {size_name(p)}"
    p.go_to_pane("Memory and score")
    p.sees("MiB +peak")
    report(p.comes(lambda: list(plot_columns(p)) == ["A"]),
           f"{name}: continuations are not in the plot", p)


def choose_row(p, letter):
    """Goes to the row of a trial, whatever the order of the rows."""
    p.type(b"4")
    p.go_to_pane("Settings tried")
    p.type(HOME)
    for _ in trial_rows(p):
        p.look(0.1)
        if any(line.startswith(f" {letter}")
               for line in p.chosen("Settings tried")):
            return
        p.type(DOWN)


def run_afresh(p):
    """B's settings from the beginning are D, which competes with A."""
    choose_row(p, "B")
    p.type(b"N")
    report(p.sees("─ A new run of "), "Runs: N asks first", p)
    p.type(ENTER)
    report(p.comes(lambda: re.search(
        r"\d\.\d\d%", " ".join(trial_rows(p).get("D", ("", []))[1]))),
           "Runs: and runs the settings from the beginning", p)
    p.type(b"Z")
    p.sees("paused")
    p.go_to_pane("Memory and score")
    at = p.comes(lambda: len(plot_columns(p)) == 2 and plot_columns(p))
    report(at and at["D"] < at["A"],
           "Runs: less memory is further left in the plot", p)
    if not p.has_borders():
        return
    rows, left, _ = p.region("Memory and score")
    row = next(i for i in rows[1:] if p.screen.display[i][left + at["D"]] ==
               "D")
    p.click(row, left + at["D"])
    report(p.comes(lambda: any(line.startswith(" D")
                               for line in p.chosen("Settings tried")) or
                   p.pane("Memory and score")[0].startswith(" D ")),
           "Runs: a click on a letter chooses it", p)
    p.type(RIGHT)
    report(p.comes(lambda: p.pane("Memory and score")[0]
                   .startswith(" A ")),
           "Runs: Right goes to the one with more memory", p)


def go_back(p):
    """Goes back to the settings of the first row."""
    choose_row(p, "A")
    p.type(b"b")
    report(p.sees("took settings A|applied .*precision=fp32"),
           "Runs: b goes back to settings", p)
    p.type(b"Z")
    report(p.comes(lambda: "E" in trial_rows(p) and
                   is_written(trial_rows(p)["E"][1][0], "nothing saved")),
           "Runs: which is a new row", p)


# Presets

def presets_folder():
    return os.path.join(FOLDER, "memdial", "presets")


def saved_presets():
    folder = presets_folder()
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def chosen_preset(p):
    for line in p.pane("Presets"):
        match = re.match(r"▸ (\S+)", line)
        if match:
            return match[1]
    return None


def choose_preset(p, name):
    p.go_to_pane("Presets")
    p.type(HOME)
    for _ in range(12):
        p.look(0.1)
        if chosen_preset(p) == name:
            return True
        p.type(DOWN)
    return False


def differing(p):
    """Settings that a preset changes: name, current, preset."""
    return {match[1]: (match[2], match[3]) for match in
            (re.match(r" [! ] (\w+) +(.*?) *→ (.*?) *$", line)
             for line in p.pane("Settings")) if match}


def compare_presets(p):
    """The changes that a preset would make, and its memory."""
    name = f"Presets, {size_name(p)}"
    p.type(b"5")
    report(choose_preset(p, "wrn-16-1"), f"{name}: Down chooses", p)
    peak = plan(preset="wrn-16-1")["peak_bytes"]
    report(p.comes(lambda: any(
        re.match(rf"▸ wrn-16-1 .* {re.escape(bytes_text(peak))}", line)
        for line in p.pane("Presets"))), f"{name}: its peak is the plan's", p)
    p.go_to_pane("Settings")
    rows = p.comes(lambda: differing(p))
    p.type(END)
    p.look(0.1)
    rows |= differing(p)
    report(rows.get("depth") == ("10", "16") and
           rows.get("batch") == ("20", "100") and "width" not in rows,
           f"{name}: what differs is listed: {sorted(rows)}", p)
    p.type(b"D")
    report(p.sees("all settings"), f"{name}: D lists all settings", p)
    p.type(b"D")
    p.sees("  differs")


def save_preset(p, name, more=b""):
    """Types a name in place of the proposed one."""
    p.type(b"a")
    p.sees("save as:")
    p.type(b"\x7f" * 40 + name + ENTER + more)


def save_presets(p, settings):
    p.type(b"5")
    save_preset(p, b"mine")
    report(p.sees("saved .*/mine.yaml") and saved_presets() == ["mine.yaml"],
           "Presets: saved as a file", p)
    report(p.comes(lambda: chosen_preset(p) == "mine") and
           p.sees("These are the current settings"),
           "Presets: which is listed and chosen", p)
    report(plan(preset="mine")["settings"] ==
           plan(*settings)["settings"],
           "Presets: and reads back to the same settings", p)
    save_preset(p, b"mine")
    report(p.sees("replace your mine"), "Presets: a name that is taken is "
           "asked about", p)
    p.closes("replace your")
    save_preset(p, b"quick")
    report(p.sees("hide memdial's quick"), "Presets: so is one that comes "
           "with memdial", p)
    p.closes("hide memdial's")
    for name in b"", b"../out", b"a/b", b".hidden", b"x" * 41, b"two words":
        save_preset(p, name)
        report(p.sees("Nothing has changed") and
               saved_presets() == ["mine.yaml"],
               f"Presets: no preset '{name.decode()[:12]}' is saved", p)
        p.closes("Nothing has changed")


def load_presets(p, settings):
    """Loads a preset that the run can go on with, one that it cannot, and a
    broken one."""
    p.type(b"1" + HOME + DOWN + RIGHT)
    p.sees("applied.*precision=bf16")
    p.type(b"5")
    choose_preset(p, "mine")
    p.go_to_pane("Settings")
    report(p.comes(lambda: differing(p)) == {"precision": ("bf16", "fp32")},
           "Presets: what was turned since differs", p)
    p.type(ENTER)
    report(p.sees("applied.*precision=fp32|took mine") and
           p.sees("These are the current settings"),
           "Presets: Enter loads it, and the run goes on", p)
    with open(os.path.join(presets_folder(), "broken.yaml"), "w") as file:
        file.write("precision: fp61\n")
    report(choose_preset(p, "broken") and p.sees("cannot be loaded"),
           "Presets: a broken one is listed", p)
    p.type(ENTER)
    report(p.sees("─ Not loaded ─") and
           p.sees(r"broken.yaml:1:\d+: precision: 'fp61'") and
           p.sees("Nothing has changed"), "Presets: Enter says why not", p)
    p.closes("Nothing has changed")
    choose_preset(p, "quick")
    p.type(ENTER)
    report(p.sees("─ A new run of quick ─") and
           p.sees("batch +20 → 100") and p.sees("The run of .* ends: epoch"),
           "Presets: another batch needs a new run, which is asked", p)
    p.closes("A new run of")
    choose_preset(p, "mine")
    report(p.sees("These are the current settings"),
           "Presets: Esc changes nothing", p)
    choose_preset(p, "quick")
    p.type(ENTER)
    p.sees("A new run of")
    p.type(ENTER)
    report(p.sees("These are the current settings") and p.sees("training"),
           "Presets: Enter begins it", p)
    os.remove(os.path.join(presets_folder(), "broken.yaml"))
    os.remove(os.path.join(presets_folder(), "mine.yaml"))


# Images that must be there

def make_images():
    """Makes the files of CIFAR-10, with forty images each."""
    folder = os.path.join(FOLDER, "downloads", "cifar-10-batches-bin")
    os.mkdir(folder)
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        with open(os.path.join(folder, name + ".bin"), "wb") as file:
            file.write(bytes(3073 * 40))


def steps_go_on(p):
    before = p.comes(lambda: re.search(r"epoch (\d+) of", p.text()))
    return before and p.comes(lambda: (
        now := re.search(r"epoch (\d+) of", p.text())) and
        int(now[1]) > int(before[1]))


def name_images():
    """Without images no run is ended; with them one begins, and their folder
    is remembered for the next time."""
    p = Person(*SMALL, rows=24, cols=80)
    p.sees(r"epoch \d+ of")
    p.type(b"5")
    choose_preset(p, "wrn-10-1")
    p.type(ENTER)
    report(p.sees("wrn-10-1 trains on images from files") and
           p.sees("No folder is set") and p.sees("cifar-10-binary.tar.gz"),
           "Images: a preset without its data says what is missing", p)
    p.type(b"f")
    p.sees("folder of the images:")
    os.mkdir(os.path.join(FOLDER, "downloads"))
    p.type(b"down\t")
    report(p.sees("images: downloads/ "), "Images: Tab completes a folder", p)
    report(p.closes("folder of the images:") and p.sees("training") and
           steps_go_on(p),
           "Images: Esc leaves the run as it is", p)
    make_images()
    p.type(ENTER + b"f")
    p.sees("folder of the images:")
    p.type(b"down\t" + ENTER)
    report(p.sees("─ A new run of wrn-10-1 ─"),
           "Images: the folder above is found out", p)
    p.type(ENTER)
    report(p.sees("wrn-10-1 +training") and p.sees(r"epoch \d+ of 200"),
           "Images: and the run begins", p)
    p.leave()
    p = Person("wrn-10-1", *SMALL)
    report(p.sees(r"epoch \d+ of 100000 .*training"),
           "Images: the folder is remembered for the next time", p)
    p.leave()
    p = Person("wrn-10-1", *SMALL, XDG_STATE_HOME=FOLDER + "/new", rows=24,
               cols=80)
    report(p.sees("trains on images from files") and p.sees("failed"),
           "Images: asked for at the beginning, too", p)
    p.type(b"d")
    report(p.sees("wrn-10-1 +training"), "Images: drawn ones need no other "
           "question, for there is no run", p)
    p.leave()


def use_pages():
    settings = SMALL + SAVING
    planned = plan(*settings)
    baseline = plan(*SMALL)
    p = Person(*settings)
    p.sees("training")
    for rows, cols in TRIED:
        p.resize(rows, cols)
        p.look(0.1)
        use_layers(p, planned, baseline)
        use_step(p, planned)
    p.resize(*SIZES[0])
    walk_through_tensors(p, planned)
    click_in_step(p, planned)
    p.leave()


def try_and_compare():
    plans = {"A": plan(*SMALL),
             "B": plan(*SMALL, "--set=precision=fp16"),
             "C": plan(*SMALL, "--set=precision=fp16", "--set=microbatch=10")}
    p = Person(*SMALL)
    p.sees("training")
    try_settings(p)
    for rows, cols in TRIED:
        p.resize(rows, cols)
        p.look(0.1)
        use_runs(p, plans)
        pin_in_runs(p, plans)
        read_plot(p)
    run_afresh(p)
    go_back(p)
    p.leave()


def keep_presets():
    p = Person(*SMALL)
    p.sees("training")
    for rows, cols in TRIED:
        p.resize(rows, cols)
        p.look(0.1)
        compare_presets(p)
    p.resize(*SIZES[0])
    save_presets(p, SMALL)
    load_presets(p, SMALL)
    p.leave()


# Times

def calibrate(folder, factor, **members):
    """Calibrates a folder of its own, for a machine that takes `factor` times
    as long."""
    subprocess.run([MEMDIAL, "calibrate", "quick", "--seconds=0", *SMALL],
                   env=dict(os.environ, XDG_CONFIG_HOME=FOLDER,
                            XDG_CACHE_HOME=folder), check=True,
                   capture_output=True)
    path = os.path.join(folder, "memdial", "timings-cpu.json")
    with open(path) as file:
        timings = json.load(file)
    for call in timings["calls"]:
        call["seconds"] *= factor
    timings.update(members)
    with open(path, "w") as file:
        json.dump(timings, file)
    return folder


def time_of_workers():
    """The times are those of the worker's machine, which takes minutes for a
    step, never those of the machine with the screens; and the other way."""
    fast = calibrate(os.path.join(FOLDER, "fast"), 1)
    slow = calibrate(os.path.join(FOLDER, "slow"), 1e6)
    worker = f"exec {MEMDIAL} worker"
    in_seconds, in_milliseconds = r"‹ [\d.]+ .iB [\d.]+ s", r"iB [\d.]+ ms"
    p = Person(*SMALL, "--worker", f"XDG_CACHE_HOME={slow} {worker}",
               XDG_CACHE_HOME=fast)
    report(p.sees(in_seconds) and not re.search(in_milliseconds, p.text()),
           "Times: a slow worker's, in front of a fast machine", p)
    p.leave()
    p = Person(*SMALL, "--worker", f"XDG_CACHE_HOME={fast} {worker}",
               XDG_CACHE_HOME=slow)
    report(p.sees(in_milliseconds) and not re.search(in_seconds, p.text()),
           "Times: a fast worker's, in front of a slow machine", p)
    p.leave()
    p = Person(*SMALL, XDG_CACHE_HOME=calibrate(slow, 1e6))
    report(p.sees(in_seconds), "Times: this machine's, of its own worker", p)
    p.leave()


def times_that_do_not_hold():
    """No run begins, so that nothing is measured anew."""
    for member, word in (("build", " build"), ("hardware", "Babbage's"),
                         ("calls", "damaged")):
        stale = calibrate(os.path.join(FOLDER, "stale"), 1,
                          **{member: "Babbage's"})
        p = Person("wrn-10-1", *SMALL, XDG_CACHE_HOME=stale,
                   XDG_STATE_HOME=os.path.join(FOLDER, "none"))
        p.sees("No folder is set")
        p.type(ESCAPE)
        p.sees("of baseline")
        p.type(ENTER)
        report(p.sees("Times are a roofline's guess") and
               word in p.text() and p.sees("wrn-10-1`"),
               f"Times: guessed, because of the {member} of those kept", p)
        p.leave()


def main():
    use_pages()
    try_and_compare()
    keep_presets()
    name_images()
    time_of_workers()
    times_that_do_not_hold()
    finish()


main()
