#!/usr/bin/env bash
# Everything that is to be seen where a GPU is at hand, in one go within LIMIT seconds.
#
#   engine/benches/gpu/run.sh PROGRAM [OUT]       OUT (default: target/gpu) gets results.jsonl, table.md and log.txt
#
# Steps, each with a limit of its own; one that fails is reported and the next begins:
#   devices  what `PROGRAM devices --json` finds
#   kernels  cuda:N only: our CUDA kernels on the card against plain loops, and PTX made beforehand (tests/cuda_device.rs)
#   race     latencies of ours and PyTorch's in turns (race.py)
#   parity   every zoo network's logits beside the CPU's (engine/examples/gpu_parity.rs)
#   sanitize cuda:N only: memcheck and racecheck of 1.0x, where compute-sanitizer is found
#   table    all of it as Markdown (table.py)
#
# Settings, from the environment:
#   DEVICE=gpu:0        gpu:software and cpu take the quick way: one small network, batch 1, PyTorch on the CPU
#   LIMIT=290           seconds for everything
#   STEPS="devices race parity table"           of cuda:N: "devices kernels race parity sanitize table"
#   NETWORKS, BATCHES, PRECISIONS, COMPILE        lists for the race; COMPILE="" compiles nothing with PyTorch
#   PARITY=FILE         the built example, default: PROGRAM's folder, or examples/ in it; PARITY_NETWORKS narrows it down
#   KERNELS=FILE        the built test program cuda_device, default: beside PROGRAM
#   SANITIZER=compute-sanitizer
#   SHUFFLESCOPE_NVRTC  the folder that has NVRTC, where it is in none of the usual places
#   PYTHON=python3      a Python with torch and torchvision; TORCH=none leaves PyTorch out
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=${1:?usage: run.sh PROGRAM [OUT]}
out=${2:-target/gpu}
device=${DEVICE:-gpu:0}
limit=${LIMIT:-290}
python=${PYTHON:-python3}
case $device in
  cuda:*) steps="devices kernels race parity sanitize table" ;;
  *) steps="devices race parity table" ;;
esac
steps=${STEPS:-$steps}
mkdir -p "$out" || exit 1
results=$out/results.jsonl
log=$out/log.txt
: >"$results"
: >"$log"
export PYTHONUNBUFFERED=1

case $device in
  cpu) networks=shufflenet-v2-x0.5 batches=1 precisions=f32 compile="" torch=cpu zoo="shufflenet-v2-x0.5 resnet-18" ;;
  gpu:software) networks=shufflenet-v2-x0.5 batches=1 precisions="f32 f16" compile="" torch=cpu zoo=shufflenet-v2-x0.5 ;;
  cuda:*)
    # The order is that of the aims: what time runs out for comes last.
    networks="shufflenet-v2-x1.0 shufflenet-v2-x0.5 shufflenet-v2-x2.0 mobilenet-v2-x1.0 resnet-50"
    batches="1 64" precisions="f32 tf32 f16" compile=shufflenet-v2-x1.0 torch=cuda zoo="" ;;
  *)
    networks="shufflenet-v2-x1.0 shufflenet-v2-x0.5 mobilenet-v2-x1.0 resnet-50 shufflenet-v2-x2.0 shufflenet-v2-x1.5"
    batches="1 64" precisions="f32 f16" compile=shufflenet-v2-x1.0 torch=cuda zoo="" ;;
esac
networks=${NETWORKS:-$networks} batches=${BATCHES:-$batches} precisions=${PRECISIONS:-$precisions}
compile=${COMPILE-$compile} torch=${TORCH:-$torch} zoo=${PARITY_NETWORKS-$zoo}

say() { echo "$*" | tee -a "$log"; }

left() { echo $((limit - SECONDS)); }

