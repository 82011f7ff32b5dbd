#!/usr/bin/env bash
# Fuzzes every target, one after another, and prints the table: target, executions, coverage, what was found.
#
#   fuzz/run.sh                    10 minutes each
#   SECONDS_EACH=60 fuzz/run.sh onnx jpeg
#
# Needs cargo-fuzz (`cargo install cargo-fuzz`) and a C++ compiler; any toolchain will do, the sanitizer's flags are let
# through. What is found lies in fuzz/artifacts/TARGET: mend it, then add the file to fuzz/corpus/TARGET, which every
# `cargo test --workspace` replays.
set -uo pipefail
cd "$(dirname "$0")/.."

export RUSTC_BOOTSTRAP=1
seconds=${SECONDS_EACH:-600}
all=$(sed -n 's/^path = "targets\/\(.*\)\.rs"$/\1/p' fuzz/Cargo.toml)
targets=${*:-$all}
working=fuzz/target/corpus
triple=$(rustc -vV | sed -n 's/^host: //p')
programs=fuzz/target/$triple/release

# Most readers take files: those made for them lie in memory where the system has a place for that.
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

cargo fuzz build --codegen-units 16 || exit 1
table="| target | executions | a second | edges | corpus | found |"$'\n'"|---|---|---|---|---|---|"
failed=0
for target in $targets; do
  mkdir -p "$working/$target" "fuzz/artifacts/$target"
  log=$working/$target.log
  options=(-max_total_time="$seconds" -rss_limit_mb=1024 -timeout=5 -print_final_stats=1
    -artifact_prefix="fuzz/artifacts/$target/")
  # Longer inputs only take longer; the seeds are shorter.
  options+=(-max_len=65536)
  [ -f "fuzz/dictionaries/$target.dict" ] && options+=(-dict="fuzz/dictionaries/$target.dict")
  echo "$target: $seconds s" >&2
  # What the fuzzer adds goes to its own folder; the committed seeds are only read.
  "$programs/$target" "${options[@]}" "$working/$target" "fuzz/corpus/$target" >"$log" 2>&1 || failed=1
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  speed=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
  edges=$(grep -o ' cov: [0-9]*' "$log" | tail -1 | grep -o '[0-9]*')
  corpus=$(ls "$working/$target" | wc -l)
  found=$(ls "fuzz/artifacts/$target" | tr '\n' ' ')
  row="| $target | ${executions:-?} | ${speed:-?} | ${edges:-?} | $corpus | ${found:-nothing }|"
  echo "$row" >&2
  table+=$'\n'"$row"
done
echo "$table"
exit "$failed"
