"""The steps of tools/check_gpu that run qkscope. Each is a function of a gpu_run.Step, which it tells
what it found; gpu_kernels.py holds those that need torch alone."""

import os
import signal
import subprocess
import sys
import time

import gpu_compare as compare
import gpu_models as models
from gpu_run import PeakMemory, side_by_side

DTYPES = ("bfloat16", "float32")
TINY_TOKENS = 96


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
    """Captures the tiny models, several at a time; {model: dataset}, without those that failed."""
    jobs = {}
    for model in tiny_models(step):
        corpus = step.shared / f"corpus-{model.name}"
        models.write_corpus(corpus, [TINY_TOKENS], words_of(model))
        out = step.work / f"{model.name}-{dtype}{tag}"
        jobs[model.name] = lambda model=model, corpus=corpus, out=out: step.sniff(
            out, model, corpus, dtype, "--quiet", "--threads", "2", device=device, **changes)
    results = side_by_side(jobs, 2 if step.small else 6)
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


def architectures(step):
    """`compat: reference` leaves attention to torch's dispatcher, as transformers: equal bits. Our own
    choice of kernels: within the noise of the type."""
    import transformers

    step.note(transformers=transformers.__version__)
    for dtype in DTYPES:
        expected = recorded(step, dtype)
        for tag, changes in (("-reference", {"compat": "reference"}), ("-own", {})):
            found = {}
            for name, folder in tiny_captures(step, dtype, tag=tag, **changes).items():
                if name in expected:
                    found[name] = step.attempt(f"{name} {dtype}{tag}", compare.compare_with_record,
                                               folder, expected[name])
            done = {name: result for name, result in found.items() if result}
            equal = sum(result["equal"] == result["numbers"] for result in done.values())
            step.note(**{f"{dtype}{tag}": done, f"{dtype}{tag} of equal bits": f"{equal} of {len(done)}"})
            whole = len(done) == len(tiny_models(step))
            if dtype == "float32":
                step.require(f"{dtype}{tag}: within 1e-5",
                             whole and all(result["of_limit"] <= 1 for result in done.values()))
            elif tag == "-reference":
                step.require(f"{dtype}{tag}: equal bits", whole and equal == len(done))
            else:
                step.require(f"{dtype}{tag}: rms at most 2 %",
                             whole and all(result["rms"] <= 0.02 for result in done.values()))


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
        step.require(f"{name}: whole", found)


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
            if name == "own":
                step.require("own choice: rms at most 3 %", result["rms"] <= 0.03)
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
    """Weights that do not fit, memory that is taken by others, Ctrl-C."""
    model = checkpoint(step, "llama-1b-4-layers", models.LLAMA_1B, 4)
    corpus = corpus_of(step, "corpus", [400] * 40 if step.small else [30000] * 12)
    capture = {**SPARSE, "min_bucket_size": 64 if step.small else 1024}
    plain, streamed, stopped = (step.work / name for name in ("plain", "streamed", "stopped"))
    step.attempt("plain", lambda: step.sniff(plain, model, corpus, "bfloat16", capture=capture))
    vram = least_vram(step, model, corpus, capture)
    step.note(least_vram=vram)
    step.attempt("streamed", lambda: step.sniff(streamed, model, corpus, "bfloat16", "--vram", vram,
                                                capture=capture))
    step.require("streamed: same vectors", step.attempt("streamed: compare", compare.same_vectors, plain,
                                                        streamed))
    step.attempt("Ctrl-C", interrupt, step, stopped, model, corpus, capture)
    step.require("Ctrl-C: resumed to the same vectors", step.attempt(
        "Ctrl-C: compare", compare.same_vectors, plain, stopped))
    if step.device != "torch:cpu":
        step.attempt("out of memory", out_of_memory, step, model, corpus, capture, plain)


def least_vram(step, model, corpus, capture):
    """The smallest budget that a plan accepts, within a factor of 1.2."""
    megabytes = 1.0
    while megabytes < 200_000:
        size = f"{int(megabytes)}MiB"
        command = step.command(step.work / "plan", model, corpus, "bfloat16", "--dry-run", "--vram", size,
                               capture=capture)
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=step.environment())
        if done.returncode == 0:
            step.note(plan_of_least_vram=done.stdout)
            return size
        megabytes *= 1.2 if step.small or megabytes > 200 else 3
    raise RuntimeError("no --vram is accepted")


def begun(step, out, model, corpus, capture):
    """A capture whose journal has begun."""
    run = subprocess.Popen(step.command(out, model, corpus, "bfloat16", "--quiet", capture=capture),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           env=step.environment())
    journal = out / ".qkscope" / "journal"
    for _ in range(6000):
        if run.poll() is not None or (journal.exists() and journal.stat().st_size > 20_000):
            break
        time.sleep(0.01)
    return run


def interrupt(step, out, model, corpus, capture):
    run = begun(step, out, model, corpus, capture)
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=60)[1]
    step.note(**{"Ctrl-C: said": said[-300:]})
    step.require("Ctrl-C: exit code 75", run.returncode == 75)
    command = step.command(out, model, corpus, "bfloat16", "--quiet", "--resume", capture=capture)
    subprocess.run(command, check=True, capture_output=True, env=step.environment())


def out_of_memory(step, model, corpus, capture, plain):
    """The memory goes to another process while the capture runs."""
    import torch

    out = step.work / "starved"
    run = begun(step, out, model, corpus, capture)
    taken = []
    try:
        for size in (1 << 30, 1 << 26):
            while run.poll() is None and torch.cuda.mem_get_info()[0] > 2 * size:
                taken.append(torch.empty(size, dtype=torch.uint8, device="cuda"))
        said = run.communicate(timeout=30)[1]
    finally:
        run.kill()
        taken.clear()
        torch.cuda.empty_cache()
    step.note(**{"out of memory: exit code": run.returncode, "out of memory: said": said[-400:]})
    step.require("out of memory: one sentence, or it had what it needed", run.returncode == 0 or (
        run.returncode == 1 and said.count("\n") == 1))
    command = step.command(out, model, corpus, "bfloat16", "--quiet", "--resume", capture=capture)
    subprocess.run(command, check=True, capture_output=True, env=step.environment())
    step.require("out of memory: resumed to the same vectors", compare.same_vectors(plain, out))


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
