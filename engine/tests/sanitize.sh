#!/usr/bin/env bash
# The tuned runtime's tests under AddressSanitizer, which watches every load and store of the kernels of every instruction
# set that this machine has:
#
#   engine/tests/sanitize.sh
#
# All feature maps and weights lie in one allocation, so the feature "redzones" puts gaps between them that the sanitizer
# is told about: a kernel that strays from one row into another is found, and not only one that leaves the allocation.
#
# Works with a stable toolchain on Linux: the sanitizer's run-time library comes with it, only the flag is unstable.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(rustc -vV | sed -n 's/^host: //p')
# Tests ask for more memory than there is, which the runtime must say and survive, as it does with the system's allocator.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}allocator_may_return_null=1"
export RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target/sanitize}"
cargo test --target "$target" -p shufflescope-backends --lib --features redzones runtime::cpu
