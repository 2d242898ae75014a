#!/usr/bin/env python3
"""What `qkscope analyze` costs per head, by method and kind of error bars, and with profiles, beside decoding the same files.

    bench/analyze_cost.py [--qkscope build/release/qkscope] [--python PYTHON_WITH_PYARROW_AND_NUMPY]
                          [--heads 8] [--rows 50000] [--dim 128] [--rounds 1] [--json OUT]

Makes heads as tools/compare_analysis_with_original.py does (125 documents, 16 buckets, 2 key heads for 8
query heads), runs each case on one core, and prints user CPU seconds per head; medians over the rounds. All
noise components are tested for normality only if there are no more than 64, the program's default."""

import argparse
import importlib.util
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DECODE = """
import glob, sys
import pyarrow.parquet as pq
for path in sorted(glob.glob(sys.argv[1] + "/*/data.parquet")):
    pq.read_table(path, use_threads=False, columns=["bucket", "position", "vector", "example_id", "sliding_window"])
"""
METHODS = ("linear", "bucket", "counted", "online", "bucket,counted,linear")
BARS = {"none": [], "jackknife": ["--error_bars", "jackknife"], "bootstrap 1000": ["--bootstrap", "1000"]}


def dataset_tool():
    path = HERE.parent / "tools/compare_analysis_with_original.py"
    spec = importlib.util.spec_from_file_location("compare", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def user_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(["taskset", "-c", "0", *map(str, command)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--qkscope", type=pathlib.Path, default=pathlib.Path("build/release/qkscope"))
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/bench-cost"))
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--rows", type=int, default=50000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", action="append", help="measure only cases whose names begin so (repeatable)")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    work = args.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    dataset_tool().make_dataset(work / "data", "uniform", args.heads, args.rows, args.dim)
    analyze = [args.qkscope.resolve(), "analyze", work / "data", "--threads", "1", "--quiet",
               "--overwrite", "--output_dir", work / "out"]  # fmt: skip
    cases = {"decoding with Arrow": [args.python, "-c", DECODE, work / "data"],
             "starting Python with Arrow": [args.python, "-c", "import pyarrow.parquet"]}  # fmt: skip
    for method in METHODS:
        for bars, options in BARS.items():
            cases[f"{method}, {bars}"] = [*analyze, "--method", method, *options]
    for bars, options in BARS.items():
        cases[f"bucket, {bars}, profiles"] = [*analyze, *options, "--profiles"]
    if args.only:
        cases = {name: command for name, command in cases.items()
                 if any(name.startswith(part) for part in ("decoding", "starting", *args.only))}
    measured = {name: [] for name in cases}
    for _ in range(args.rounds):
        for name, command in cases.items():
            measured[name].append(user_seconds(command))
    seconds = {name: statistics.median(times) / args.heads for name, times in measured.items()}
    seconds["decoding with Arrow"] -= seconds.pop("starting Python with Arrow")
    base = seconds["decoding with Arrow"]
    for name, value in seconds.items():
        print(f"{name:38} {value:7.3f} s a head, {value / base:5.1f} times the decoding")
    shutil.rmtree(work)
    if args.json:
        args.json.write_text(json.dumps({"cores": os.cpu_count(), "seconds_per_head": seconds}, indent=1) + "\n")


if __name__ == "__main__":
    main()
