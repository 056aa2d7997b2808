#!/usr/bin/env python3
"""Registers, instructions and bytes spilled to local memory of each CUDA kernel,
for several compute capabilities. Needs nvcc, readelf and no device. Prints a
Markdown page; bench/results/ keeps such pages. Ends with an error if a kernel
accesses memory before it waits for earlier kernels (kernels/cuda/queue.h).
"""

import argparse
import datetime
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent

ENTRY = re.compile(r"Compiling entry function '(\S+)'")
SPILL = re.compile(r"(\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers")
CODE = re.compile(r" \.text\.(\S+) +PROGBITS +\S+ \S+ (\S+)")
INSTRUCTION = 16  # bytes
WAITS = 90  # the first capability on which kernels overlap
BODY = re.compile(r"^\.(?:visible )?\.?entry (\S+?)\(.*?^{(.*?)^}", re.M | re.S)
WAIT = "griddepcontrol.wait"
ACCESS = re.compile(r"\b(?:ld|st|ldu|atom|red|cp|prefetch|call)\b"
                    r"(?!\.(?:param|shared|local))")


def output(command):
    run = subprocess.run(command, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    if run.returncode:
        sys.exit(f"{' '.join(command)}: {run.stdout}")
    return run.stdout


def check_waits(args, source, capability):
    """Whether all kernels of a file wait before they access memory."""
    with tempfile.NamedTemporaryFile(suffix=".ptx") as ptx:
        output([args.nvcc, "-std=c++17", "-O3", "-ptx",
                f"-arch=compute_{capability}", f"-I{args.build}",
                f"-I{args.source}", str(source), "-o", ptx.name])
        text = Path(ptx.name).read_text(encoding="ascii")
    for name, body in BODY.findall(text):
        before, waits, _ = body.partition(WAIT)
        if not waits or ACCESS.search(before):
            sys.exit(f"{source}: {name} does not wait before it accesses memory")


def resources(args, source, capability):
    """Mangled name -> (registers, bytes spilled, instructions) of the kernels of a
    file."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as cubin:
        text = output([args.nvcc, "-std=c++17", "-O3", "-cubin", "-Xptxas",
                       "-v", f"-arch=sm_{capability}", f"-I{args.build}",
                       f"-I{args.source}", str(source), "-o", cubin.name])
        sections = output(["readelf", "-SW", cubin.name])
    instructions = {match[1]: int(match[2], 16) // INSTRUCTION
                    for match in CODE.finditer(sections)}
    found, name, spilled = {}, None, 0
    for line in text.splitlines():
        if match := ENTRY.search(line):
            name = match[1]
        elif match := SPILL.search(line):
            spilled = int(match[1]) + int(match[2])
        elif match := USED.search(line):
            found[name] = int(match[1]), spilled, instructions[name]
    return found


def readable(name):
    """A kernel without its parameters, as its source has it."""
    text = output(["c++filt", name]).strip().removeprefix("void ")
    depth = 0
    for i, character in enumerate(text):
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "(" and depth == 0:
            return text[:i].replace(" >", ">")
    return text


def cell(figures):
    registers, spilled, instructions = figures
    spills = f", spills {spilled}" if spilled else ""
    return f"{registers}, {instructions}{spills}"


def page(args):
    capabilities = args.capabilities.split(",")
    yield "# Registers and instructions of the CUDA kernels"
    yield ""
    yield f"- date: {datetime.date.today()};" \
          f" {output([args.nvcc, '--version']).splitlines()[-2]}"
    yield f"- `bench/cuda_kernels.py --capabilities {args.capabilities}`"
    yield "- a multiprocessor has 65,536 registers: enough for two blocks of 128" \
          " threads at once with 255 in a thread, for three with 168, four" \
          " with 128, seven with 72"
    yield ""
    yield "| kernel | " + " | ".join(f"sm_{c}" for c in capabilities) + " |"
    yield "|---|" + "---|" * len(capabilities)
    for source in sorted((args.source / "kernels" / "cuda").glob(args.files)):
        for c in capabilities:
            if int(c) >= WAITS:
                check_waits(args, source, c)
        found = [resources(args, source, c) for c in capabilities]
        for name in sorted(found[0], key=readable):
            yield f"| `{readable(name)}` | " + " | ".join(
                cell(kernels[name]) for kernels in found) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nvcc", default="nvcc")
    parser.add_argument("--build", default=".", help="the build folder")
    parser.add_argument("--source", type=Path, default=TOP)
    parser.add_argument("--files", default="*.cu")
    parser.add_argument("--capabilities", default="75,80,90")
    for line in page(parser.parse_args()):
        print(line, flush=True)


if __name__ == "__main__":
    main()
