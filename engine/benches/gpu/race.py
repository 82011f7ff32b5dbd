#!/usr/bin/env python3
"""ShuffleScope and PyTorch in turns on one device, network by network: one JSON object per result and line.

    engine/benches/gpu/race.py --program target/release/shufflescope --device gpu:0 --output results.jsonl

For every network and batch: ours in one precision (`profile --mode live` in fresh processes), PyTorch in the same one
(`torch_race.py`), then the next precision. Networks to compile (20 to 60 s each) come last, ours beside them once more.
A job that fails or takes too long is written down with its reason, and the next one is tried; once `--seconds` are
spent the rest is left out and said to be.
"""

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time

NETWORKS = [
    "shufflenet-v2-x1.0",
    "shufflenet-v2-x0.5",
    "mobilenet-v2-x1.0",
    "resnet-50",
    "shufflenet-v2-x2.0",
    "shufflenet-v2-x1.5",
]
WAYS = {
    "f32": ["eager", "eager channels_last", "graph", "graph channels_last"],
    "tf32": ["graph", "graph channels_last"],
    "f16": ["eager channels_last", "graph", "graph channels_last"],
}
# What inductor makes of f32 it lays out itself; 16-bit convolutions want channels last from the start.
COMPILED_WAYS = {"f32": ["compiled"], "tf32": ["compiled"], "f16": ["compiled channels_last"]}
OURS_SECONDS, TORCH_SECONDS, COMPILE_SECONDS = 30, 25, 75


class Program:
    """ShuffleScope, with a data folder of its own: what it learns here and nothing else."""

    def __init__(self, path, device, folder):
        self.path, self.device = path, device
        # Where the system's own places for data are looked up, on Linux, macOS and Windows.
        places = ("XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME", "APPDATA", "LOCALAPPDATA")
        self.environment = {**os.environ, **dict.fromkeys(places, folder)}

    def run(self, network, batch, precision, seconds):
        """One fresh live run: what the table needs of its profile."""
        command = [self.path, "profile", network, "--device", self.device, "--batch", str(batch)]
        command += ["--mode", "live", "--json"]
        if precision != "f32":
            command += ["--precision", precision]
        started = time.monotonic()
        record = {"kind": "ours", "network": network, "batch": batch, "precision": precision, "device": self.device}
        try:
            result = subprocess.run(
                command, env=self.environment, capture_output=True, text=True, timeout=min(OURS_SECONDS, seconds)
            )
            if result.returncode != 0:
                reason = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
                return {**record, "failed": reason[0]}
            measurement = json.loads(result.stdout)["measurement"]
        except subprocess.TimeoutExpired as late:
            return {**record, "failed": f"not done within {late.timeout:.0f} s"}
        except (OSError, ValueError, KeyError) as error:
            return {**record, "failed": f"{type(error).__name__}: {error}"}
        record["seconds"] = round(time.monotonic() - started, 2)
        for key in ("whole", "device_time", "enqueue", "transfer", "runtime", "threads", "warm_up"):
            record[key] = measurement.get(key)
        breakdown = measurement.get("breakdown") or {}
        record["kernels"] = len(breakdown.get("kernels") or [])
        record["marking_overhead"] = breakdown.get("marking_overhead")
        record["processes"] = len(measurement.get("processes") or [])
        record["warnings"] = [warning.get("kind") for warning in measurement.get("warnings") or []]
        return record


