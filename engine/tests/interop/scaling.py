#!/usr/bin/env python3
"""What more threads bring: our runtime and ONNX Runtime on the same ONNX files, on 1 to all cores, beside what theory allows.

    cargo build --release -p shufflescope-engine --example thread_scaling
    python scaling.py target/release/examples/thread_scaling MODEL.onnx ... [--threads N] [--rounds 5] [--seconds 0.4]

In every round our example runs all numbers of threads in turns in one process, and ONNX Runtime each in a process of its own
(as in race.py beside this, whose way of timing is used). Prints a Markdown table per model: medians over the rounds, each also
relative to one thread of the same engine. *Least* is what our kernels' times on one thread allow: of each phase the largest
share of any thread, and one barrier, as measured. Both engines run on all threads they are told; what the program itself
would choose is in `shufflescope profile`. Needs numpy, onnx and onnxruntime. Nothing else should run meanwhile.
"""
import argparse, json, os, pathlib, statistics, subprocess, sys

RACE = pathlib.Path(__file__).with_name("race.py")


def run(command, threads=None):
    environment = dict(os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {}))
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr[-600:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def table(model, args):
    ours, theirs, least, barrier = {}, {}, {}, {}
    phases = 0
    for _ in range(args.rounds):
        for row in run([args.thread_scaling, model, str(args.threads)]):
            threads, phases = row["threads"], row["phases"]
            for values, key in [(ours, "median_ns"), (least, "least_ns"), (barrier, "barrier_ns")]:
                values.setdefault(threads, []).append(row[key])
        for threads in range(1, args.threads + 1):
            command = [sys.executable, str(RACE), "--engine", "ort", model, str(threads), str(args.seconds), "f32"]
            theirs.setdefault(threads, []).append(run(command, threads)[0]["median_ns"])
    print(f"\n{pathlib.Path(model).stem}, {phases} phases, {args.rounds} rounds\n")
    print("| threads | ours, ms | of one | least, ms | of one | barrier, µs | ONNX Runtime, ms | of one |")
    print("|---|---|---|---|---|---|---|---|")
    middle = lambda values, threads: statistics.median(values[threads]) / 1e6
    for threads in sorted(ours):
        cells = [f"{threads}"]
        for values in (ours, least, theirs):
            of_one = statistics.median(now / one for now, one in zip(values[threads], values[1]))
            cells += [f"{middle(values, threads):.3f}", f"{of_one:.2f}"]
        cells.insert(5, f"{1e3 * middle(barrier, threads):.2f}")
        print("| " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("thread_scaling")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4)
    args = parser.parse_args()
    for model in args.models:
        table(model, args)


if __name__ == "__main__":
    main()
