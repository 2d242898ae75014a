#!/usr/bin/env python3
"""Measures qkscope and the original tool in turn, on the same checkpoint, documents and cores:
tokens per second in the forward pass, wall time of the whole process, peak memory.

    bench/against_original.py --original PATH_OF_QK_SNIFFER --model FOLDER [--gguf FILE]
        [--python PYTHON_OF_THE_ORIGINAL] [--rounds 3] [--json OUT]

FOLDER is a Hugging Face checkpoint (tools/smollm2_checkpoint.py makes one from the demo's model).
With --gguf, qkscope is also measured on that file. Results are medians over the rounds. Peak memory
is VmHWM (all resident memory, including mapped weights) and the largest RssAnon (without mapped
files), read from /proc while the process runs."""

import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

WORKLOADS = {512: 16, 2048: 8, 8192: 2}  # tokens -> documents
TEXT = pathlib.Path("/usr/share/common-licenses")


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return models[0] if models else platform.machine()


def make_corpus(folder, documents, tokens):
    """Documents of real text, each longer than `tokens` tokens, from different places."""
    words = " ".join(p.read_text() for p in sorted(TEXT.iterdir()) if not p.is_symlink()).split(" ")
    folder.mkdir(parents=True)
    with open(folder / "train.jsonl", "w", encoding="utf-8") as out:
        for index in range(documents):
            start = index * 997 % len(words)
            text = " ".join((words[start:] + words[:start])[: tokens * 2])
            json.dump({"id": index, "text": text}, out)
            out.write("\n")


def write_config(path, model, corpus, tokens, out):
    path.write_text(
        json.dumps(
            {
                "dataset": {"path": str(corpus), "id_column": "id"},
                "model": {"name": str(model), "dtype": "float32"},
                "tokenizer": {"max_length": tokens},
                "inference": {"batch_size": 1, "debug_logging": True},
                "capture": {"min_bucket_size": 128, "sampler": {"type": "uniform", "base_rate": 4.0}},
                "output": {"data_root": str(out)},
            }
        )
    )


def memory_of(pid):
    peak = anonymous = 0
    try:
        for line in open(f"/proc/{pid}/status", encoding="ascii"):
            if line.startswith("VmHWM:"):
                peak = int(line.split()[1])
            elif line.startswith("RssAnon:"):
                anonymous = int(line.split()[1])
    except OSError:
        pass
    return peak, anonymous


def measure(command, cwd, forward_seconds):
    start = time.perf_counter()
    log = pathlib.Path(cwd) / "bench-output.txt"
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen(command, cwd=cwd, stdout=out, stderr=subprocess.STDOUT)
        peak = anonymous = 0
        while process.poll() is None:
            now_peak, now_anonymous = memory_of(process.pid)
            peak, anonymous = max(peak, now_peak), max(anonymous, now_anonymous)
            time.sleep(0.02)
    wall = time.perf_counter() - start
    text = log.read_text(encoding="utf-8", errors="replace")
    if process.returncode != 0:
        sys.exit(f"{command} failed:\n{text[-3000:]}")
    return {
        "wall_s": wall,
        "forward_s": forward_seconds(text),
        "peak_mb": peak / 1024,
        "anonymous_mb": anonymous / 1024,
    }


def forward_of_original(text):
    return sum(float(s) for s in re.findall(r"forward done in ([0-9.]+)s", text))


def forward_of_qkscope(text):
    return sum(float(s) for s in re.findall(r"^  forward +([0-9.]+)$", text, re.M))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--original", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--gguf", type=pathlib.Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--qkscope", type=pathlib.Path, default=pathlib.Path("build/release/qkscope"))
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/bench-work"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, nargs="*", default=list(WORKLOADS))
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_CACHE=str(args.work.resolve() / "cache"))

    qkscope = [str(args.qkscope.resolve()), "sniff", "--overwrite", "--config"]
    tools = {
        "original": ([args.python, "sniff.py", "--config"], args.original, args.model, forward_of_original),
        "qkscope": (qkscope, args.work, args.model, forward_of_qkscope),
    }
    if args.gguf:
        tools["qkscope, GGUF"] = (qkscope, args.work, args.gguf, forward_of_qkscope)
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    work = args.work.resolve()

    results = {}
    for tokens in args.tokens:
        corpus = work / f"corpus-{tokens}"
        make_corpus(corpus, WORKLOADS[tokens], tokens)
        runs = {name: [] for name in tools}
        for _ in range(args.rounds):
            for name, (command, cwd, model, forward_seconds) in tools.items():
                config = work / "config.yaml"
                write_config(config, model.resolve(), corpus, tokens, work / f"out-{name.replace(', ', '-')}")
                runs[name].append(measure([*command, str(config)], cwd, forward_seconds))
        for name, measured in runs.items():
            row = {key: statistics.median(m[key] for m in measured) for key in measured[0]}
            row["spread_s"] = [min(m["wall_s"] for m in measured), max(m["wall_s"] for m in measured)]
            row["tokens_per_s"] = tokens * WORKLOADS[tokens] / row["forward_s"]
            results.setdefault(str(tokens), {})[name] = row
            print(
                f"{WORKLOADS[tokens]:3} x {tokens:5} tokens  {name:14} "
                f"{row['tokens_per_s']:7.0f} tokens/s forward  {row['wall_s']:6.1f} s whole "
                f"({row['spread_s'][0]:.1f}-{row['spread_s'][1]:.1f})  "
                f"peak {row['peak_mb']:6.0f} MB, anonymous {row['anonymous_mb']:6.0f} MB",
                flush=True,
            )
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
