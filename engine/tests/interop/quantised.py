#!/usr/bin/env python3
"""Holds networks in 8 bits against PyTorch's and ONNX Runtime's, layer by layer.

    cargo build --release -p shufflescope -p shufflescope-engine --example int8_layers
    engine/tests/interop/quantised.py                     all of it, in a temporary folder
    engine/tests/interop/quantised.py --fixtures          writes the small files that the Rust tests read

- torchvision's four quantisable ShuffleNets with random weights are quantised by PyTorch itself (prepare, run on random
  input, convert), their state dicts saved and run here; every layer is compared with PyTorch's on the same bytes.
- Presets with random weights are exported by `shufflescope export --precision int8`; ONNX Runtime runs the model, and every
  value that is rounded to bytes is compared.
  Left alone, ONNX Runtime adds maps with `QLinearAdd`, which rounds otherwise than the operators that it stands for, on each
  instruction set in its own way: one byte of some hundred thousand may differ by a step, and the logits with it.
- ONNX Runtime quantises the float model of a preset in its two formats; what is read of it is compared by its logits.

Differences are in steps of the value's scale. Prints a line for each network and exits with 1 where a value differs from
PyTorch's or ONNX Runtime's by more than a step, or a logit from ONNX Runtime's by more than a fiftieth of the greatest. Needs torch, torchvision, onnx, onnxruntime.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torchvision
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

warnings.filterwarnings("ignore")
ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "target/release/shufflescope"
LAYERS = ROOT / "target/release/examples/int8_layers"
FIXTURES = ROOT / "engine/tests/fixtures"
WIDTHS = ["x0_5", "x1_0", "x1_5", "x2_0"]
INPUTS = 4
FAR = 0.02


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def ours(folder, model, weights, image):
    """Every layer's values here, with how bytes stand for them: {path: (values, scale, zero point)}, and the last."""
    (folder / "input.f32").write_bytes(image.astype("<f4").tobytes())
    made = {}
    for line in run(LAYERS, model, weights, folder / "input.f32", folder / "layers").splitlines():
        layer = json.loads(line)
        values = np.frombuffer((folder / f"layers/{layer['index']}.f32").read_bytes(), "<f4").reshape(layer["shape"])
        made[layer["path"]] = (values, layer.get("scale"), layer.get("zero_point"))
    return made, values


class Steps:
    """Differences of many values, in steps."""

    def __init__(self):
        self.most, self.worst, self.apart, self.all, self.layers = 0, "", 0, 0, 0

    def add(self, path, found, expected, scale):
        steps = np.abs(np.rint((found.reshape(-1) - expected.reshape(-1)) / scale))
        if steps.max(initial=0) > self.most:
            self.most, self.worst = int(steps.max()), path
        self.apart += int((steps > 0).sum())
        self.all += steps.size
        self.layers += 1

    def __str__(self):
        share = 100 * self.apart / max(self.all, 1)
        return f"{self.layers} values, at most {self.most} steps ({self.worst}), {share:.4f} % of numbers differ"


def shaken(model, seed):
    """Random statistics and scales, so that every layer has something to do."""
    generator = torch.Generator().manual_seed(seed)
    uniform = lambda of, low, high: of.uniform_(low, high, generator=generator)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                uniform(module.weight, 0.5, 1.5)
                uniform(module.bias, -0.3, 0.3)
                uniform(module.running_mean, -0.2, 0.2)
                uniform(module.running_var, 0.2, 0.6)
    return model


def quantised_by_pytorch(model, side, seed=0):
    from torch.ao.quantization import convert, get_default_qconfig, prepare

    model = shaken(model.eval(), seed)
    model.fuse_model(is_qat=False)
    model.qconfig = get_default_qconfig("x86")
    prepare(model, inplace=True)
    with torch.no_grad():
        for _ in range(4):
            model(torch.randn(4, 3, side, side))
    return convert(model, inplace=True)


