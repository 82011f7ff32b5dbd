#!/usr/bin/env python3
"""The lines that `race.py`, `gpu_parity` and `run.sh` wrote, as Markdown.

    engine/benches/gpu/table.py results.jsonl > table.md

Where something was measured more than once (the compiled networks' turns), the median of the medians stands there.
"""

import json
import statistics
import sys
from collections import defaultdict

HEAD = [
    "network", "batch", "precision", "ours host", "device", "enqueue",
    "PyTorch eager", "graph", "compiled, graph", "PyTorch's best", "its way", "host ratio", "device ratio",
]
HOW = """\
Milliseconds, medians; {turns}. "–": not measured, or unknown to the driver.
Ours: `shufflescope profile --mode live`, unmarked runs in fresh processes. *Host* is from the call until the result is
ready, *enqueue* until the call returns, *device* between the device's own timestamps; the input is there already.
PyTorch: single calls in one process. *Host* is the call and its synchronisation (the columns *eager*, *graph* and
*compiled*), *device* lies between two CUDA events around a call, gaps included. Each column is the better of both
memory layouts; the best is the least host time of every way in the same precision. *Ratio* is ours over PyTorch's
least, host by host and device by device."""


def read(path):
    """Records by kind; a line that a killed process left half written is passed over."""
    records = defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                records[record["kind"]].append(record)
            except (ValueError, KeyError, TypeError):
                print(f"{path}, line {number}: no result", file=sys.stderr)
    return records


def nanoseconds(value):
    """A spread's median, a plain number, or None."""
    return value.get("median_ns") if isinstance(value, dict) else value


def middle(values):
    """The median of what is known; zero is what drivers say where they do not know."""
    known = [value for value in values if value]
    return statistics.median(known) if known else None


def least(values):
    known = [value for value in values if value]
    return min(known) if known else None


def millis(value):
    return "–" if value is None else f"{value / 1e6:.3f}" if value < 1e8 else f"{value / 1e6:.0f}"


def ratio(ours, theirs):
    return "–" if ours is None or theirs is None else f"{ours / theirs:.2f}"


def row(ours, torch):
    """The cells behind network, batch and precision."""
    host, device, enqueue = (
        middle(nanoseconds(run.get(key)) for run in ours) for key in ("whole", "device_time", "enqueue")
    )
    runs = defaultdict(list)
    for result in torch:
        runs[result["way"]].append(result)
    ways = {way: middle(result.get("host_ns") for result in results) for way, results in runs.items()}

    def best_of(*kinds):
        return least(time for way, time in ways.items() if way.split(" ")[0] in kinds)

    best = least(ways.values())
    name = next((way for way, time in ways.items() if best and time == best), "–")
    on_device = least(middle(result.get("device_ns") for result in results) for results in runs.values())
    times = [host, device, enqueue, best_of("eager"), best_of("graph")]
    times += [best_of("compiled-graph", "compiled-autotuned-graph"), best]
    return [millis(time) for time in times] + [name, ratio(host, best), ratio(device, on_device)]


def markdown(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def where(records):
    """What it was measured on, one line each."""
    for record in records["devices"]:
        machine = record.get("machine", {})
        keys = ("cpu_model", "logical_cores", "os", "version")
        yield "Machine: " + ", ".join(f"{key} {machine.get(key, '?')}" for key in keys)
        for device in record.get("devices", []):
            if not device.get("unavailable"):
                details = {key: value for key, value in device.items() if key not in ("id", "unavailable") and value}
                yield f"`{device.get('id')}`: " + ", ".join(f"{key} {value}" for key, value in details.items())
    for record in records["torch-version"]:
        yield "PyTorch: " + ", ".join(f"{key} {value}" for key, value in record.items() if key != "kind" and value)


def turns(records):
    """Who ran where."""
    ours = ", ".join(sorted({record["device"] for record in records["ours"]}))
    if not records["torch"]:
        return f"ours on {ours}, PyTorch left out"
    theirs = ", ".join(sorted({record.get("device", "nothing") for record in records["torch-version"]}))
    return f"ours on {ours} and PyTorch on {theirs} in turns, network by network, in one run"


def parity(records):
    """One row per precision and batch: how far the logits are from the CPU's, at worst."""
    groups = defaultdict(list)
    for record in records:
        groups[record["precision"], record["batch"], record["device"]].append(record)
    for (precision, batch, device), group in groups.items():
        computed = [record for record in group if record.get("relative") is not None]
        worst = max(computed, key=lambda record: record["relative"], default=None)
        said = f"{worst['relative']:.1e} ({worst['network']})" if worst else "–"
        apart = [record["network"] for record in group if not record.get("agrees")]
        yield [device, precision, batch, len(group), said, ", ".join(apart) or "none"]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    records = read(sys.argv[1])
    print("\n\n".join(where(records)), end="\n\n")
    cells = defaultdict(lambda: ([], []))
    for side, kind in enumerate(("ours", "torch")):
        for record in records[kind]:
            both = cells[record["network"], record["batch"], record["precision"]]
            if "failed" not in record:
                both[side].append(record)
    if cells:
        print(markdown(HEAD, [[*key, *row(*both)] for key, both in cells.items()]), end="\n\n")
        print(HOW.format(turns=turns(records)), end="\n\n")
    walls = [record["seconds"] for record in records["ours"] if "seconds" in record]
    if walls:
        print(f"A `profile` took {walls[0]:.1f} s at first (nothing remembered), then {statistics.median(walls):.1f} s "
              f"(median), {max(walls):.1f} s at most.", end="\n\n")
    if records["parity"]:
        head = ["device", "precision", "batch", "networks", "largest error / largest logit", "beyond the limit, failed"]
        print(markdown(head, parity(records["parity"])), end="\n\n")
    for record in (record for of_kind in list(records.values()) for record in of_kind if record.get("failed")):
        what = " ".join(str(record[key]) for key in ("kind", "network", "batch", "precision", "way") if key in record)
        print(f"- failed: {what}: {record['failed']}")
    for record in records["left-out"]:
        print(f"- left out: {record['jobs']} jobs, {record['why']}")


if __name__ == "__main__":
    main()
