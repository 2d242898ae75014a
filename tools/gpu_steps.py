"""The steps of tools/check_gpu that run qkscope. Each is a function of a gpu_run.Step, which it tells
what it found; gpu_kernels.py holds those that need torch alone."""

import os
import re
import signal
import subprocess
import sys
import time

import gpu_compare as compare
import gpu_models as models
from gpu_run import PeakMemory, side_by_side

DTYPES = ("bfloat16", "float32")
TINY_TOKENS = 96
# Of a whole dataset in bfloat16 with another attention kernel than transformers', as a part of the root mean
# square of its numbers. No GPU was measured: windows in bands on the cpu give up to 0.5 % of the largest number.
LARGEST_RMS = 0.02


def describe(step):
    import importlib.metadata
    import platform

    import torch

    versions = {}
    for name in ("torch", "transformers", "numpy", "pyarrow", "tokenizers", "datasets"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    step.note(python=sys.version.split()[0], libc=platform.libc_ver()[1], cpus=os.cpu_count(),
              versions=versions, cuda=torch.version.cuda, hip=torch.version.hip)
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        step.note(gpu=properties.name, capability=f"{properties.major}.{properties.minor}",
                  gpu_bytes=properties.total_memory, cudnn=torch.backends.cudnn.version())
    model = sorted((step.package / "models").iterdir())[0]
    models.write_corpus(step.work / "corpus", [40], 40)
    for dtype in DTYPES:
        said = step.attempt(f"plan in {dtype}", lambda dtype=dtype: step.sniff(
            step.work / dtype, model, step.work / "corpus", dtype, "--dry-run")[1])
        step.note(**{f"plan_{dtype}": said})
        step.require(f"plan in {dtype}", said)


def tiny_models(step):
    found = sorted(path for path in (step.package / "models").iterdir() if path.is_dir())
    return found[::3] if step.small else found


def words_of(model):
    import json

    return json.loads((model / "config.json").read_text())["vocab_size"] - 1


def tiny_captures(step, dtype, device=None, tag="", **changes):
    """Captures the tiny models, several at a time; {model: dataset}, without those that failed. The first
    document is that of recorded(); the second has one token, which some kernels refuse."""
    jobs = {}
    for model in tiny_models(step):
        corpus = step.shared / f"corpus-{model.name}"
        if not corpus.exists():
            models.write_corpus(corpus, [TINY_TOKENS, 1], words_of(model))
        out = step.work / f"{model.name}-{dtype}{tag}"
        jobs[model.name] = lambda model=model, corpus=corpus, out=out: step.sniff(
            out, model, corpus, dtype, "--quiet", "--threads", "2", device=device, **changes)
    results = side_by_side(jobs, max(2, min(10, (os.cpu_count() or 1) - 2)))
    failed = {name: str(result) for name, result in results.items() if isinstance(result, Exception)}
    if failed:
        step.note(errors={**step.result.get("errors", {}), f"captures {dtype}{tag}": failed})
    return {name: step.work / f"{name}-{dtype}{tag}" for name in jobs if name not in failed}


def recorded(step, dtype):
    """{model: what transformers gives} of the tiny models' document."""
    out = {}
    for model in tiny_models(step):
        ids = models.random_ids(0, TINY_TOKENS, words_of(model))

        def run(model=model, ids=ids):
            decoder = compare.load_decoder(model, dtype, step.device.removeprefix("torch:"))
            return compare.record(decoder, ids, range(len(ids)), step.device.removeprefix("torch:"))[0]

        found = step.attempt(f"transformers {model.name} {dtype}", run)
        if found is not None:
            out[model.name] = found
    return out


# Of a type and a choice of attention, the decisive ones first: `compat: reference` leaves attention to torch's
# dispatcher, as transformers. Our own choice in float32 is compared with the cpu backend, in beside_cpu.
ARCHITECTURE_RUNS = (("bfloat16", "reference"), ("float32", "reference"), ("bfloat16", "own"))


def architectures(step):
    """The tiny models against transformers."""
    import transformers

    step.note(transformers=transformers.__version__)
    expected = {}
    for dtype, choice in ARCHITECTURE_RUNS:
        if dtype not in expected:
            expected[dtype] = recorded(step, dtype)
        name, changes = f"{dtype}-{choice}", {"compat": "reference"} if choice == "reference" else {}
        found = {model: step.attempt(f"{model} {name}", compare.compare_with_record, folder,
                                     expected[dtype][model])
                 for model, folder in tiny_captures(step, dtype, tag=f"-{choice}", **changes).items()
                 if model in expected[dtype]}
        done = {model: result for model, result in found.items() if result}
        equal = sum(result["equal"] == result["numbers"] for result in done.values())
        worst = max((result["rms"] for result in done.values()), default=None)
        step.note(**{name: done, f"{name}, models of equal bits": f"{equal} of {len(done)}",
                     f"{name}, largest rms": worst})
        whole = len(done) == len(tiny_models(step))
        if dtype == "float32":
            step.require(f"{name}: within 1e-5 + p 2^-24",
                         whole and all(result["of_limit"] <= 1 for result in done.values()))
        elif choice == "reference":
            step.require(f"{name}: equal bits", whole and equal == len(done))
        else:
            step.require(f"{name}: rms at most {LARGEST_RMS:.1%}", whole and worst <= LARGEST_RMS)


def beside_cpu(step):
    ours, theirs = tiny_captures(step, "float32"), tiny_captures(step, "float32", "cpu", "-cpu")
    found = {name: step.attempt(name, compare.compare_datasets, theirs[name], ours[name])
             for name in ours if name in theirs}
    done = {name: result for name, result in found.items() if result}
    step.note(models=done)
    step.require("within 1e-5 + p 2^-24 of the cpu backend", len(done) == len(tiny_models(step)) and all(
        result["of_limit"] <= 1 for result in done.values()))


def shape_of(step, config, layers):
    small = {**models.SMALL, "sliding_window": 64} if step.small else {}
    out = {**config, **small, "num_hidden_layers": layers}
    if "layer_types" in out:
        out["layer_types"] = [*((layers - 1) * ["sliding_attention"]), "full_attention"]
    return {key: value for key, value in out.items() if key in config or key != "sliding_window"}


def checkpoint(step, name, config, layers):
    """A random checkpoint that steps share."""
    folder = step.shared / name
    if not (folder / "model.safetensors").exists():
        models.write_random(folder, shape_of(step, config, layers), step.device.removeprefix("torch:"))
    return folder


def corpus_of(step, name, lengths):
    models.write_corpus(step.work / name, lengths, 500)
    return step.work / name


SPARSE = {"sampler": {"type": "uniform", "base_rate": 4}, "min_bucket_size": 1024}
SPLIT_K_OFF = {"CUBLAS_WORKSPACE_CONFIG": ":16:8", "CUBLASLT_WORKSPACE_SIZE": "1"}


def determinism(step):
    """What the bytes of a dataset depend on. The first two are promised; the others are asked."""
    model = checkpoint(step, "llama-1b-4-layers", models.LLAMA_1B, 4)
    lengths = [300, 700, 500] if step.small else [20000, 40000, 9000]
    corpus = corpus_of(step, "corpus", lengths)
    chunks = [64, 128] if step.small else [8192, 16384]
    runs = {
        "once": ([], {}, {}), "twice": ([], {}, {}),
        "batch of 3": ([], {"inference": {"batch_size": 3}}, {}),
        f"chunks of {chunks[0]}": (["--chunk-tokens", str(chunks[0])], {}, {}),
        f"chunks of {chunks[1]}": (["--chunk-tokens", str(chunks[1])], {}, {}),
        "without split-K": ([], {}, SPLIT_K_OFF),
        f"without split-K, chunks of {chunks[0]}": (["--chunk-tokens", str(chunks[0])], {}, SPLIT_K_OFF),
    }
    capture = {**SPARSE, "min_bucket_size": 64 if step.small else 1024}
    for name, (flags, changes, environment) in runs.items():
        out = step.work / name.replace(" ", "-").replace(",", "")
        step.attempt(name, lambda out=out, flags=flags, changes=changes, environment=environment:
                     step.sniff(out, model, corpus, "bfloat16", *flags, environment=environment,
                                capture=capture, **changes))
        if out.name != "once" and out.exists():
            step.note(**{f"{name}: same vectors as once":
                         step.attempt(name, compare.same_vectors, step.work / "once", out)})
    for name in ("twice", "batch of 3"):
        step.require(name, step.result.get(f"{name}: same vectors as once"))


def beside_transformers(step, model, lengths, environment):
    """One capture each of ours with torch's own choice of attention and with ours, and transformers."""
    corpus = corpus_of(step, "corpus", lengths)
    capture = {**SPARSE, "min_bucket_size": 64 if step.small else 8192}
    for name, changes in (("own", {}), ("reference", {"compat": "reference"})):
        with PeakMemory() as memory:
            found = step.attempt(name, lambda name=name, changes=changes: step.sniff(
                step.work / name, model, corpus, "bfloat16", "--quiet", environment=environment,
                capture=capture, **changes))
        if found:
            step.note(**{f"{name}: seconds, the start included": round(found[0], 2),
                         f"{name}: MiB of the device": memory.most, f"{name}: said": found[1][-600:]})
            if name == "own" and memory.most:
                step.attempt("plan of memory", beside_plan, step, model, corpus, capture, memory.most)
        step.require(f"{name}: whole", found)


def beside_plan(step, model, corpus, capture, measured):
    """What the plan says that the device needs, against MiB that were in use; a context of CUDA and its
    libraries is in no plan."""
    plan = step.sniff(step.work / "plan", model, corpus, "bfloat16", "--dry-run", capture=capture)[1]
    number, unit = re.search(r"on the device ([\d.]+) (kB|MB|GB)", plan).groups()
    planned = float(number) * {"kB": 1e3, "MB": 1e6, "GB": 1e9}[unit] / 2**20
    step.note(**{"own: MiB of the device by the plan": round(planned)})
    step.require("own: memory as planned and at most 1.5 GiB more", measured <= planned + 1536)


def transformers_pass(step, model, lengths):
    """transformers' pass over the first document, twice; the vectors against both captures."""
    device = step.device.removeprefix("torch:")
    with PeakMemory() as memory:
        decoder = compare.load_decoder(model, "bfloat16", device)
        ids = models.random_ids(0, lengths[0], 500)
        for name in ("own", "reference"):
            folder = step.work / name
            if not (folder / "README.md").exists():
                continue
            taken, seconds = compare.record(decoder, ids, compare.positions_of(folder), device)
            result = compare.compare_with_record(folder, taken)
            step.note(**{f"transformers: seconds beside {name}": round(seconds, 3),
                         f"transformers: distance of {name}": result})
            step.note(**{f"{name}: equal bits": result["equal"] == result["numbers"]})
            step.require(f"{name}: rms at most {LARGEST_RMS:.1%}", result["rms"] <= LARGEST_RMS)
    step.note(**{"transformers: MiB of the device": memory.most})


def original_tool(step, model):
    """The original on the same configuration, if it was packed."""
    folder = step.package / "original"
    if not folder.exists():
        step.note(original="not packed")
        return
    out = step.work / "original"
    path = step.configuration(out, model, step.work / "corpus", "bfloat16", {
        "capture": {**SPARSE, "min_bucket_size": 64 if step.small else 8192}})
    for name, more in (("as it comes", {}), ("FA2 first", {"TORCH_CUDNN_SDPA_DEPRIORITIZED": "1"})):
        begin = time.monotonic()
        with PeakMemory() as memory:
            done = subprocess.run([sys.executable, "sniff.py", "--config", str(path)], cwd=folder,
                                  capture_output=True, text=True, check=False, env={**os.environ, **more})
        step.note(**{f"original, {name}: seconds": round(time.monotonic() - begin, 2),
                     f"original, {name}: exit code": done.returncode,
                     f"original, {name}: MiB of the device": memory.most,
                     f"original, {name}: said": (done.stdout + done.stderr)[-400:]})
        if done.returncode == 0:
            step.note(**{f"original, {name}: distance": step.attempt(
                name, compare.compare_datasets, out, step.work / "reference")})


def whole_run(step):
    model = checkpoint(step, "llama-1b", models.LLAMA_1B, 2 if step.small else 16)
    lengths = [900, 700] if step.small else [131072, 131072]
    beside_transformers(step, model, lengths, {})
    step.attempt("transformers", transformers_pass, step, model, lengths)
    step.attempt("original", original_tool, step, model)


def windows(step):
    model = checkpoint(step, "gemma-3", models.GEMMA_4B, 3 if step.small else 6)
    lengths = [700, 500] if step.small else [65536, 30000]
    beside_transformers(step, model, lengths, {})
    step.attempt("transformers", transformers_pass, step, model, lengths)


def interruptions(step):
    """Weights that do not fit, Ctrl-C, memory that others have taken."""
    layers = 24 if step.small else 4  # small ones: several MB of weights, so that --vram can be below them
    model = checkpoint(step, f"llama-1b-{layers}-layers", models.LLAMA_1B, layers)
    corpus = corpus_of(step, "corpus", [400] * 12 if step.small else [20000] * 10)
    capture = {**SPARSE, "min_bucket_size": 64 if step.small else 1024}
    plain, streamed, stopped = (step.work / name for name in ("plain", "streamed", "stopped"))
    step.attempt("plain", lambda: step.sniff(plain, model, corpus, "bfloat16", capture=capture))
    step.attempt("Ctrl-C", interrupt, step, stopped, model, corpus, capture)
    if step.device != "torch:cpu":
        step.attempt("out of memory", out_of_memory, step, stopped, model, corpus, capture)
    step.require("stopped: resumed to the same vectors", step.attempt(
        "resumed", resumed, step, stopped, model, corpus, capture, plain))
    vram = step.attempt("--vram", least_vram, step, model, corpus, capture)
    said = vram and step.attempt("streamed", lambda: step.sniff(
        streamed, model, corpus, "bfloat16", "--vram", vram, capture=capture))
    step.note(least_vram=vram, **{"streamed: seconds": said and round(said[0], 2)})
    step.require("streamed: same vectors", step.attempt("streamed: compare", compare.same_vectors, plain,
                                                        streamed))


def least_vram(step, model, corpus, capture):
    """The smallest budget, as the refusal of a smaller one names it; a plan says that it streams weights."""
    said = step.sniff(step.work / "plan", model, corpus, "bfloat16", "--vram", "1MiB", code=1,
                      capture=capture)[1]
    vram = re.search(r"give --vram (\d+MB)", said)[1]
    plan = step.sniff(step.work / "plan", model, corpus, "bfloat16", "--dry-run", "--vram", vram,
                      capture=capture)[1]
    step.note(plan_of_least_vram=plan)
    step.require("streamed: layer by layer", "layers at a time" in plan)
    return vram


def interrupt(step, out, model, corpus, capture):
    """A capture that is stopped once its journal has begun."""
    run = subprocess.Popen(step.command(out, model, corpus, "bfloat16", "--quiet", capture=capture),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           env=step.environment())
    journal = out / ".qkscope" / "journal"
    for _ in range(6000):
        if run.poll() is not None or (journal.exists() and journal.stat().st_size > 20_000):
            break
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=60)[1]
    step.note(**{"Ctrl-C: said": said[-300:]})
    step.require("Ctrl-C: exit code 75", run.returncode == 75)


