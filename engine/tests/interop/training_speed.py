#!/usr/bin/env python3
"""Pictures a second of training: PyTorch and this engine, the same network, the same batch, in turns on the same threads.

    cargo build --release -p shufflescope-engine --example train_shapes
    python engine/tests/interop/training_speed.py target/release/examples/train_shapes [--threads 2] [--batch 32]

Each turn is a process of its own: three steps to warm up, then the median of `--steps` whole steps (forward, backward,
AdamW) on made-up pictures, 32-bit floats, batch statistics in the normalisations. PyTorch runs eagerly and, with
`--channels-last`, in the layout that it recommends for convolutions; the better of both counts. Needs torch and torchvision.
"""

import argparse
import os
import statistics
import subprocess
import sys

# Name, units of the stages, channels (stem, stages, head), input, classes: the demo's design with half of its stages'
# channels, and the paper's 0.5x.
NETWORKS = {
    "shapes-x0.5": ([3, 4, 2], [16, 24, 48, 96, 256], 96, 12),
    "shufflenet-v2-x0.5": ([4, 8, 4], [24, 48, 96, 192, 1024], 224, 1000),
}


def pytorch(name, batch, steps, threads, channels_last):
    """Prints PyTorch's pictures a second; runs in a process of its own."""
    import time

    import torch
    from torchvision.models import ShuffleNetV2

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    repeats, channels, side, classes = NETWORKS[name]
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = ShuffleNetV2(repeats, channels, num_classes=classes).train().to(memory_format=layout)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.03)
    criterion = torch.nn.CrossEntropyLoss(label_smoothing=0.05)
    pictures = torch.rand(batch, 3, side, side).mul(4).sub(2).to(memory_format=layout)
    labels = torch.arange(batch) % classes
    times = []
    for step in range(steps + 3):
        begin = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        criterion(model(pictures), labels).backward()
        optimiser.step()
        if step >= 3:
            times.append(time.perf_counter() - begin)
    print(f"{batch / statistics.median(times):.2f}")


def run(command, threads):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", help="the built train_shapes example")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--pytorch", choices=list(NETWORKS), help=argparse.SUPPRESS)
    parser.add_argument("--channels-last", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.pytorch:
        return pytorch(given.pytorch, given.batch, given.steps, given.threads, given.channels_last)
    if not given.program:
        parser.error("name the built train_shapes example")
    counts = ["--batch", str(given.batch), "--steps", str(given.steps), "--threads", str(given.threads)]
    print(f"{given.threads} threads, batch {given.batch}, median of {given.steps} steps, {given.turns} turns")
    print("| network | PyTorch, pictures/s | this engine, pictures/s | ratio |")
    print("|---|---:|---:|---:|")
    for name in given.networks:
        theirs, ours = [], []
        for _ in range(given.turns):
            script = [sys.executable, os.path.abspath(__file__), "--pytorch", name, *counts]
            theirs.append(max(run(script, given.threads), run([*script, "--channels-last"], given.threads)))
            ours.append(run([given.program, "--speed", name, *counts], given.threads))
        pair = statistics.median(theirs), statistics.median(ours)
        ratio = statistics.median(b / a for a, b in zip(theirs, ours))
        print(f"| {name} | {pair[0]:.1f} | {pair[1]:.1f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
