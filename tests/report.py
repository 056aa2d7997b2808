"""What tests/report.sh cannot see by itself: that a report's page is whole and
fetches nothing, that its numbers are those of `runs export`, and that pictures
are not blank.

    report.py page FILE.html EXPORT.csv [FILE.md]
    report.py picture FILE...
"""

import csv
import struct
import sys
import xml.etree.ElementTree as xml
import zlib

XHTML = "{http://www.w3.org/1999/xhtml}"


def read_page(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.startswith("<!DOCTYPE html>\n"), "no HTML"
    for word in ("<script", "@import", "url(", " src=", " href=", "<link"):
        assert word not in text, f"{path} has {word}"
    return xml.fromstring(text.split("\n", 1)[1])


def rows(page):
    """Every row of every table: the cells by their names."""
    for row in page.iter(XHTML + "tr"):
        cells = {}
        for cell in row.findall(XHTML + "td"):
            cells.setdefault(cell.get("data-name"), []).append(cell)
        if cells:
            yield cells


def value(cells, name):
    """A number of a row; of a column that has none, and is left out, None."""
    text = cells[name][0].get("data-value") if name in cells else None
    return None if text is None else float(text)


def text_of(cells, name):
    return "".join(cells[name][0].itertext())


def exported(path):
    """The numbers of each run, by event and member, in their order."""
    runs = {}
    with open(path, encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            members = runs.setdefault(line["run"], {})
            members.setdefault((line["event"], line["member"]), []).append(
                float(line["value"]))
    return runs


def last(numbers, event, member):
    return numbers.get((event, member), [None])[-1]


def check_memory(cells, numbers):
    kinds = ("weights", "index", "gradients", "optimizer", "activations",
             "transient", "workspace", "input")
    assert value(cells, "peak") == last(numbers, "memory", "planned")
    assert value(cells, "arena") == last(numbers, "memory", "arena")
    assert value(cells, "touched") == last(numbers, "memory", "touched")
    assert value(cells, "os_peak") == last(numbers, "memory", "os_peak")
    assert sum(value(cells, k) or 0 for k in kinds if k in cells) == \
        value(cells, "peak"), "kinds do not add up"


def check_result(cells, numbers):
    scores = numbers.get(("epoch", "score")) or \
        numbers[("epoch", "valid_accuracy")]
    assert value(cells, "epochs") == len(numbers[("epoch", "valid_loss")])
    assert value(cells, "valid_score") == scores[-1]
    assert value(cells, "valid_loss") == last(numbers, "epoch", "valid_loss")
    assert value(cells, "test_score") == last(numbers, "test", "score")
    assert value(cells, "seconds") >= last(numbers, "step", "seconds")
    if value(cells, "competes_with") is not None:
        assert value(cells, "competes_with") in scores


def check_scores(cells, numbers):
    listed = [float(c.get("data-value")) for c in cells["epoch"]
              if c.get("data-value")]
    scores = numbers.get(("epoch", "score")) or \
        numbers[("epoch", "valid_accuracy")]
    assert listed and all(s in scores for s in listed)
    assert listed[-1] == scores[-1]


def check_page(path, export):
    page, runs = read_page(path), exported(export)
    name_of, seen = {}, set()
    for cells in rows(page):
        if "state" in cells and "entry" in cells:
            name_of[text_of(cells, "entry")] = text_of(cells, "name")
    for cells in rows(page):
        label = text_of(cells, "entry") if "entry" in cells else None
        if label not in name_of:
            continue
        numbers = runs[name_of[label]]
        for name, check in (("peak", check_memory), ("state", check_result),
                            ("epoch", check_scores)):
            if name in cells:
                check(cells, numbers)
                seen.add((label, name))
    assert set(name_of.values()) == set(runs), (name_of, list(runs))
    assert len(seen) == 3 * len(name_of), seen
    return page


def check_tables(page, path):
    """Markdown has the rows of the page."""
    with open(path, encoding="utf-8") as file:
        lines = {line.replace("\\", "") for line in file}
    for row in page.iter(XHTML + "tr"):
        cells = ["".join(c.itertext()) for c in row.findall(XHTML + "td")]
        if cells:
            line = "| " + " | ".join(cells) + " |\n"
            assert line in lines, line


def check_png(data):
    at, pixels = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        pixels += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    assert len(set(zlib.decompress(pixels))) > 50, "a blank picture"


def check_picture(path):
    with open(path, "rb") as file:
        data = file.read()
    if path.endswith(".png"):
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        check_png(data)
    elif path.endswith(".pdf"):
        assert data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF")
        assert len(data) > 5000
    else:
        root = xml.fromstring(data)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert len(list(root.iter())) > 100, "a blank picture"


def main():
    if sys.argv[1] == "page":
        page = check_page(*sys.argv[2:4])
        if len(sys.argv) > 4:
            check_tables(page, sys.argv[4])
    else:
        for path in sys.argv[2:]:
            check_picture(path)


main()