class Torch:
    """The other side's process: started once, and once more where it had to be ended."""

    def __init__(self, python, device):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_race.py")
        self.command = [python, "-u", script, "--device", device]
        self.starts_left = 2
        self.process = None

    def start(self, seconds):
        """Returns what it is, or why it is not there."""
        self.starts_left -= 1
        try:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
            )
        except OSError as error:
            self.starts_left = 0
            return {"failed": str(error)}
        lines = self.lines = queue.Queue()
        output = self.process.stdout

        def read():
            for line in output:
                lines.put(line)
            lines.put("")

        threading.Thread(target=read, daemon=True).start()
        return self.answer(seconds)

    def answer(self, seconds):
        try:
            line = self.lines.get(timeout=max(seconds, 0.1))
        except queue.Empty:
            self.stop()
            return {"failed": f"no answer within {seconds:.0f} s; it was ended"}
        if not line:
            self.stop()
            return {"failed": "its process ended; see its messages"}
        return json.loads(line)

    def run(self, job, seconds):
        """The job's results, one record each."""
        record = {"kind": "torch", **{key: job[key] for key in ("network", "batch", "precision")}}
        answer = {"failed": "PyTorch is not there"}
        if self.process is None and self.starts_left > 0:
            answer = self.start(min(60, seconds))
        if self.process is not None:
            try:
                self.process.stdin.write(json.dumps({**job, "seconds": seconds}) + "\n")
                self.process.stdin.flush()
                # A call into the compiler or driver cannot be interrupted by the process itself.
                answer = self.answer(seconds + 5)
            except OSError as error:
                self.stop()
                answer = {"failed": str(error)}
        return [{**record, **result} for result in answer.get("results", [{"way": "+".join(job["ways"]), **answer}])]

    def stop(self):
        """Ends it with everything that it started (compilers have workers)."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, 9)
            except (OSError, AttributeError):
                self.process.kill()
            self.process.wait()
            self.process = None


class Race:
    def __init__(self, options, program, torch, output):
        self.options, self.program, self.torch, self.output = options, program, torch, output
        self.started = time.monotonic()
        self.left_out = 0

    def left(self):
        return self.options.seconds - (time.monotonic() - self.started)

    def write(self, record):
        self.output.write(json.dumps(record) + "\n")
        self.output.flush()
        host = record.get("host_ns") or (record.get("whole") or {}).get("median_ns")
        what = " ".join(str(record[key]) for key in ("kind", "network", "batch", "precision", "way") if key in record)
        print(f"{what}: {record['failed'] if 'failed' in record else f'{host / 1e3:.1f} us'}", flush=True)

    def turn(self, network, batch, precision, ways, seconds, reserved=0.0):
        """Ours, then PyTorch's ways; nothing is begun in the time that is reserved for what comes after."""
        for who in ("ours", "torch"):
            left = self.left() - reserved
            if left < 4:
                self.left_out += 1
            elif who == "ours":
                self.write(self.program.run(network, batch, precision, left))
            elif ways and self.torch is not None:
                job = {"network": network, "batch": batch, "precision": precision, "ways": ways}
                for record in self.torch.run(job, min(seconds, left)):
                    self.write(record)

    def run(self):
        options = self.options
        ways = WAYS
        if options.torch_device == "cpu":
            ways = {precision: [way for way in ways if "graph" not in way] for precision, ways in WAYS.items()}
        reserved = options.compile_seconds if options.compile else 0.0
        for network in options.networks:
            for batch in options.batches:
                for precision in options.precisions:
                    self.turn(network, batch, precision, ways[precision], TORCH_SECONDS, reserved)
        for network in options.compile:
            for precision in options.precisions:
                for batch in options.batches:
                    self.turn(network, batch, precision, COMPILED_WAYS[precision], COMPILE_SECONDS)
        if self.left_out:
            self.output.write(json.dumps({"kind": "left-out", "jobs": self.left_out, "why": "out of time"}) + "\n")
            print(f"out of time: {self.left_out} jobs left out", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/shufflescope")
    parser.add_argument("--device", default="gpu:0", help="as `shufflescope devices` names it")
    parser.add_argument("--output", default="results.jsonl", help="results are added to this file")
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 64])
    parser.add_argument("--precisions", nargs="+", default=["f32", "f16"], choices=list(WAYS))
    parser.add_argument("--compile", nargs="*", default=["shufflenet-v2-x1.0"], help="networks to compile with PyTorch")
    parser.add_argument("--python", default=sys.executable, help="a Python with torch and torchvision")
    parser.add_argument("--torch-device", default="cuda", help="cuda, cpu, or none to leave PyTorch out")
    parser.add_argument("--seconds", type=float, default=225, help="for everything")
    parser.add_argument("--compile-seconds", type=float, default=105, help="of these, for what is compiled")
    options = parser.parse_args()
    if options.torch_device == "none":
        options.compile = []
    with tempfile.TemporaryDirectory() as folder, open(options.output, "a", encoding="utf-8") as output:
        torch = None if options.torch_device == "none" else Torch(options.python, options.torch_device)
        race = Race(options, Program(options.program, options.device, folder), torch, output)
        try:
            if torch is not None:
                what = torch.start(60)
                output.write(json.dumps({"kind": "torch-version", **what}) + "\n")
                print(f"PyTorch: {what}", flush=True)
            race.run()
        finally:
            if torch is not None:
                torch.stop()


if __name__ == "__main__":
    main()
