#!/usr/bin/env bash
# Makes portable.ptx.gz anew, with NVRTC 12.0: drivers from CUDA 12.0 on read what it writes. Python's pip fetches it.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
packages="$(mktemp -d)"
trap 'rm -rf "$packages"' EXIT
python3 -m pip install --quiet --no-deps --target "$packages" nvidia-cuda-nvrtc-cu12==12.0.140
cd "$here/../../../../.."
SHUFFLESCOPE_NVRTC="$packages/nvidia/cuda_nvrtc/lib" SHUFFLESCOPE_PTX="$packages/portable.ptx" \
  cargo test --package shufflescope-backends --test cuda_nvrtc -- --ignored --exact portable_ptx_is_made
gzip -9n <"$packages/portable.ptx" >"$here/portable.ptx.gz"
