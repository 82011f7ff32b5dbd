#!/usr/bin/env python3
"""Teaches a design and asks what it exports: do PyTorch and ONNX Runtime tell the same classes?

    cargo build --release --workspace --example train_shapes && cargo build --release
    python check_taught.py PROGRAM TRAIN_SHAPES [--width 0.5] [--each 40] [--seconds 20] [--from nothing] [--threads 2]

TRAIN_SHAPES draws pictures of twelve classes, PROGRAM (`shufflescope`) trains the demo's design on them at a share of its
channels and writes the taught network as ONNX, as PyTorch source and as weights. Every picture that it was shown, and as
many that it was not, is then told by `classify`, by ONNX Runtime and by the PyTorch source with the exported weights.
Prints the largest difference of logits (of the largest) and how often another class came first; exits with 1 where one did
or the difference is above 1e-4. Needs torch, safetensors, numpy, onnxruntime and pillow.
"""

import argparse
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from PIL import Image
from safetensors.torch import load_file

TOLERANCE = 1e-4
# Pictures are drawn at the design's input, so that nothing is resized or cut off.
SIDE = 96
MEAN, DEVIATION = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command[:2]}: {done.stderr.strip()}")
    return done.stdout


def narrower(design, width):
    """The demo's design with so much of its stages' channels, as even numbers."""
    even = lambda channels: 2 * max(1, round(int(channels) * width / 2))
    stages = design.index("[[stages]]")
    text = re.sub(r"(?m)^channels = (\d+)", lambda found: f"channels = {even(found[1])}", design[stages:])
    return design[:stages] + text


def in_pytorch(source, weights):
    spec = importlib.util.spec_from_file_location("taught", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.Network().eval()
    network.load_state_dict(load_file(weights))
    return network


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("train_shapes", type=Path)
    parser.add_argument("--width", type=float, default=0.5)
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--from", dest="start", default="demo")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    design = (Path(__file__).parents[3] / "assets/designs/shapes.toml").read_text()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        shown, toml, weights = folder / "shown", folder / "design.toml", folder / "taught.safetensors"
        toml.write_text(narrower(design, args.width))
        run(args.train_shapes, "--folder", shown, "--count", 2 * args.each)
        unseen = folder / "unseen"
        for picture in sorted(shown.glob("*/*.png")):
            if int(picture.stem) >= args.each:
                (unseen / picture.parent.name).mkdir(parents=True, exist_ok=True)
                picture.rename(unseen / picture.parent.name / picture.name)
        start = [] if args.start == "nothing" else ["--from", args.start]
        told = json.loads(run(args.program, "train", toml, "--data", shown, "--resize", SIDE, "--seconds", args.seconds,
                              "--threads", args.threads, *start, "-o", weights, "--json"))
        print(f"taught for {told['seconds']:.0f} s: {told['accuracy']['correct']} of {told['accuracy']['held_out']} held out")
        model, source, exported = folder / "taught.onnx", folder / "taught.py", folder / "exported.safetensors"
        run(args.program, "export", toml, "-o", source)
        for path in (model, exported):
            run(args.program, "export", toml, "--weights", weights, "-o", path)
        pictures = sorted([*shown.glob("*/*.png"), *unseen.glob("*/*.png")])
        answers = run(args.program, "classify", "--weights", weights, "--json", "--logits", *pictures).splitlines()
        ours = np.float32([json.loads(line)["logits"] for line in answers])
        pixels = np.stack([np.float32(Image.open(path).convert("RGB")) for path in pictures])
        batch = np.ascontiguousarray(((pixels / 255 - MEAN) / DEVIATION).transpose(0, 3, 1, 2))
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0].name
        with torch.inference_mode():
            others = {
                "ONNX Runtime": np.concatenate([session.run(None, {entry: one[None]})[0] for one in batch]),
                "PyTorch": in_pytorch(source, exported)(torch.from_numpy(batch)).numpy(),
            }
    right = np.mean([told["classes"][index] == path.parent.name for index, path in zip(ours.argmax(1), pictures)])
    print(f"{len(pictures)} pictures, {100 * right:.1f} % told right")
    wrong = False
    for name, logits in others.items():
        gap = float(np.abs(logits - ours).max() / np.abs(ours).max())
        otherwise = int((logits.argmax(1) != ours.argmax(1)).sum())
        print(f"{name}: logits differ by {gap:.1e}, another class first in {otherwise}")
        wrong |= gap > TOLERANCE or otherwise > 0
    sys.exit(int(wrong))


if __name__ == "__main__":
    main()