def layers_of_pytorch(model, image, ours):
    """What PyTorch makes of every quantised value's input here, by our paths, and its logits when left alone.

    Every layer reads the bytes that our layers before it made, so that each is compared by itself: small differences grow
    on the way through a network, the more the less it was trained.
    """
    with torch.no_grad():
        logits = model(torch.from_numpy(image)).numpy()
    made, handles = {}, []

    def keep(path, value):
        made[path] = value
        values = torch.from_numpy(ours[path][0].copy()).reshape(value.shape)
        return torch.quantize_per_tensor(values, value.q_scale(), value.q_zero_point(), torch.quint8)

    def after(path):
        return lambda _module, _inputs, output: keep(path, output)

    for name, module in model.named_modules():
        kind = type(module).__name__
        before, _, last = name.rpartition(".")
        if kind in ("QuantizedConvReLU2d", "ConvReLU2d"):
            handles.append(module.register_forward_hook(after(f"{before}.{int(last) + 2}")))
        elif kind in ("QuantizedConv2d", "Conv2d"):
            handles.append(module.register_forward_hook(after(f"{before}.{int(last) + 1}")))
        elif kind in ("QuantizedLinear", "Linear"):
            handles.append(module.register_forward_hook(after(name)))
            handles.append(module.register_forward_pre_hook(lambda _, inputs: (keep("global_pool", inputs[0]),)))
        elif name.endswith(".cat.activation_post_process"):
            handles.append(module.register_forward_hook(after(name.replace(".cat.activation_post_process", ".concat"))))
    with torch.no_grad():
        model(torch.from_numpy(image))
    for handle in handles:
        handle.remove()
    return made, logits


def against_pytorch(folder, width):
    torch.manual_seed(1)
    make = getattr(torchvision.models.quantization, f"shufflenet_v2_{width}")
    model = quantised_by_pytorch(make(quantize=False), 224)
    weights = folder / f"{width}.pth"
    torch.save(model.state_dict(), weights)
    steps, same, apart = Steps(), 0, 0.0
    for seed in range(INPUTS):
        image = np.random.default_rng(seed).standard_normal((1, 3, 224, 224)).astype(np.float32)
        found, logits = ours(folder, f"shufflenet-v2-{width.replace('_', '.')}", weights, image)
        expected, theirs = layers_of_pytorch(model, image, found)
        for path, value in expected.items():
            values, scale, zero_point = found[path]
            told = (value.q_scale(), value.q_zero_point())
            assert (np.float32(told[0]), told[1]) == (np.float32(scale), zero_point), (path, told, scale, zero_point)
            steps.add(path, values, value.dequantize().numpy(), scale)
        same += int(logits.reshape(-1).argmax() == theirs.reshape(-1).argmax())
        apart = max(apart, float(np.abs(logits.reshape(-1) - theirs.reshape(-1)).max() / np.abs(theirs).max()))
    print(
        f"PyTorch, {width}: {steps}; left alone, logits within {apart:.1e} of the greatest, likeliest class the same on "
        f"{same} of {INPUTS}",
        flush=True,
    )
    return steps.most <= 1