# step SECONDS NAME COMMAND...: runs it within its limit and what is left; its output goes to the log.
step() {
  local most=$1 name=$2 began=$SECONDS code
  shift 2
  [ "$most" -le "$(left)" ] || most=$(left)
  if [ "$most" -lt 3 ]; then
    say "$name: skipped, out of time"
    return 1
  fi
  echo "== $name: $*" >>"$log"
  timeout -k 5 "$most" "$@" >>"$log" 2>&1
  code=$?
  case $code in
    0) say "$name: done in $((SECONDS - began)) s" ;;
    124 | 137) say "$name: FAILED, not done within $most s" ;;
    *) say "$name: FAILED with exit code $code after $((SECONDS - began)) s (see $log)" ;;
  esac
  return $code
}

card() {
  command -v nvidia-smi >/dev/null || return 0
  nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem,temperature.gpu,power.draw --format=csv,noheader 2>&1 |
    tee -a "$log"
}

devices() {
  local found=$out/devices.json
  # shellcheck disable=SC2016
  step 20 devices sh -c '"$1" devices --json >"$2"' sh "$program" "$found" || return
  "$python" -c 'import json, sys; print(json.dumps({"kind": "devices", **json.load(open(sys.argv[1]))}))' "$found" \
    >>"$results" 2>>"$log"
  rm -f "$found"
}

kernels() {
  local tests=${KERNELS:-$(dirname "$program")/cuda_device}
  if [ ! -x "$tests" ]; then
    say "kernels: skipped, no $tests (cargo test --release --no-run --package shufflescope-backends --test cuda_device)"
    return 1
  fi
  SHUFFLESCOPE_DEVICE_ROUNDS=${ROUNDS:-4} SHUFFLESCOPE_KERNELS=$out/kernels step 40 kernels "$tests" --nocapture
}

sanitize() {
  local sanitizer=${SANITIZER:-compute-sanitizer} example tool
  example=$(parity_program)
  if [ -z "$example" ] || ! command -v "$sanitizer" >/dev/null; then
    say "sanitize: skipped, no $sanitizer or no gpu_parity"
    return 1
  fi
  for tool in memcheck racecheck; do
    step 40 "$tool" "$sanitizer" --tool "$tool" --error-exitcode 9 "$example" "$device" f32 1 shufflenet-v2-x1.0
  done
}

parity_program() {
  local place
  for place in "${PARITY:-}" "$(dirname "$program")/gpu_parity" "$(dirname "$program")/examples/gpu_parity"; do
    if [ -n "$place" ] && [ -x "$place" ]; then
      echo "$place"
      return
    fi
  done
}

race() {
  # A fifth of the time is kept for the logits behind it; of the rest two fifths are for what PyTorch compiles.
  local seconds=$(($(left) - 5))
  case $steps in *parity*) seconds=$((seconds * 4 / 5)) ;; esac
  case $steps in *sanitize*) seconds=$((seconds * 4 / 5)) ;; esac
  [ "$seconds" -gt 0 ] || seconds=1
  # Lists of words.
  # shellcheck disable=SC2086
  step $((seconds + 5)) race "$python" "$here/race.py" --program "$program" --device "$device" --output "$results" \
    --python "$python" --torch-device "$torch" --networks $networks --batches $batches --precisions $precisions \
    --compile $compile --seconds "$seconds" --compile-seconds $((seconds * 2 / 5))
}

parity() {
  local example precision batch
  example=$(parity_program)
  if [ -z "$example" ]; then
    say "parity: skipped, no gpu_parity beside $program (cargo build --release --workspace --example gpu_parity)"
    return 1
  fi
  for batch in 1 3; do
    for precision in $precisions; do
      # shellcheck disable=SC2086,SC2016
      step 60 "parity $precision, batch $batch" sh -c 'out=$1; shift; "$@" >>"$out"' sh \
        "$results" "$example" "$device" "$precision" "$batch" $zoo
      echo >>"$results" # One that was stopped may have left half a line.
    done
  done
}

say "device $device, limit $limit s, $(date -u +%Y-%m-%dT%H:%MZ)"
card
for name in $steps; do
  case $name in
    devices) devices ;;
    kernels) kernels ;;
    sanitize) sanitize ;;
    race) race ;;
    parity) parity ;;
    table) "$python" "$here/table.py" "$results" >"$out/table.md" 2>>"$log" && cat "$out/table.md" ;;
    *) say "unknown step: $name" ;;
  esac
done
card
say "total $SECONDS s; results in $out"
