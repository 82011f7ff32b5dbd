#!/usr/bin/env python3
"""Saves one network in the many forms that people save networks in, and asks the program what each sees.

    python check_checkpoints.py PROGRAM [FORM...]

The network is built in (its source is what `export` writes), its weights are random, the picture is exactly as large as
its input: what PyTorch computes of it is what every form has to give, to 1e-4, those of fewer bits as far as their
rounding goes. Forms that are no weights have to be refused for what they are. Prints a line per form and exits with 1
where one is wrong. Needs torch and numpy.
"""

import argparse
import copy
import importlib.util
import json
import pickle
import random
import struct
import subprocess
import sys
import tempfile
import zlib
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

DESIGN, SIDE = "shufflenet-v2-x0.5", 64
TOLERANCE = 1e-4
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)


def write_png(path, pixels):
    """Rows of RGB bytes, each behind a zero for "no filter"."""
    height, width, _ = pixels.shape
    chunk = lambda name, data: struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def network(program, folder, name=DESIGN):
    source = folder / "network.py"
    done = run(program, "export", name, "-o", source, "--force")
    assert done.returncode == 0, done.stderr
    spec = importlib.util.spec_from_file_location("network", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Network()


def trained(model, seed):
    """Random weights, and statistics of a few random batches."""
    torch.manual_seed(seed)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.kaiming_normal_(parameter)
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(8, 3, SIDE, SIDE))
    return model.eval()


def prefixed(state, prefix):
    return OrderedDict((prefix + name, value) for name, value in state.items())


def converted(state, to):
    return OrderedDict((name, to(value) if value.is_floating_point() else value) for name, value in state.items())


def forms(model, other):
    """Name of the form, name of the file, how it is written, tolerance."""
    state, raw = model.state_dict(), other.state_dict()
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1, momentum=0.9)
    other.train()
    other(torch.randn(2, 3, SIDE, SIDE)).sum().backward()
    optimizer.step()
    other.eval()
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 30)
    averaged = torch.optim.swa_utils.AveragedModel(model)
    arguments = argparse.Namespace(lr=0.1, model=DESIGN, crop_pct=None)
    save = lambda value, **how: lambda path: torch.save(value, path, **how)
    legacy = {"_use_new_zipfile_serialization": False}
    for protocol in (2, 3, 4, 5):
        yield f"protocol {protocol}", f"w{protocol}.pth", save(state, pickle_protocol=protocol), TOLERANCE
        yield f"protocol {protocol}, before 1.6", f"o{protocol}.pth", save(state, pickle_protocol=protocol, **legacy), TOLERANCE
    imagenet = {"epoch": 90, "arch": DESIGN, "state_dict": prefixed(state, "module."), "best_acc1": torch.tensor(70.5),
                "optimizer": optimizer.state_dict(), "scheduler": schedule.state_dict()}
    yield "PyTorch's ImageNet example", "checkpoint.pth.tar", save(imagenet), TOLERANCE
    yield "the same before 1.6", "model_best.pth.tar", save(imagenet, **legacy), TOLERANCE
    tutorial = {"epoch": 5, "model_state_dict": state, "optimizer_state_dict": optimizer.state_dict(), "loss": 0.4}
    yield "PyTorch's tutorial", "checkpoint.pt", save(tutorial), TOLERANCE
    yield "net", "ckpt.t7", save({"net": prefixed(state, "module."), "acc": 91.2, "epoch": 3}), TOLERANCE
    yield "DataParallel", "parallel.pth", save(torch.nn.DataParallel(model).state_dict()), TOLERANCE
    yield "compiled", "compiled.pth", save(prefixed(state, "_orig_mod.")), TOLERANCE
    yield "compiled in parallel", "compiled_parallel.pth", save(prefixed(state, "module._orig_mod.")), TOLERANCE
    lightning = {"epoch": 2, "global_step": 77, "pytorch-lightning_version": "2.4.0", "loops": {"fit_loop": {"state_dict": {}}},
                 "state_dict": {**prefixed(state, "model."), "criterion.weight": torch.ones(1000)},
                 "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_path": "x.ckpt", "kth_value": torch.tensor(1.0)}},
                 "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [schedule.state_dict()],
                 "hparams_name": "kwargs", "hyper_parameters": {"lr": 0.1, "arguments": arguments}}
    yield "Lightning", "last.ckpt", save(lightning), TOLERANCE
    timm = {"epoch": 9, "arch": DESIGN, "state_dict": raw, "optimizer": optimizer.state_dict(), "version": 2, "args": arguments,
            "amp_scaler": {"scale": 65536.0}, "state_dict_ema": state, "metric": 70.1}
    yield "timm with an average", "model_best.pth.tar", save(timm), TOLERANCE
    references = {"model": raw, "optimizer": optimizer.state_dict(), "lr_scheduler": schedule.state_dict(), "epoch": 3,
                  "args": arguments, "model_ema": averaged.state_dict(), "scaler": {}}
    yield "torchvision's references", "model_3.pth", save(references), TOLERANCE
    yield "an averaged model alone", "swa.pth", save(averaged.state_dict()), TOLERANCE
    yield "the average in place", "ema.pth", save({"ema": state, "updates": 10}), TOLERANCE
    yield "Hugging Face's .bin", "pytorch_model.bin", save(state), TOLERANCE
    yield "no ending", "weights", save(state), TOLERANCE
    yield "parameters", "parameters.pth", save(OrderedDict(
        (name, torch.nn.Parameter(value) if value.is_floating_point() else value) for name, value in state.items())), TOLERANCE
    yield "keys within keys", "nested.pth", save({"run": {"best": {"weights": prefixed(state, "module.")}}}), TOLERANCE
    yield "a list", "list.pth", save([state, {"epoch": 3}]), TOLERANCE
    yield "random states", "resume.pth", save({"model": state, "rng": random.getstate(), "numpy": np.random.get_state(),
                                                 "torch": torch.get_rng_state(), "seed": 2**64 - 1, "top1": np.float64(71.0)}), TOLERANCE
    yield "double", "double.pth", save(converted(state, torch.Tensor.double)), TOLERANCE
    yield "half", "half.pth", save(converted(state, torch.Tensor.half)), 0.02
    yield "bfloat16", "bfloat16.pth", save(converted(state, torch.Tensor.bfloat16)), 0.2
    channels_last = copy.deepcopy(model).to(memory_format=torch.channels_last)
    yield "channels last", "channels_last.pth", save(channels_last.state_dict()), TOLERANCE
    flat = torch.cat([value.flatten() for value in state.values() if value.is_floating_point()])
    views, at = OrderedDict(), 0
    for name, value in state.items():
        if value.is_floating_point():
            views[name] = flat[at : at + value.numel()].view_as(value)
            at += value.numel()
    yield "one storage", "one_storage.pth", save(views), TOLERANCE
    try:
        from safetensors.torch import save_file
    except ImportError:
        return
    plain = {name: value.contiguous() for name, value in state.items()}
    tensors = lambda value: lambda path: save_file(value, path)
    yield "safetensors", "model.safetensors", tensors(plain), TOLERANCE
    yield "safetensors by another name", "model.bin", tensors(prefixed(plain, "module._orig_mod.")), TOLERANCE
    both = {**prefixed(plain, "ema_model."), **prefixed({name: value.contiguous() for name, value in raw.items()}, "model.")}
    yield "safetensors with an average", "both.safetensors", tensors(both), TOLERANCE


