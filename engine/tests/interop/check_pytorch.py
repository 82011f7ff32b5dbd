#!/usr/bin/env python3
"""Runs the PyTorch source that `export` writes: of ONNX files, of the whole zoo, of random models with odd names.

    python check_pytorch.py PROGRAM [--zoo] [--random COUNT] [FILE.onnx...]

For each model the program writes source, weights and an ONNX model. The source has to take the weights by name, none
missing and none left over; to give the logits that ONNX Runtime gives for the written model and, where there is one,
for the original, in the same shape; and to pass a gradient to every parameter in training. The ONNX model has to hold
every parameter under the same name. Prints a line per model that fails and one in the end; exits with 1 where one
failed. Files that the program refuses are counted apart. Needs torch, safetensors, numpy, onnx and onnxruntime.
"""

import argparse
import importlib.util
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file

TOLERANCE = 1e-4
NAMES = (
    "lambda class in None match print forward training type block conv1 conv1.0 conv1.norm a.b 0 1 2 9x x y self torch "
    "nn.F add_module apply cpu T_destination dump_patches eval half name parameters state_dict register_buffer _modules "
    "__init__ __x ___ _ keys values items pop update clear weight bias stride groups running_mean requires_grad_ to "
    "input logits bn1 bn1.act"
).split(" ") + ["a b", "a-b", "a/b", "a'\"b", "größe", "\\", "..", "a..b", "{0}", "\n", "x" * 300, ".".join("abc" * 20)]


class Refused(Exception):
    """The program does not take the model."""