def resume(step, out, model, corpus, capture, *flags):
    command = step.command(out, model, corpus, "bfloat16", "--quiet", "--resume", *flags, capture=capture)
    return subprocess.run(command, check=False, capture_output=True, text=True, env=step.environment())


def resumed(step, out, model, corpus, capture, plain):
    done = resume(step, out, model, corpus, capture)
    step.note(**{"resumed: said": done.stderr[-300:]})
    return done.returncode == 0 and compare.same_vectors(plain, out)


def out_of_memory(step, out, model, corpus, capture):
    """Another process has the memory that --vram promises."""
    import torch

    taken = []
    try:
        for size in (1 << 30, 1 << 27):
            while torch.cuda.mem_get_info()[0] > (5 << 28) + size:
                taken.append(torch.empty(size, dtype=torch.uint8, device="cuda"))
        done = resume(step, out, model, corpus, capture, "--vram", "32GiB")
    finally:
        taken.clear()
        torch.cuda.empty_cache()
    step.note(**{"out of memory: exit code": done.returncode, "out of memory: said": done.stderr[-400:]})
    step.require("out of memory: one sentence", done.returncode == 1 and done.stderr.count("\n") == 1)


def rate(step):
    """Seconds of a layer of an 8B model: the difference of captures of 4 and 2 layers."""
    tokens, seconds = 700 if step.small else 131072, {}
    corpus = corpus_of(step, "corpus", [tokens])
    for layers in (2, 4):
        model = checkpoint(step, f"llama-8b-{layers}-layers", models.LLAMA_8B, layers)
        capture = {**SPARSE, "min_bucket_size": 64 if step.small else 8192, "layers": [layers - 1]}
        times = []
        for _ in range(2):
            found = step.attempt(f"{layers} layers", lambda layers=layers, model=model, capture=capture:
                                 step.sniff(step.work / str(layers), model, corpus, "bfloat16",
                                            "--quiet", capture=capture, inference={
                                                "autocast_dtype": "bfloat16", "debug_logging": True}))
            times += [found[0]] if found else []
        seconds[layers] = min(times, default=None)
        step.note(**{f"{layers} layers: seconds, the start included": times,
                     f"{layers} layers: said": found[1][-800:] if found else None})
    step.require("both ran", all(seconds.values()))
    step.note(seconds_per_layer=(seconds[4] - seconds[2]) / 2)
