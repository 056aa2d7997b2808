"""Random budgets for random presets: fit proposes settings, and a step of one of
them allocates what fit says, within the budget. Prints TAP.

MEMDIAL_BUDGETS is how many are tried, MEMDIAL_SEED which."""

import json
import math
import os
import random
import subprocess
import sys

MEMDIAL = os.environ["MEMDIAL"]
BUDGETS = int(os.environ.get("MEMDIAL_BUDGETS", 5))
SEED = int(os.environ.get("MEMDIAL_SEED", random.randrange(1 << 32)))

IMAGES = ["data=shapes", "valid_samples=10"]
TEXT = ["bleu_every=0", "valid_samples=10"]
PRESETS = { # settings, a batch, and budgets between which some settings fit
    "quick": (IMAGES, 100, 3e5, 6e7),
    "wrn-10-1": (IMAGES, 100, 3e5, 6e7),
    "wrn-28-2": (IMAGES, 20, 2e6, 1e8),
    "quick-translate": (TEXT, 500, 1e6, 3e7),
}
DIALS = ["sparsity", "precision", "microbatch", "checkpoint", "recompute",
         "gradients", "optimizer_state", "saved"]


def memdial(*arguments):
    return subprocess.run([MEMDIAL, *arguments], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=600)


def sets(settings):
    return [word for setting in settings for word in ("--set", setting)]


def word(value):
    """A value of JSON as a setting has it."""
    return {True: "yes", False: "no"}.get(value, str(value)) \
        if isinstance(value, bool) else str(value)


def first_memory(lines):
    for line in lines.splitlines():
        event = json.loads(line)
        if event["type"] == "memory":
            memory = event
        elif event["type"] == "step":
            return memory, event
    return None, None


def fault(preset, settings, row, budget):
    """What is wrong with a step of a row; None: nothing."""
    chosen = settings + [f"{name}={word(value)}"
                         for name, value in row["settings"].items()]
    run = memdial("train", preset, "--runs", "none", "--json", *sets(chosen))
    if run.returncode != 0:
        return f"{chosen}: exit code {run.returncode}: {run.stderr}"
    memory, step = first_memory(run.stdout)
    if memory["arena"] != row["arena_bytes"] or memory["arena"] > budget:
        return f"{chosen}: {memory} beside {row}"
    if memory["touched"] > memory["arena"] or not math.isfinite(step["loss"]):
        return f"{chosen}: {memory}, {step}"
    return None


def try_budget(choose):
    """Returns how many rows there were, and a fault."""
    preset = choose.choice(list(PRESETS))
    data, batch, least, most = PRESETS[preset]
    budget = int(least * (most / least) ** choose.random())
    settings = data + [f"batch={batch}", f"epoch_samples={batch}", "epochs=1",
                       f"threads={choose.choice([1, 2])}"]
    held = choose.sample(DIALS, choose.choice([0, 0, 1, 3]))
    arguments = sets(settings) + [w for dial in held for w in ("--hold", dial)]
    fit = memdial("fit", preset, "--budget", str(budget), "--json",
                  *arguments)
    if fit.returncode == 3 and not fit.stdout:
        return 0, None
    if fit.returncode != 0:
        return 0, f"{preset} {budget} {arguments}: {fit.stderr}"
    rows = json.loads(fit.stdout)
    row = choose.choice(rows)
    if any(dial in row["settings"] for dial in held):
        return len(rows), f"{preset} {budget}: {held} are held, but {row}"
    return len(rows), fault(preset, settings, row, budget)


def main():
    choose = random.Random(SEED)
    fitted = failed = 0
    print(f"# MEMDIAL_SEED = {SEED}", flush=True)
    for _ in range(BUDGETS):
        rows, wrong = try_budget(choose)
        fitted += rows > 0
        if wrong:
            failed += 1
            print(f"# {wrong}", flush=True)
    print(f"# of {BUDGETS} budgets, something fitted {fitted}")
    ok = failed == 0 and (fitted > 0 or BUDGETS < 20)
    print(f"{'ok' if ok else 'not ok'} 1 - a step of what fit proposes takes "
          "what it says, within the budget\n1..1")
    sys.exit(not ok)


main()
