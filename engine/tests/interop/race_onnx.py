#!/usr/bin/env python3
"""Race the tuned runtime against ONNX Runtime on the same ONNX files, round by round.

    python race_onnx.py TIME_ONNX MODEL.onnx ... [--threads 1,2] [--rounds 5] [--seconds 1.0]

TIME_ONNX is target/release/examples/time_onnx. In every round both run the same file, in a shuffled order; what counts is
the ratio within a round and its median over the rounds. Needs numpy and onnxruntime. Networks to race: the project's own
(`shufflescope export NAME --fold-batch-norm -o FILE.onnx`) and torchvision's (make_torchvision_models.py beside this).
"""
import argparse, json, os, random, statistics, subprocess, sys, time


def onnx_runtime(path, threads, seconds):
    import numpy as np, onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    shape = [1] + [int(size) for size in entry.shape[1:]]
    feed = {entry.name: np.random.default_rng(0).normal(size=shape).astype(np.float32)}
    stop = time.perf_counter() + 0.15
    while time.perf_counter() < stop:
        session.run(None, feed)
    samples, stop = [], time.perf_counter() + seconds
    while time.perf_counter() < stop or len(samples) < 10:
        start = time.perf_counter_ns()
        session.run(None, feed)
        samples.append(time.perf_counter_ns() - start)
    print(json.dumps({"median_ns": statistics.median(samples), "samples": len(samples)}))


def median_ms(command, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), RAYON_NUM_THREADS=str(threads))
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.stderr[-600:]}")
    return json.loads(done.stdout)["median_ns"] / 1e6


def main():
    if sys.argv[1:2] == ["--onnx-runtime"]:
        path, threads, seconds = sys.argv[2:]
        return onnx_runtime(path, int(threads), float(seconds))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("time_onnx")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    args = parser.parse_args()
    for model in args.models:
        for threads in map(int, args.threads.split(",")):
            rounds = []
            for _ in range(args.rounds):
                runs = {
                    "ours": [args.time_onnx, model, str(threads)],
                    "ort": [sys.executable, os.path.abspath(__file__), "--onnx-runtime", model, str(threads), str(args.seconds)],
                }
                rounds.append({name: median_ms(runs[name], threads) for name in random.sample(list(runs), 2)})
            ratios = sorted(r["ours"] / r["ort"] for r in rounds)
            print(f"{os.path.basename(model):32s} {threads}T  ours {statistics.median(r['ours'] for r in rounds):8.2f} ms  "
                  f"ONNX Runtime {statistics.median(r['ort'] for r in rounds):8.2f} ms  "
                  f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f}..{ratios[-1]:.2f})", flush=True)


if __name__ == "__main__":
    main()
