#!/usr/bin/env python3
"""Exports torchvision's networks as ONNX, with what they give, for `onnx_import.rs`: make_torchvision_models.py FOLDER.

Each network twice: as torch.onnx.export does by default (batch normalisation folded, free batch), and as it is while
training goes on (batch normalisation kept, batch of 1). Weights are random, statistics and biases too.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import torch
import torchvision

warnings.filterwarnings("ignore")
NETWORKS = ["shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "mobilenet_v2", "resnet18", "resnet50", "googlenet"]
ARGUMENTS = {"googlenet": {"aux_logits": False, "init_weights": False}}


def write_safetensors(path, tensors):
    """The format is a length, a JSON header, bytes."""
    import json
    import struct

    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main(folder):
    for name in NETWORKS:
        torch.manual_seed(4)
        network = getattr(torchvision.models, name)(weights=None, **ARGUMENTS.get(name, {})).eval()
        for key, buffer in network.named_buffers():
            if key.endswith("running_mean"):
                buffer.uniform_(-0.2, 0.2)
            elif key.endswith("running_var"):
                buffer.uniform_(0.8, 1.5)
        x = torch.randn(3, 3, 224, 224)
        common = {"dynamo": False, "opset_version": 17, "input_names": ["image"], "output_names": ["scores"]}
        free = {"image": {0: "n"}, "scores": {0: "n"}}
        torch.onnx.export(network, (x[:1],), folder / f"{name}.onnx", dynamic_axes=free, **common)
        kept = {"do_constant_folding": False, "training": torch.onnx.TrainingMode.PRESERVE}
        torch.onnx.export(network, (x[:1],), folder / f"{name}_kept.onnx", **kept, **common)
        with torch.inference_mode():
            scores = network(x)
        write_safetensors(folder / f"{name}.safetensors", {"input": x.numpy(), "logits": scores.numpy()})
        print(name, np.abs(scores.numpy()).max())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