def refused(model):
    """Name of the form, how it is written, what has to be said."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    save = lambda value: lambda path: torch.save(value, path)
    text = lambda value: lambda path: path.write_bytes(value)
    convolution = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU()).eval()
    yield "a whole module", save(convolution), "a whole Python object"
    yield "a whole module under a key", save({"model": convolution, "epoch": 1}), "under `model`"
    yield "no weights", save({"epoch": 1, "optimizer": optimizer.state_dict()}), "training checkpoint without"
    yield "a bare pickle", text(pickle.dumps({"fc.weight": np.ones((2, 2))})), "without `torch.save`"
    yield "a Git LFS pointer", text(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"), "git lfs pull"
    yield "a web page", text(b"<!DOCTYPE html>\n<html></html>"), "web page"
    traced = torch.jit.trace(convolution, torch.randn(1, 3, 8, 8))
    yield "TorchScript", lambda path: traced.save(str(path)), "TorchScript"
    weight = torch.quantize_per_tensor(torch.randn(4, 3, 3, 3), 0.1, 0, torch.qint8)
    yield "quantised weights", save({"conv.weight": weight}), "quantised"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("forms", nargs="*", help="only forms with one of these in their name")
    arguments = parser.parse_args()
    wanted = lambda name: not arguments.forms or any(word in name for word in arguments.forms)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        model, other = (trained(network(arguments.program, folder), seed) for seed in (1, 2))
        pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        picture = folder / "picture.png"
        write_png(picture, pixels)
        values = (torch.from_numpy(pixels).permute(2, 0, 1).float() / 255 - torch.tensor(MEAN)[:, None, None])
        with torch.no_grad():
            expected = model((values / torch.tensor(STD)[:, None, None])[None])[0].numpy()
        size = max(1.0, float(np.abs(expected).max()))
        classify = ("classify", picture, "--json", "--logits", "--input", SIDE, "--resize", SIDE, "--design", DESIGN, "--weights")
        for name, file, write, tolerance in forms(model, other):
            if not wanted(name):
                continue
            path = folder / file
            write(path)
            done = run(arguments.program, *classify, path)
            said = " / ".join(line.strip() for line in done.stderr.replace(str(folder) + "/", "").splitlines())
            if done.returncode:
                verdict = f"REFUSED: {said}"
            else:
                gap = float(np.abs(np.array(json.loads(done.stdout)["logits"]) - expected).max()) / size
                verdict = f"{'ok' if gap < tolerance else 'WRONG'}, {gap:.1e} {said}"
            wrong += not verdict.startswith("ok")
            print(f"{name} ({file}): {verdict}", flush=True)
            path.unlink()
        for name, write, what in refused(model):
            if not wanted(name):
                continue
            path = folder / "model.pth"
            write(path)
            done = run(arguments.program, *classify, path)
            said = " / ".join(line.strip() for line in done.stderr.replace(str(folder) + "/", "").splitlines())
            is_right = done.returncode == 1 and what in said
            wrong += not is_right
            print(f"{name}: {'ok, refused' if is_right else 'WRONG'}: {said}", flush=True)
    print(f"{wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