def program(path, *arguments):
    done = subprocess.run([path, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise Refused(done.stderr.strip())
    return done.stdout


def session(path):
    onnxruntime.set_default_logger_severity(4)
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def gap(found, wanted):
    assert found.shape == wanted.shape, f"shape {list(found.shape)}, wanted {list(wanted.shape)}"
    largest = float(np.abs(found - wanted).max()) / max(1.0, float(np.abs(wanted).max()))
    assert largest < TOLERANCE, f"differs by {largest}"
    return largest


def check(shs, model, original, folder):
    source, tensors, written = (folder / name for name in ("network.py", "weights.safetensors", "model.onnx"))
    for path in (source, tensors, written):
        program(shs, "export", model, "-o", str(path), "--force")
    spec = importlib.util.spec_from_file_location("network", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.Network().eval()
    state = load_file(tensors)
    network.load_state_dict(state, strict=True)
    own = {name for name in network.state_dict() if not name.endswith("num_batches_tracked")}
    assert own == set(state), f"names differ: {own ^ set(state)}"
    missing = set(state) - {tensor.name for tensor in onnx.load(written).graph.initializer}
    assert not missing, f"the ONNX model lacks {missing}"

    reader = session(written)
    shape = [side if isinstance(side, int) else 1 for side in reader.get_inputs()[0].shape]
    picture = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    with torch.no_grad():
        found = network(torch.from_numpy(picture)).numpy()
    worst = gap(found, reader.run(None, {reader.get_inputs()[0].name: picture})[0])
    if original is not None:
        reader = session(original)
        worst = max(worst, gap(found, reader.run(None, {reader.get_inputs()[0].name: picture})[0]))

    if not list(network.parameters()):
        return worst
    network.train()
    network(torch.randn(2, *shape[1:])).square().mean().backward()
    without = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert not without, f"no gradient reaches {without}"
    return worst


class Builder:
    """A random model of 8x8 pixels, an operation after the other."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.nodes, self.tensors, self.count = [], [], 0
        self.value, self.channels, self.side = "picture", 4, 8
        self.taken, self.called = {"picture"}, set()

    def name(self):
        parts = self.random.sample(NAMES, self.random.randint(1, 3))
        joined = self.random.choice([".", ".", "/"]).join(parts)
        return "/" + joined + "/Op" if self.random.random() < 0.3 else joined

    def tensor(self, name, values):
        name = name or f"onnx::{self.count}"
        while name in self.taken:
            name = f"{self.count}." + name
            self.count += 1
        self.taken.add(name)
        self.count += 1
        self.tensors.append(numpy_helper.from_array(values, name))
        return name

    def floats(self, name, *shape, least=-0.5, most=0.5):
        values = np.random.default_rng(self.count).uniform(least, most, shape)
        return self.tensor(name, values.astype(np.float32))

    def push(self, op, inputs, name=None, outputs=1, **attributes):
        made = [f"value{self.count}_{index}" for index in range(outputs)]
        self.count += 1
        name = self.name() if name is None else name
        # ONNX Runtime takes no two nodes of one name; layers of different nodes may still have names that become one.
        while name and name in self.called:
            name += str(self.count)
        self.called.add(name)
        self.nodes.append(helper.make_node(op, inputs, made, name=name, **attributes))
        return made[0] if outputs == 1 else made

    def parameters(self):
        """The layer's name, and its parameters' names: PyTorch's, or none."""
        layer = self.name()
        named = self.random.random() < 0.7
        return layer, lambda of: f"{layer}.{of}" if named else None

    def conv(self, value, channels, out, kernel=3):
        groups = self.random.choice([group for group in (1, 2, channels) if channels % group == 0 and out % group == 0])
        layer, of = self.parameters()
        inputs = [value, self.floats(of("weight"), out, channels // groups, kernel, kernel)]
        if self.random.random() < 0.5:
            inputs.append(self.floats(of("bias"), out))
        pads = [kernel // 2] * 4
        if kernel == 3 and self.random.random() < 0.3:
            pads = self.random.choice([[0, 1, 2, 1], [2, 2, 0, 0]])
        return self.push("Conv", inputs, layer, kernel_shape=[kernel] * 2, pads=pads, group=groups)

    def norm(self, value, channels):
        layer, of = self.parameters()
        inputs = [value, *(self.floats(of(name), channels, least=0.5) for name in ("weight", "bias", "running_mean"))]
        inputs.append(self.floats(of("running_var"), channels, least=0.5, most=1.5))
        return self.push("BatchNormalization", inputs, layer, epsilon=self.random.choice([1e-5, 1e-3]))

    def activation(self, value):
        op = self.random.choice(["Relu", "Clip", "Sigmoid", "HardSwish", "Identity"])
        if op != "Clip":
            return self.push(op, [value])
        return self.push(op, [value, *(self.tensor(None, np.float32(end)) for end in (0, 6))])

    def step(self):
        kind = self.random.choice("conv conv norm act act residual gate concat split shuffle max mean".split())
        value, channels = self.value, self.channels
        if kind == "conv":
            self.channels = self.random.choice([4, 6, 8])
            self.value = self.conv(value, channels, self.channels)
        elif kind == "norm":
            self.value = self.norm(value, channels)
        elif kind == "act":
            self.value = self.activation(value)
        elif kind == "residual":
            self.value = self.push("Add", [self.activation(self.conv(value, channels, channels)), value])
        elif kind == "gate":
            pooled = self.push("GlobalAveragePool", [value])
            gate = self.push("Sigmoid", [self.conv(pooled, channels, channels, 1)])
            self.value = self.push("Mul", [value, gate])
        elif kind == "concat":
            self.value = self.push("Concat", [value, self.conv(value, channels, 2), value], axis=1)
            self.channels = 2 * channels + 2
        elif kind == "split":
            half = channels // 2
            sizes = self.tensor(None, np.array([half, channels - half], dtype=np.int64))
            left, right = self.push("Split", [value, sizes], outputs=2, axis=1)
            self.value = self.push("Concat", [self.conv(right, channels - half, channels - half), left], axis=1)
        elif kind == "shuffle" and channels % 2 == 0:
            shapes = [[1, 2, channels // 2, self.side, self.side], [1, channels, self.side, self.side]]
            apart, joined = (self.tensor(None, np.array(shape, dtype=np.int64)) for shape in shapes)
            grouped = self.push("Reshape", [value, apart])
            self.value = self.push("Reshape", [self.push("Transpose", [grouped], perm=[0, 2, 1, 3, 4]), joined])
        elif kind == "max":
            pads = self.random.choice([[1, 1, 1, 1], [2, 2, 0, 0], [0, 1, 2, 1]])
            self.value = self.push("MaxPool", [value], kernel_shape=[3, 3], pads=pads)
        elif kind == "mean":
            self.value = self.push("AveragePool", [value], kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1)
        if self.channels > 24:
            self.channels, self.value = 4, self.conv(self.value, self.channels, 4, 1)

    def model(self):
        for _ in range(self.random.randint(3, 14)):
            self.step()
        shape = [1, self.channels, self.side, self.side]
        end = self.random.choice(["map", "pool", "linear", "linear"])
        if end != "map":
            self.value = self.push("Flatten", [self.push("GlobalAveragePool", [self.value])], axis=1)
            shape = [1, self.channels]
        if end == "linear":
            layer, of = self.parameters()
            inputs = [self.value, self.floats(of("weight"), 5, self.channels), self.floats(of("bias"), 5)]
            self.value, shape = self.push("Gemm", inputs, layer, transB=1), [1, 5]
        picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 4, 8, 8])
        logits = helper.make_tensor_value_info(self.value, TensorProto.FLOAT, shape)
        graph = helper.make_graph(self.nodes, "random", [picture], [logits], self.tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        return model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--zoo", action="store_true")
    parser.add_argument("--random", type=int, default=0, metavar="COUNT")
    arguments = parser.parse_intermixed_args()
    torch.manual_seed(0)
    failed, refused, worst, done = 0, 0, 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        models = [(path.name, str(path), path) for path in arguments.files]
        if arguments.zoo:
            listed = program(arguments.program, "designs").splitlines()[1:]
            models += [(line.split()[0], line.split()[0], None) for line in listed]
        models += [(f"random {seed}", seed, None) for seed in range(arguments.random)]
        for name, model, original in models:
            if isinstance(model, int):
                original = folder / "random.onnx"
                onnx.save(Builder(model).model(), original)
                model = str(original)
            try:
                worst = max(worst, check(arguments.program, model, original, folder))
                done += 1
            except Refused as reason:
                refused += 1
                print(f"{name}: refused: {str(reason).splitlines()[0][:150]}", flush=True)
            except Exception as error:
                failed += 1
                print(f"{name}: FAILED: {type(error).__name__}: {json.dumps(str(error)[:300])}", flush=True)
    print(f"{done} models agree (largest difference {worst:.1e} of the largest logit), {refused} refused, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
