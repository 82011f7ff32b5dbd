#!/usr/bin/env python3
"""Checks exported models with other people's code: onnx.checker, ONNX Runtime and PyTorch.

    SHUFFLESCOPE_INTEROP=all cargo test -p shufflescope-engine --test onnx_interop -- --nocapture

writes a folder per network and runs this script on them; or by hand: check_exports.py FOLDER...

A folder holds `model.onnx` and `folded.onnx` (batch normalisation kept and folded), `network.py` and
`weights.safetensors` (PyTorch), and `batch1.safetensors`, `batch3.safetensors` with an `input` and our `logits`.
Prints one line per network with the largest absolute differences and exits with 1 where one is not below 1e-4, or
where a check fails. Needs numpy, onnx and onnxruntime; checks PyTorch where torch is there.
"""

import importlib.util
import json
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

try:
    import torch
except ImportError:
    torch = None

TOLERANCE = 1e-4


def read_safetensors(path):
    """All tensors of a file of 32-bit floats; the format is a length, a JSON header, bytes."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, info in header.items():
        assert info["dtype"] == "F32", (name, info)
        begin, end = (8 + length + offset for offset in info["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], "<f4").reshape(info["shape"]).copy()
    return tensors


def difference(found, expected):
    if found.shape != expected.shape:
        raise SystemExit(f"shape {found.shape}, expected {expected.shape}")
    gap = float(np.max(np.abs(found - expected)))
    return float("inf") if np.isnan(gap) else gap


def with_onnxruntime(path, cases):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return max(difference(session.run(["logits"], {"input": case["input"]})[0], case["logits"]) for case in cases)


def with_pytorch(folder, cases):
    spec = importlib.util.spec_from_file_location("network", folder / "network.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.Network().eval()
    state = {name: torch.from_numpy(tensor) for name, tensor in read_safetensors(folder / "weights.safetensors").items()}
    network.load_state_dict(state, strict=True)
    with torch.inference_mode():
        results = [network(torch.from_numpy(case["input"])).numpy() for case in cases]
    return max(difference(result, case["logits"]) for result, case in zip(results, cases))


def main(folders):
    worst = 0.0
    for folder in map(Path, folders):
        cases = [read_safetensors(folder / f"batch{batch}.safetensors") for batch in (1, 3)]
        gaps = {
            "onnx": with_onnxruntime(folder / "model.onnx", cases),
            "folded": with_onnxruntime(folder / "folded.onnx", cases),
        }
        if torch is not None:
            gaps["pytorch"] = with_pytorch(folder, cases)
        worst = max(worst, *gaps.values())
        magnitude = max(float(np.max(np.abs(case["logits"]))) for case in cases)
        shown = ", ".join(f"{name} {gap:.1e}" for name, gap in gaps.items())
        print(f"{folder.name}: {shown} (largest logit {magnitude:.1f})", flush=True)
    print(f"{len(folders)} networks, largest difference {worst:.1e}, tolerance {TOLERANCE:.0e}")
    return 0 if worst < TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
