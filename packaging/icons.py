#!/usr/bin/env python3
"""Makes the icons of Windows and macOS from assets/icon.svg: packaging/windows/shufflescope.ico and
packaging/macos/shufflescope.icns.

    packaging/icons.py

Needs rsvg-convert (Debian: librsvg2-bin). Both formats are PNG pictures behind a short head.
"""

import struct
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# macOS names each size by a code; the codes are those of pictures with one pixel a point.
ICNS = {"ic11": 32, "ic12": 64, "ic07": 128, "ic08": 256, "ic09": 512, "ic10": 1024}
ICO = [16, 24, 32, 48, 64, 256]


def png(size):
    command = ["rsvg-convert", "--width", str(size), "--height", str(size), ROOT / "assets/icon.svg"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def ico():
    pictures = [(size, png(size)) for size in ICO]
    at = 6 + 16 * len(pictures)
    head, body = struct.pack("<HHH", 0, 1, len(pictures)), b""
    for size, picture in pictures:
        side = size % 256
        head += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(picture), at + len(body))
        body += picture
    return head + body


def icns():
    parts = b"".join(code.encode() + struct.pack(">I", 8 + len(data)) + data for code, data in ((c, png(s)) for c, s in ICNS.items()))
    return b"icns" + struct.pack(">I", 8 + len(parts)) + parts


for name, data in [("windows/shufflescope.ico", ico()), ("macos/shufflescope.icns", icns())]:
    (ROOT / "packaging" / name).write_bytes(data)
    print(f"{name}: {len(data)} bytes")
