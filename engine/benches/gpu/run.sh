#!/usr/bin/env bash
# Everything that is to be seen where a GPU is at hand, in one go within LIMIT seconds.
#
#   engine/benches/gpu/run.sh PROGRAM [OUT]       OUT (default: target/gpu) gets results.jsonl, table.md and log.txt
#
# Steps, each with a limit of its own; one that fails is reported and the next begins:
#   devices  what `PROGRAM devices --json` finds
#   race     latencies of ours and PyTorch's in turns (race.py)
#   parity   every zoo network's logits beside the CPU's (engine/examples/gpu_parity.rs)
#   table    all of it as Markdown (table.py)
#
# Settings, from the environment:
#   DEVICE=gpu:0        gpu:software and cpu take the quick way: one small network, batch 1, PyTorch on the CPU
#   LIMIT=290           seconds for everything
#   STEPS="devices race parity table"
#   NETWORKS, BATCHES, PRECISIONS, COMPILE        lists for the race; COMPILE="" compiles nothing with PyTorch
#   PARITY=FILE         the built example, default: PROGRAM's folder, or examples/ in it; PARITY_NETWORKS narrows it down
#   PYTHON=python3      a Python with torch and torchvision; TORCH=none leaves PyTorch out
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=${1:?usage: run.sh PROGRAM [OUT]}
out=${2:-target/gpu}
device=${DEVICE:-gpu:0}
limit=${LIMIT:-290}
python=${PYTHON:-python3}
steps=${STEPS:-devices race parity table}
mkdir -p "$out" || exit 1
results=$out/results.jsonl
log=$out/log.txt
: >"$results"
: >"$log"
export PYTHONUNBUFFERED=1

case $device in
  cpu) networks=shufflenet-v2-x0.5 batches=1 precisions=f32 compile="" torch=cpu zoo="shufflenet-v2-x0.5 resnet-18" ;;
  gpu:software) networks=shufflenet-v2-x0.5 batches=1 precisions="f32 f16" compile="" torch=cpu zoo=shufflenet-v2-x0.5 ;;
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

race() {
  # A fifth of the time is kept for the logits behind it; of the rest two fifths are for what PyTorch compiles.
  local seconds=$(($(left) - 5))
  case $steps in *parity*) seconds=$((seconds * 4 / 5)) ;; esac
  [ "$seconds" -gt 0 ] || seconds=1
  # Lists of words.
  # shellcheck disable=SC2086
  step $((seconds + 5)) race "$python" "$here/race.py" --program "$program" --device "$device" --output "$results" \
    --python "$python" --torch-device "$torch" --networks $networks --batches $batches --precisions $precisions \
    --compile $compile --seconds "$seconds" --compile-seconds $((seconds * 2 / 5))
}

parity() {
  local example=${PARITY:-} precision batch
  for place in "$(dirname "$program")/gpu_parity" "$(dirname "$program")/examples/gpu_parity"; do
    [ -n "$example" ] || [ ! -x "$place" ] || example=$place
  done
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
    race) race ;;
    parity) parity ;;
    table) "$python" "$here/table.py" "$results" >"$out/table.md" 2>>"$log" && cat "$out/table.md" ;;
    *) say "unknown step: $name" ;;
  esac
done
card
say "total $SECONDS s; results in $out"
