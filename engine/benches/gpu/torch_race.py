#!/usr/bin/env python3
"""PyTorch's side of the race: one job per line of standard input as JSON, one answer per line of standard output.

    {"network": "shufflenet-v2-x1.0", "batch": 1, "precision": "f32", "ways": ["eager", "graph"], "seconds": 20}

A process that lives on pays for its start (10 s and more) once, so that `race.py` can take turns with ShuffleScope.
The networks are torchvision's, in inference mode, with random weights and batch-norm statistics of random pictures.

Ways to run: `eager`, `graph` (eager calls captured in a CUDA graph), `compiled` (torch.compile with inductor and frozen
weights) and `compiled-autotuned` (the same with its slower search); ` channels_last` behind a way sets the layout. Both
compiled ways are measured twice, called as they are and captured in a CUDA graph. Precisions: `f32` (TF32 off), `tf32`
and `f16` (weights and maps). cuDNN searches its algorithms (`benchmark`).

host_ns: from the call until the device is done. enqueue_ns: until the call returns. device_ns: between two CUDA events
around one call, gaps between kernels included. Medians; the input is on the device already.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import time

os.environ.setdefault("TORCHINDUCTOR_FREEZING", "1")
import torch
import torchvision

NAMES = {
    "shufflenet-v2-x0.5": "shufflenet_v2_x0_5",
    "shufflenet-v2-x1.0": "shufflenet_v2_x1_0",
    "shufflenet-v2-x1.5": "shufflenet_v2_x1_5",
    "shufflenet-v2-x2.0": "shufflenet_v2_x2_0",
    "mobilenet-v2-x1.0": "mobilenet_v2",
    "resnet-18": "resnet18",
    "resnet-50": "resnet50",
    "resnext-50-32x4d": "resnext50_32x4d",
    "densenet-121": "densenet121",
}
COMPILED = {"compiled": "default", "compiled-autotuned": "max-autotune-no-cudagraphs"}
WARM_UP_SECONDS, SECONDS, SAMPLES = 0.1, 0.2, (11, 300)


class OutOfTime(BaseException):
    """Not an `Exception`: the compiler catches those and falls back."""


class Bench:
    def __init__(self, device):
        self.device = torch.device(device)
        self.on_gpu = self.device.type == "cuda"

    def synchronize(self):
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def timed(self, call):
        """Warms up, then medians over single calls."""
        start, calls = time.perf_counter(), 0
        while calls < 5 or time.perf_counter() - start < WARM_UP_SECONDS:
            call()
            self.synchronize()
            calls += 1
        host, enqueue, device = [], [], []
        for _ in samples():
            start = time.perf_counter_ns()
            call()
            returned = time.perf_counter_ns()
            self.synchronize()
            host.append(time.perf_counter_ns() - start)
            enqueue.append(returned - start)
        if not self.on_gpu:
            return {"host_ns": median(host), "enqueue_ns": None, "device_ns": None, "samples": len(host)}
        before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        for _ in samples():
            before.record()
            call()
            after.record()
            after.synchronize()
            device.append(before.elapsed_time(after) * 1e6)
        return {
            "host_ns": median(host),
            "enqueue_ns": median(enqueue),
            "device_ns": median(device),
            "samples": len(host),
        }

    def captured(self, call):
        """Replays a CUDA graph of one call; what the call uses has to stay where it is."""
        if not self.on_gpu:
            raise RuntimeError("CUDA graphs need a CUDA device")
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                call()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            call()
        return graph.replay

    def network(self, job, layout):
        """The model and its input, in the job's precision and this memory layout."""
        precision = job["precision"]
        if precision not in ("f32", "tf32", "f16"):
            raise ValueError(f"unknown precision `{precision}`: f32, tf32 or f16")
        if job["network"] not in NAMES:
            raise ValueError(f"`{job['network']}` is none of {', '.join(NAMES)}")
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        torch.manual_seed(5)
        with self.device:
            model = getattr(torchvision.models, NAMES[job["network"]])(weights=None)
            given = torch.randn(job["batch"], 3, 224, 224)
            with_sane_statistics(model, torch.randn(4, 3, 224, 224))
        kind = torch.float16 if precision == "f16" else torch.float32
        return model.to(kind).to(memory_format=layout), given.to(kind).to(memory_format=layout)

    def run(self, job, way):
        """One way of running the job's network; a compiled one gives two results."""
        kind, _, layout = way.partition(" ")
        if kind not in ("eager", "graph", *COMPILED):
            raise ValueError(f"unknown way `{way}`")
        model, given = self.network(job, torch.channels_last if layout == "channels_last" else torch.contiguous_format)
        if kind == "eager":
            return [{"way": way, **self.timed(lambda: model(given))}]
        if kind == "graph":
            return [{"way": way, **self.timed(self.captured(lambda: model(given)))}]
        torch._dynamo.reset()
        start = time.monotonic()
        compiled = torch.compile(model, mode=COMPILED[kind])
        compiled(given)
        self.synchronize()
        seconds = {"compile_s": round(time.monotonic() - start, 1)}
        results = [{"way": way, **self.timed(lambda: compiled(given)), **seconds}]
        if self.on_gpu:
            graph = way.replace(kind, kind + "-graph")
            results.append({"way": graph, **self.timed(self.captured(lambda: compiled(given))), **seconds})
        return results

    def answer(self, job):
        """Every way's results; one that fails says why and the next is tried, until the job's time is over."""
        results = []
        end = time.monotonic() + job.get("seconds", 60)
        for way in job["ways"]:
            try:
                with time_limit(end - time.monotonic()):
                    results += self.run(job, way)
            except (Exception, OutOfTime) as error:  # Whatever it is belongs into the answer.
                reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
                results.append({"way": way, "failed": reason})
            if self.on_gpu:
                torch.cuda.empty_cache()
        return {"network": job["network"], "batch": job["batch"], "precision": job["precision"], "results": results}


def with_sane_statistics(model, pictures):
    """Batch-norm statistics as these pictures have them, so that no value dies out or overflows."""
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    model.train()(pictures)
    model.eval()


def samples():
    """Counts samples until the time is over, within bounds."""
    least, most = SAMPLES
    end = time.perf_counter() + SECONDS
    for index in range(most):
        if index >= least and time.perf_counter() > end:
            return
        yield index


def median(values):
    return round(sorted(values)[len(values) // 2])


@contextlib.contextmanager
def time_limit(seconds):
    """Raises `OutOfTime` once the time is over, where the system has an alarm; the caller's patience ends later."""

    def late(*_):
        raise OutOfTime("out of time")

    if seconds <= 0:
        late()
    if not hasattr(signal, "SIGALRM"):
        yield
        return
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu")
    device = parser.parse_args().device
    # Answers alone go to standard output: compilers print there as well.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(answer):
        print(json.dumps(answer), file=answers, flush=True)

    torch.backends.cudnn.benchmark = True
    bench = Bench(device)
    say({
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "cudnn": torch.backends.cudnn.version() if bench.on_gpu else None,
        "device": torch.cuda.get_device_name(bench.device) if bench.on_gpu else "cpu",
        "threads": torch.get_num_threads(),
    })
    with torch.no_grad():
        for line in sys.stdin:
            try:
                say(bench.answer(json.loads(line)))
            except Exception as error:  # A job that cannot be read ends that job alone.
                say({"failed": f"{type(error).__name__}: {error}"})
    # Workers of the compiler may still be busy; nothing is left to wait for.
    os._exit(0)


if __name__ == "__main__":
    main()