def session(path, level=onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level, options.graph_optimization_level = 1, 3, level
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def against_onnxruntime(folder, name):
    model, weights = folder / f"{name}.q.onnx", folder / f"{name}.q.safetensors"
    run(PROGRAM, "export", name, "--precision", "int8", "-o", weights, "--force")
    run(PROGRAM, "export", name, "--weights", weights, "--precision", "int8", "-o", model, "--force")
    plain = session(model)
    onnx.checker.check_model(onnx.load(model), full_check=True)
    steps, same, apart = Steps(), 0, 0.0
    for seed in range(INPUTS):
        image = np.random.default_rng(seed).standard_normal((1, 3, 224, 224)).astype(np.float32)
        found, logits = ours(folder, name, weights, image)
        (theirs,) = plain.run(None, {"input": image})
        same += int(logits.reshape(-1).argmax() == theirs.reshape(-1).argmax())
        apart = max(apart, float(np.abs(logits.reshape(-1) - theirs.reshape(-1)).max() / np.abs(theirs).max()))
        if seed == 0:
            # With every value as an output.
            paths = [path for path, (_, scale, _) in found.items() if scale is not None]
            whole = onnx.load(model)
            known = {output for node in whole.graph.node for output in node.output}
            paths = [path for path in paths if path in known]
            whole.graph.output.extend(onnx.helper.make_empty_tensor_value_info(path) for path in paths)
            onnx.save(whole, folder / "whole.onnx")
            values = session(folder / "whole.onnx").run(paths, {"input": image})
            for path, value in zip(paths, values):
                steps.add(path, found[path][0], value, found[path][1])
    print(
        f"ONNX Runtime on our export, {name}: {steps}; logits within {apart:.1e} of the greatest, "
        f"likeliest class the same on {same} of {INPUTS}",
        flush=True,
    )
    return steps.most <= 1 and apart <= FAR


class Noise(CalibrationDataReader):
    def __init__(self, shape, count=4):
        self.images = iter([np.random.default_rng(50 + seed).standard_normal(shape) for seed in range(count)])

    def get_next(self):
        image = next(self.images, None)
        return None if image is None else {"input": image.astype(np.float32)}


FORMS = {
    "qdq": dict(quant_format=QuantFormat.QDQ, per_channel=True, weight_type=QuantType.QInt8),
    "qdq-s8": dict(quant_format=QuantFormat.QDQ, weight_type=QuantType.QInt8, activation_type=QuantType.QInt8),
    "qoperator": dict(quant_format=QuantFormat.QOperator, per_channel=True, weight_type=QuantType.QInt8),
    "qoperator-tensor": dict(quant_format=QuantFormat.QOperator, weight_type=QuantType.QInt8),
}


def quantised_by_onnxruntime(floats, path, form, shape):
    quantize_static(floats, path, Noise(shape), **FORMS[form])


def against_onnxruntimes_own(folder, name):
    floats = folder / f"{name}.onnx"
    run(PROGRAM, "export", name, "--fold-batch-norm", "-o", floats, "--force")
    good = True
    for form in FORMS:
        model = folder / f"{name}.{form}.onnx"
        quantised_by_onnxruntime(floats, model, form, (1, 3, 224, 224))
        same, apart = 0, 0.0
        plain = session(model)
        for seed in range(INPUTS):
            image = np.random.default_rng(seed).standard_normal((1, 3, 224, 224)).astype(np.float32)
            _, logits = ours(folder, model, "-", image)
            (theirs,) = plain.run(None, {"input": image})
            same += int(logits.reshape(-1).argmax() == theirs.reshape(-1).argmax())
            apart = max(apart, float(np.abs(logits.reshape(-1) - theirs.reshape(-1)).max() / np.abs(theirs).max()))
        print(
            f"ONNX Runtime's {form}, {name}: logits within {apart:.1e} of the greatest, likeliest class the same on "
            f"{same} of {INPUTS}",
            flush=True,
        )
        good &= apart <= FAR
    return good


TINY = 64


def tiny_of_pytorch():
    """A small network of torchvision's form, quantised, with an input and all quantised values."""
    from torchvision.models.quantization.shufflenetv2 import QuantizableShuffleNetV2

    torch.manual_seed(2)
    model = QuantizableShuffleNetV2([2, 1, 1], [8, 8, 16, 16, 16], num_classes=5)
    return quantised_by_pytorch(model, TINY)


def fixtures(folder):
    model = tiny_of_pytorch()
    torch.save(model.state_dict(), FIXTURES / "quantised.pth")
    image = (np.arange(3 * TINY * TINY) * 7919 % 97 - 48).astype(np.float32).reshape(1, 3, TINY, TINY) / 16
    design = FIXTURES / "quantised.toml"
    found, _ = ours(folder, design, FIXTURES / "quantised.pth", image)
    values, _ = layers_of_pytorch(model, image, found)
    layers = {
        path: dict(
            scale=value.q_scale(), zero_point=value.q_zero_point(), bytes=value.int_repr().reshape(-1)[::7].tolist()
        )
        for path, value in values.items()
    }
    expected = {"pytorch": layers}
    floats = folder / "tiny.onnx"
    run(PROGRAM, "export", design, "--fold-batch-norm", "-o", floats, "--force")
    for form in ["qdq", "qdq-s8", "qoperator-tensor"]:
        path = FIXTURES / f"quantised.{form}.onnx"
        quantised_by_onnxruntime(floats, path, form, (1, 3, TINY, TINY))
        (theirs,) = session(path).run(None, {"input": image})
        expected[form] = theirs.reshape(-1).tolist()
    (FIXTURES / "quantised.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fixtures", action="store_true", help="write the files that the Rust tests read")
    parser.add_argument("--only", choices=["pytorch", "export", "import"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        if arguments.fixtures:
            fixtures(folder)
            return 0
        good = True
        if arguments.only in (None, "pytorch"):
            for width in WIDTHS:
                good &= against_pytorch(folder, width)
        presets = ["shufflenet-v2-x0.5", "shufflenet-v2-x1.0", "shufflenet-v1-g3-x1.0", "mobilenet-v2-x1.0"]
        for name in presets if arguments.only in (None, "export") else []:
            good &= against_onnxruntime(folder, name)
        for name in presets[1:2] + presets[3:] if arguments.only in (None, "import") else []:
            good &= against_onnxruntimes_own(folder, name)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
