#!/usr/bin/env python3
"""Draws the sample pictures and writes what torchvision makes of them, for `engine/tests/classify.rs`.

Run by hand, only when the pictures or the seeded formula change:

    python -m venv venv && venv/bin/pip install torch torchvision numpy
    venv/bin/python engine/tests/classify/make_fixture.py

`assets/samples/*` are drawn here; `torchvision_classify.json` gets, for each picture and size of resize, some bytes of
the crop that torchvision's `ImageClassification` transform normalises, and the logits of torchvision's network with the
seeded weights of `networks/src/weights/seeded.rs`. With `--labels`, `assets/labels/imagenet.txt` is written as well: the
ImageNet-1k category names as torchvision lists them (`torchvision.models._meta`).
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image, ImageDraw, ImageFilter
from torchvision.transforms import functional as F
from torchvision.transforms._presets import ImageClassification

HERE = Path(__file__).parent
ASSETS = HERE.parents[2] / "assets"
sys.path.insert(0, str(HERE.parent / "fixtures"))
import make_torchvision_logits as seeded  # noqa: E402

DESIGN, NETWORK = "shufflenet-v2-x0.5", "shufflenet_v2_x0_5"
# Bytes of a crop that the fixture keeps: every STEP-th.
STEP = 997


def harbour():
    """A landscape: sun over water, with a sailing boat. 640 x 427, so that the long side is not a whole number."""
    picture = Image.new("RGB", (640, 427))
    draw = ImageDraw.Draw(picture)
    for y in range(427):
        sky, sea = (250 - y // 3, 170 - y // 5, 90 + y // 3), (20 + y // 12, 60 + y // 8, 110 + y // 6)
        draw.line([(0, y), (640, y)], fill=sky if y < 250 else sea)
    draw.ellipse([440, 130, 540, 230], fill=(255, 236, 160))
    for index in range(60):
        x, y = (index * 137) % 640, 256 + (index * 71) % 165
        draw.line([(x, y), (x + 18 + y // 9, y)], fill=(200, 190, 170), width=2)
    draw.polygon([(150, 300), (330, 300), (300, 340), (185, 340)], fill=(110, 45, 30))
    draw.polygon([(235, 90), (235, 290), (330, 290)], fill=(245, 245, 240))
    draw.polygon([(225, 110), (225, 290), (160, 290)], fill=(225, 70, 60))
    draw.line([(230, 80), (230, 300)], fill=(60, 40, 30), width=5)
    return picture.filter(ImageFilter.GaussianBlur(0.8))


def flower():
    """A portrait with fine lines: 301 x 452, so that the crop's offset is half a pixel."""
    picture = Image.new("RGB", (301, 452), (205, 225, 190))
    draw = ImageDraw.Draw(picture)
    for index in range(0, 301, 7):
        draw.line([(index, 452), (index + 20 - index % 40, 330 + index % 50)], fill=(70, 130, 60), width=2)
    draw.line([(150, 170), (158, 440)], fill=(50, 110, 45), width=7)
    draw.ellipse([160, 300, 235, 330], fill=(80, 150, 70))
    for index in range(12):
        angle = index * np.pi / 6
        x, y = 150 + 75 * np.cos(angle), 160 + 75 * np.sin(angle)
        draw.ellipse([x - 34, y - 34, x + 34, y + 34], fill=(235, 120 + index * 8, 40), outline=(150, 60, 20), width=2)
    draw.ellipse([105, 115, 195, 205], fill=(95, 55, 25))
    for index in range(40):
        x, y = 110 + (index * 29) % 80, 120 + (index * 47) % 80
        draw.point([(x, y), (x + 1, y)], fill=(235, 200, 120))
    return picture


def tiles():
    """Smaller than the crop, sharp edges: 150 x 117, to be enlarged."""
    picture = Image.new("RGB", (150, 117), (30, 34, 60))
    draw = ImageDraw.Draw(picture)
    colours = [(240, 80, 70), (250, 200, 60), (70, 180, 120), (80, 130, 230), (230, 230, 235)]
    for row in range(5):
        for column in range(6):
            left, top = 5 + 24 * column, 4 + 22 * row
            draw.rectangle([left, top, left + 18, top + 16], fill=colours[(row * 2 + column) % 5])
    return picture


def written():
    samples = ASSETS / "samples"
    samples.mkdir(parents=True, exist_ok=True)
    harbour().save(samples / "harbour.jpg", quality=88)
    flower().save(samples / "flower.png", optimize=True)
    tiles().save(samples / "tiles.png", optimize=True)
    return [samples / name for name in ("harbour.jpg", "flower.png", "tiles.png")]


def crop(image, size, resize):
    """The 8-bit crop that `ImageClassification` normalises."""
    return F.center_crop(F.resize(image, [resize], antialias=True), list(size))


def covering_crop(image, size, box):
    """As `crop` for inputs that are not square: the picture covers `box`, long side truncated as torchvision does."""
    width, height = image.size
    if width * box[0] <= height * box[1]:
        resized = [int(box[1] * height / width), box[1]]
    else:
        resized = [box[0], int(box[0] * width / height)]
    return F.center_crop(F.resize(image, resized, antialias=True), list(size))


def sampled(image):
    return np.asarray(image).reshape(-1)[::STEP].tolist()


@torch.no_grad()
def main():
    torch.backends.mkldnn.enabled = False  # plain f32 arithmetic, whatever the machine
    model = seeded.fill(getattr(torchvision.models, NETWORK)(weights=None))
    cases = []
    for path in written():
        image = Image.open(path).convert("RGB")
        for resize in (256, 232):
            transform = ImageClassification(crop_size=224, resize_size=resize)
            logits = model(transform(image)[None]).flatten().numpy()
            top = np.argsort(-logits)[:6]
            gaps = -np.diff(logits[top])
            print(f"{path.name} at {resize}: top 5 {top[:5]}, smallest gap {gaps.min():.3f}, largest {logits[top[0]]:.2f}")
            cases.append({
                "picture": path.name,
                "resize": resize,
                "crop": sampled(crop(image, (224, 224), resize)),
                "logits": [float(f"{value:.6g}") for value in logits],
            })
    # An input of 160 x 96 (width x height); 256 / 224 of it is 183 x 110.
    wide = [
        {"picture": path.name, "crop": sampled(covering_crop(Image.open(path).convert("RGB"), (96, 160), (110, 183)))}
        for path in written()
    ]
    head = {
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "pillow": Image.__version__,
        "design": DESIGN,
        "seed": seeded.SEED,
        "step": STEP,
    }
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    wide = ",\n".join(json.dumps(case, separators=(",", ":")) for case in wide)
    text = json.dumps(head)[:-1] + f',"cases":[\n{lines}\n],"wide":[\n{wide}\n]}}\n'
    HERE.joinpath("torchvision_classify.json").write_text(text)
    if "--labels" in sys.argv:
        from torchvision.models._meta import _IMAGENET_CATEGORIES

        labels = ASSETS / "labels"
        labels.mkdir(parents=True, exist_ok=True)
        labels.joinpath("imagenet.txt").write_text("".join(f"{name}\n" for name in _IMAGENET_CATEGORIES))


if __name__ == "__main__":
    main()
