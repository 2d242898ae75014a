#!/usr/bin/env python3
"""Runs `qkscope analyze` and the original tool in turn, several times, on the same heads and cores.
Measures wall time, CPU time and peak memory of the whole run, and the time that Arrow takes only to
decode the same Parquet files.

    bench/analyze_against_original.py --original PATH_OF_ATTENTION_PLASTICITY
        [--python PYTHON_OF_THE_ORIGINAL] [--heads 64] [--original-heads 4] [--rows 50000] [--dim 128]
        [--rounds 3] [--json OUT]

The original runs only on the first --original-heads heads. Its time per head does not include its
imports, which are measured separately. qkscope runs on all heads, with its defaults and with
compat: reference. Results are medians over the rounds. Peak memory is the largest sum of VmHWM over
the processes of a run. For all programs the dataset's files are in the page cache."""

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
import time

HERE = pathlib.Path(__file__).resolve().parent
DECODE = """
import glob, sys
import pyarrow.parquet as pq
for path in sorted(glob.glob(sys.argv[1] + "/*/data.parquet")):
    pq.read_table(path, use_threads=False, columns=["bucket", "position", "vector", "example_id", "sliding_window"])
"""


def dataset_tool():
    path = HERE.parent / "tools/compare_analysis_with_original.py"
    spec = importlib.util.spec_from_file_location("compare", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def family(pid):
    """The process and all its descendants."""
    out = [pid]
    for parent in out:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                children = pathlib.Path(f"/proc/{parent}/task/{task}/children").read_text()
                out += [int(c) for c in children.split()]
        except OSError:
            pass
    return out


def peak_of(pid):
    total = 0
    for process in family(pid):
        try:
            for line in open(f"/proc/{process}/status", encoding="ascii"):
                if line.startswith("VmHWM:"):
                    total += int(line.split()[1])
        except OSError:
            pass
    return total


def measure(command, cwd, cores):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    log = pathlib.Path(cwd) / "bench-output.txt"
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen(["taskset", "-c", f"0-{cores - 1}", *command], cwd=cwd, stdout=out, stderr=subprocess.STDOUT)
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_of(process.pid))
            time.sleep(0.02)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode != 0:
        sys.exit(f"{command} failed:\n{log.read_text()[-3000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": wall, "cpu_s": cpu, "peak_mb": peak / 1024}


def write_config(path, folder, shape, workers, out):
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({
        **shape, "model_dir": ".", "dataset_local_root": str(folder), "max_workers": workers,
        "normality_max_dims": 128, "output_csv": str(out / "h.csv"), "bucket_csv": str(out / "b.csv"),
        "component_csv": str(out / "c.csv")}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--original", type=pathlib.Path, required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--qkscope", type=pathlib.Path, default=pathlib.Path("build/release/qkscope"))
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/bench-analyze"))
    parser.add_argument("--heads", type=int, default=64)
    parser.add_argument("--original-heads", type=int, default=4)
    parser.add_argument("--rows", type=int, default=50000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    work = args.work.resolve()
    folder = work / "data"
    shutil.rmtree(folder, ignore_errors=True)
    tool = dataset_tool()
    shape = tool.make_dataset(folder, "uniform", args.heads, args.rows, args.dim)
    few = {"num_layers": 1, "num_q_heads": args.original_heads, "num_k_heads": args.original_heads // tool.GROUP}
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_CACHE=str(work / "cache"), OMP_NUM_THREADS="1",
                      OPENBLAS_NUM_THREADS="1")
    qkscope = [str(args.qkscope.resolve()), "analyze", "--quiet", "--config"]

    results = {}
    for cores in args.cores:
        write_config(work / "all.yaml", folder, shape, cores, work / "out")
        write_config(work / "few.yaml", folder, few, cores, work / "out-few")
        runs = {
            "original": ([args.python, "analyze.py", "--config", str(work / "few.yaml")], args.original),
            "imports of the original": ([args.python, "-c", "import analyze"], args.original),
            "qkscope": ([*qkscope, str(work / "all.yaml")], work),
            "qkscope, compat reference": ([*qkscope, str(work / "all.yaml"), "--compat", "reference"], work),
        }
        if cores == 1:
            runs["decoding with Arrow"] = ([args.python, "-c", DECODE, str(folder)], work)
        measured = {name: [] for name in runs}
        for _ in range(args.rounds):
            for name, (command, cwd) in runs.items():
                shutil.rmtree(work / "cache", ignore_errors=True)
                measured[name].append(measure(command, cwd, cores))
        rows = {name: {k: statistics.median(m[k] for m in ms) for k in ms[0]} for name, ms in measured.items()}
        for name, row in rows.items():
            heads = args.original_heads if "original" in name else args.heads
            base = rows["imports of the original"]["wall_s"] if name == "original" else 0
            row["wall_s_per_head"] = (row["wall_s"] - base) / heads
            row["spread_s"] = [min(m["wall_s"] for m in measured[name]), max(m["wall_s"] for m in measured[name])]
            print(f"{cores} cores  {name:26} {row['wall_s']:7.2f} s wall ({row['spread_s'][0]:.2f}-{row['spread_s'][1]:.2f}), "
                  f"{row['cpu_s']:7.2f} s CPU, {row['wall_s_per_head']:.3f} s a head, peak {row['peak_mb']:.0f} MB", flush=True)
        results[str(cores)] = rows
    shutil.rmtree(folder)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
