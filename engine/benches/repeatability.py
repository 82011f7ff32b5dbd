#!/usr/bin/env python3
"""Do the intervals hold? Fresh runs of the program, and how many of their intervals contain the median of all of them.

    cargo build --release
    engine/benches/repeatability.py [--program target/release/shufflescope] [--threads 1] [--live 40] [--rigorous 10]

Nothing else should run meanwhile. The program learns in its data folder how runs scatter on a machine: a fresh folder
shows what a newcomer gets (the first five live runs take five processes each), `--data FOLDER` keeps one. Promised, on a
quiet machine: at least 36 of 40 live runs hold, with a median half-width of at most 12 %; 9 of 10 rigorous ones, with at
most 3 %; at most 1 of 40 live runs has a warning.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

NETWORKS = ["shufflenet-v2-x0.5", "shufflenet-v2-x1.0", "shufflenet-v2-x2.0"]


def run(options, environment, network, mode):
    """One fresh run: its measurement."""
    command = [options.program, "profile", network, "--json", "--mode", mode, "--threads", str(options.threads)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}: {result.stderr.strip()}")
    return json.loads(result.stdout)["measurement"]


def report(options, environment, network, mode, count):
    """Takes `count` runs and prints one row of the table."""
    started = time.monotonic()
    runs = [run(options, environment, network, mode) for _ in range(count)]
    seconds = (time.monotonic() - started) / count
    spreads = [measurement["whole"] for measurement in runs]
    medians = [spread["median_ns"] for spread in spreads]
    truth = statistics.median(medians)
    held = sum(spread["low_ns"] <= truth <= spread["high_ns"] for spread in spreads)
    within = [spread["within_run"] for spread in spreads]
    held_within = sum(interval["low_ns"] <= truth <= interval["high_ns"] for interval in within)

    def half_width(interval, median):
        return (interval["high_ns"] - interval["low_ns"]) / 2 / median

    width = statistics.median(map(half_width, spreads, medians))
    width_within = statistics.median(map(half_width, within, medians))
    warned = sum(bool(measurement["warnings"]) for measurement in runs)
    processes = statistics.median(len(measurement["processes"]) for measurement in runs)
    millis = [value / 1e6 for value in (min(medians), truth, max(medians))]
    print(
        f"| {network} | {mode} | {held} of {count} | ± {width:.1%} | {held_within} of {count} | ± {width_within:.1%} | "
        f"{millis[0]:.3f} / {millis[1]:.3f} / {millis[2]:.3f} | {warned} | {processes:g} | {seconds:.1f} s |",
        flush=True,
    )
    for kind in sorted({warning["kind"] for measurement in runs for warning in measurement["warnings"]}):
        print(f"  warned: {kind}", file=sys.stderr)
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
        with open(os.path.join(options.keep, f"{network}-{mode}.json"), "w", encoding="utf-8") as file:
            json.dump(runs, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/shufflescope")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--live", type=int, default=40)
    parser.add_argument("--rigorous", type=int, default=10)
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--data", help="data folder to learn in; a fresh one where it is not given")
    parser.add_argument("--keep", metavar="FOLDER", help="keep the profiles' measurements in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as fresh:
        folder = options.data or fresh
        # Where the system's own places for data are looked up, on Linux, macOS and Windows.
        environment = {**os.environ, "XDG_DATA_HOME": folder, "HOME": folder, "APPDATA": folder}
        print("| network | mode | fresh runs held | half-width | own interval held | half-width "
              "| min / median / max, ms | warned | processes | a run takes |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        for mode, count in (("live", options.live), ("rigorous", options.rigorous)):
            for network in options.networks:
                if count > 0:
                    report(options, environment, network, mode, count)


if __name__ == "__main__":
    main()
