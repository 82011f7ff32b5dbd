#!/usr/bin/env python3
"""Race the tuned runtime against the CPU engines that people would otherwise take, on the same ONNX files, round by round.

    python race.py SHUFFLESCOPE MODEL.onnx ... [--engines ort,openvino,ncnn] [--precision f32] [--threads 1,2] [--rounds 5]
                   [--seconds 0.6] [--json FILE]

In every round all engines run the same file, one after another in a shuffled order, each in a process of its own; an
engine's figure is the median of its back-to-back runs after a warm-up. What counts is the ratio to the fastest other engine of
the round, then its median over the rounds. Ours is what `shufflescope profile MODEL --mode live --json` says.

Files to race: the project's own networks (`shufflescope export NAME --fold-batch-norm -o FILE.onnx`, in 8 bits with
`--precision int8` and no folding), torchvision's (make_torchvision_models.py beside this). With `--precision int8` the files
are quantised ones, which say themselves in what they are computed; ncnn takes none of those. ncnn converts its copy with
`pnnx`. Needs numpy and the engines: pip install onnxruntime openvino ncnn pnnx.
"""
import argparse, json, os, pathlib, random, shutil, statistics, subprocess, sys, tempfile, time


def inputs(model):
    """`(name, shape)` of the one input of an ONNX file, batch 1."""
    import onnx
    value = onnx.load(model, load_external_data=False).graph.input[0]
    return value.name, [1] + [axis.dim_value for axis in value.type.tensor_type.shape.dim[1:]]


def onnx_runtime(model, threads, x, name):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {name: x})


def openvino(model, threads, x, name, precision):
    import openvino as ov
    hint = "bf16" if precision == "bf16" else "f32"
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1,
                "INFERENCE_PRECISION_HINT": hint}
    core = ov.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", settings)
    request = compiled.create_infer_request()
    request.set_input_tensor(ov.Tensor(x))
    return lambda keep=(core, compiled): request.infer()


def ncnn(model, threads, x):
    import ncnn
    net = ncnn.Net()
    net.opt.num_threads = threads
    for name in ("use_vulkan_compute", "use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        if hasattr(net.opt, name):
            setattr(net.opt, name, False)
    converted = pathlib.Path(model).with_suffix("")
    assert net.load_param(f"{converted}.ncnn.param") == 0 and net.load_model(f"{converted}.ncnn.bin") == 0
    mat = ncnn.Mat(x[0]).clone()

    def run():
        with net.create_extractor() as extractor:
            extractor.input("in0", mat)
            return extractor.extract("out0")
    return run


def measure(engine, model, threads, seconds, precision):
    import numpy as np
    name, shape = inputs(model)
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    if engine == "ort":
        run = onnx_runtime(model, threads, x, name)
    elif engine == "openvino":
        run = openvino(model, threads, x, name, precision)
    else:
        run = ncnn(model, threads, x)
    stop = time.perf_counter() + 0.15
    while time.perf_counter() < stop:
        run()
    samples, stop = [], time.perf_counter() + seconds
    while time.perf_counter() < stop or len(samples) < 10:
        start = time.perf_counter_ns()
        run()
        samples.append(time.perf_counter_ns() - start)
    print(json.dumps({"median_ns": statistics.median(samples), "samples": len(samples)}))


def convert_for_ncnn(model, folder):
    """A copy of the file with ncnn's form beside it; nothing where `pnnx` cannot make it."""
    # What it writes has the name up to its first dot.
    work = pathlib.Path(folder) / f"{len(os.listdir(folder))}.onnx"
    shutil.copy(model, work)
    _, shape = inputs(model)
    shape = ",".join(map(str, shape))
    done = subprocess.run(["pnnx", str(work), f"inputshape=[{shape}]", "fp16=0"], cwd=folder, capture_output=True, text=True)
    if work.with_suffix(".ncnn.param").exists():
        return str(work)
    print(f"pnnx could not convert {model}: {done.stderr[-300:]}", file=sys.stderr)


def median_ms(engine, model, threads, args):
    if engine == "ours":
        command = [args.shufflescope, "profile", model, "--threads", str(threads), "--mode", "live", "--json",
                   "--precision", args.precision]
    else:
        command = [sys.executable, os.path.abspath(__file__), "--engine", engine, model, str(threads), str(args.seconds),
                   args.precision]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, OMP_NUM_THREADS=str(threads)))
    try:
        reply = json.loads(done.stdout)
        return (reply["measurement"]["whole"] if engine == "ours" else reply)["median_ns"] / 1e6
    except (ValueError, KeyError) as error:
        raise SystemExit(f"{engine} on {model}, {threads} threads: {error!r}\n{done.stdout[-300:]}{done.stderr[-600:]}")


def race(model, threads, engines, copies, args):
    rounds = []
    for _ in range(args.rounds):
        order = random.sample(engines, len(engines))
        rounds.append({engine: median_ms(engine, copies.get(engine, model), threads, args) for engine in order})
    for engine in engines:
        fastest = [min(ms for other, ms in times.items() if other != "ours") for times in rounds]
        ratios = sorted(times[engine] / best for times, best in zip(rounds, fastest))
        row = {"model": pathlib.Path(model).stem, "threads": threads, "engine": engine, "precision": args.precision,
               "median_ms": statistics.median(times[engine] for times in rounds),
               "ratio_to_fastest_other": statistics.median(ratios), "ratios": ratios}
        print(f"{row['model']:28s} {threads}T {engine:9s} {row['median_ms']:8.3f} ms  of the fastest other "
              f"{row['ratio_to_fastest_other']:.2f} ({ratios[0]:.2f}..{ratios[-1]:.2f})", flush=True)
        yield row


def main():
    if sys.argv[1:2] == ["--engine"]:
        engine, model, threads, seconds, precision = sys.argv[2:]
        return measure(engine, model, int(threads), float(seconds), precision)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shufflescope")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--engines", default="ort,openvino,ncnn")
    parser.add_argument("--precision", default="f32", choices=["f32", "bf16", "int8"])
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.6)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    table = []
    with tempfile.TemporaryDirectory() as folder:
        for model in args.models:
            engines, copies = ["ours", *args.engines.split(",")], {}
            if "ncnn" in engines:
                copy = convert_for_ncnn(model, folder) if args.precision == "f32" else None
                if copy:
                    copies["ncnn"] = copy
                else:
                    engines.remove("ncnn")
            for threads in map(int, args.threads.split(",")):
                table.extend(race(model, threads, engines, copies, args))
    if args.json:
        args.json.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
