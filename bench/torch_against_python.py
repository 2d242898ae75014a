#!/usr/bin/env python3
"""Measures torch on the CPU through qkscope (bfloat16 and float32), qkscope's own kernels and the original
tool (bfloat16 and float32) in turn, on the same checkpoint, documents and cores: tokens per second in the
forward pass, wall time of the whole process, peak memory.

    bench/torch_against_python.py --original PATH_OF_QK_SNIFFER --model FOLDER
        [--python PYTHON_OF_THE_ORIGINAL] [--rounds 3] [--tokens 512 2048 8192] [--json OUT]

FOLDER is a Hugging Face checkpoint (tools/smollm2_checkpoint.py makes one from the demo's model). One round
runs every program once; results are medians over the rounds. Memory as in against_original.py."""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

import against_original as base

TORCH = ["--device", "torch:cpu"]
# name -> (type, flags of qkscope, or None: the original)
PROGRAMS = {
    "qkscope, cpu, float32": ("float32", []),
    "qkscope, torch:cpu, float32": ("float32", TORCH),
    "qkscope, torch:cpu, bfloat16": ("bfloat16", TORCH),
    "original, float32": ("float32", None),
    "original, bfloat16": ("bfloat16", None),
}


def machine(python):
    """What the numbers depend on."""
    versions = subprocess.run(
        [python, "-c", "import torch, transformers; print(torch.__version__, transformers.__version__)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return {
        "date": datetime.date.today().isoformat(),
        "processor": base.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
        "torch": versions[0],
        "transformers": versions[1],
    }


def write_config(path, model, corpus, tokens, out, dtype):
    base.write_config(path, model, corpus, tokens, out)
    config = json.loads(path.read_text())
    config["model"]["dtype"] = dtype
    path.write_text(json.dumps(config))


def run_once(args, work, name, corpus, tokens):
    dtype, flags = PROGRAMS[name]
    config = work / "config.yaml"
    folder = work / "out"
    shutil.rmtree(folder, ignore_errors=True)
    write_config(config, args.model.resolve(), corpus, tokens, folder, dtype)
    if flags is None:
        command = [args.python, "sniff.py", "--config", str(config)]
        return base.measure(command, args.original, base.forward_of_original)
    command = [str(args.qkscope.resolve()), "sniff", "--overwrite", *flags, "--config", str(config)]
    return base.measure(command, work, base.forward_of_qkscope)


def summary(measured, num_tokens):
    row = {key: statistics.median(m[key] for m in measured) for key in measured[0]}
    row["forward_spread_s"] = [min(m["forward_s"] for m in measured),
                               max(m["forward_s"] for m in measured)]  # fmt: skip
    row["tokens_per_s"] = num_tokens / row["forward_s"]
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--original", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--qkscope", type=pathlib.Path, default=pathlib.Path("build/release/qkscope"))
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/bench-work"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, nargs="*", default=list(base.WORKLOADS))
    parser.add_argument("--documents", type=int, help="of each length (default: 16, 8 and 2)")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    work = args.work.resolve()
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_CACHE=str(work / "cache"))
    out = {"machine": machine(args.python), "rounds": args.rounds, "results": {}}
    for tokens in args.tokens:
        documents = args.documents or base.WORKLOADS.get(tokens, 2)
        corpus = work / f"corpus-{tokens}"
        base.make_corpus(corpus, documents, tokens)
        runs = {name: [] for name in PROGRAMS}
        for _ in range(args.rounds):
            for name, measured in runs.items():
                measured.append(run_once(args, work, name, corpus, tokens))
        for name, measured in runs.items():
            row = summary(measured, tokens * documents)
            out["results"].setdefault(str(tokens), {})[name] = row
            print(f"{documents:3} x {tokens:5} tokens  {name:30} {row['tokens_per_s']:7.0f} tokens/s "
                  f"forward  {row['wall_s']:6.1f} s whole  peak {row['peak_mb']:6.0f} MB, anonymous "
                  f"{row['anonymous_mb']:6.0f} MB", flush=True)  # fmt: skip
    if args.json:
        args.json.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
