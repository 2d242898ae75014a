#!/usr/bin/env python3
"""Compares `qkscope analyze` with compat: reference to the original tool on the same datasets.
The three CSV files must agree to 1e-9 (relative to max(1, |value|)).

    tools/compare_analysis_with_original.py --original PATH_OF_ATTENTION_PLASTICITY
        [--python PYTHON_OF_THE_ORIGINAL] [--qkscope build/release/qkscope] [--work DIR]
        [--dataset FOLDER]... [--heads 64] [--rows 20000] [--dim 64] [--only uniform|log|window]

Without --dataset three datasets are made: with uniform buckets, with log buckets, and with sliding
windows. Their queries follow position along straight and curved lines, with correlated,
heavy-tailed and skewed noise. Needs numpy and pyarrow, and the original's packages in its Python."""

import argparse
import csv
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FILES = ("head_metrics.csv", "head_bucket_plasticity.csv", "head_component_weights.csv")
KEYS = {"layer", "q_head", "k_head", "n_q_tokens", "n_k_tokens", "d_model", "q_bucket", "k_bucket", "component"}
GROUP = 4  # query heads per key head
Q_HEADS = 16
TOKENS = 2048


def make_rows(rng, rows, bucket_type):
    """Positions, buckets and documents of a layer, document by document as in a capture."""
    documents = max(2, rows // 400)
    document = np.sort(rng.integers(documents, size=rows))
    position = rng.integers(TOKENS, size=rows)
    order = np.lexsort((position, document))
    position, document = position[order], document[order]
    if bucket_type == "log":
        bucket = np.maximum(np.floor(np.log2(position + 1.0)), 5).astype(np.int32)
    else:
        bucket = (position // 128).astype(np.int32)
    return position.astype(np.int32), bucket, (document * 7 + 3).astype(np.int64)


def make_vectors(rng, position, dim, style):
    """Drift along one direction, curved or straight, plus one of several kinds of noise."""
    rows = len(position)
    noise = {
        "normal": lambda: rng.standard_normal((rows, dim)),
        "heavy": lambda: rng.standard_t(4, (rows, dim)),
        "skewed": lambda: rng.gamma(2.0, 1.0, (rows, dim)) - 2,
    }[style["noise"]]()
    mix = rng.standard_normal((dim, dim)) * style["mix"] / math.sqrt(dim) + np.diag(rng.uniform(0.2, 2, dim))
    direction = rng.standard_normal(dim)
    direction /= np.linalg.norm(direction)
    t = position / TOKENS
    drift = {"straight": t, "bent": np.log2(t * TOKENS + 1) / 11, "none": t * 0}[style["drift"]]
    x = noise @ mix + np.outer(drift * style["size"], direction) + rng.standard_normal(dim) * 0.7
    return x.astype(np.float32)


def style_of(index):
    return {
        "noise": ("normal", "heavy", "skewed")[index % 3],
        "drift": ("straight", "bent", "none", "straight")[index % 4],
        "size": (0.5, 3.0, 20.0)[index // 3 % 3],
        "mix": (0.0, 0.5, 1.5)[index // 2 % 3],
    }


def write_head(folder, columns, vectors, window):
    position, bucket, document = columns
    rows = len(position)
    flat = pa.array(vectors.reshape(-1))
    table = {
        "bucket": bucket,
        "example_id": document,
        "position": position,
        "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
        "sliding_window": pa.nulls(rows) if window is None else pa.array([window] * rows, pa.int64()),
    }
    folder.mkdir(parents=True)
    pq.write_table(pa.table(table), folder / "data.parquet", compression="zstd")


def make_dataset(folder, kind, heads, rows, dim):
    rng = np.random.default_rng(len(kind))
    layers = math.ceil(heads / Q_HEADS)
    for layer in range(layers):
        window = (None, 3, 512, None)[layer % 4] if kind == "window" else None
        q_rows = make_rows(rng, rows, kind)
        k_rows = make_rows(rng, rows - 137 * layer, kind)
        for head in range(min(Q_HEADS, heads - layer * Q_HEADS)):
            q = make_vectors(rng, q_rows[0], dim, style_of(layer * Q_HEADS + head))
            write_head(folder / f"l{layer:02}h{head:02}q", q_rows, q, window)
            if head % GROUP == 0:
                k = make_vectors(rng, k_rows[0], dim, style_of(layer + head))
                write_head(folder / f"l{layer:02}h{head // GROUP:02}k", k_rows, k, window)
    return {"num_layers": layers, "num_q_heads": Q_HEADS, "num_k_heads": Q_HEADS // GROUP}


def shape_of(folder):
    """Layers and heads of a captured dataset, from its folders."""
    names = [p.name for p in folder.iterdir() if p.is_dir() and p.name.startswith("l")]
    layer = [int(n[1 : n.index("h")]) for n in names]
    q = [int(n[n.index("h") + 1 : -1]) for n in names if n.endswith("q")]
    k = [int(n[n.index("h") + 1 : -1]) for n in names if n.endswith("k")]
    return {"num_layers": max(layer) + 1, "num_q_heads": max(q) + 1, "num_k_heads": max(k) + 1}


def run(command, cwd, log):
    start = time.perf_counter()
    with open(log, "w", encoding="utf-8") as out:
        code = subprocess.run(command, cwd=cwd, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
    if code != 0:
        sys.exit(f"{command} ended with {code}:\n{log.read_text()[-2000:]}")
    return time.perf_counter() - start


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]


def compare_file(ours, theirs):
    """Worst error, number of cells, number of cells with equal text; exits at a difference."""
    header, found = read_csv(ours)
    expected_header, expected = read_csv(theirs)
    if header != expected_header:
        sys.exit(f"{ours}: columns {header}, the original has {expected_header}")
    expected.sort(key=lambda row: [int(x) for x in row[:2]])  # stable: rows of a head keep their order
    if len(found) != len(expected):
        sys.exit(f"{ours}: {len(found)} rows, the original has {len(expected)}")
    worst, cells, same = (0.0, ""), 0, 0
    for row, want in zip(found, expected, strict=True):
        for name, a, b in zip(header, row, want, strict=True):
            if name in KEYS or not a or not b:
                if a != b:
                    sys.exit(f"{ours}: row {row[:5]}: {name} is {a!r}, the original has {b!r}")
                continue
            error = abs(float(a) - float(b)) / max(1.0, abs(float(b)))
            cells += 1
            same += a == b
            if error > worst[0]:
                worst = (error, f"{name} of {row[:3]}: {a}, original {b}")
    return worst, cells, same


def compare(name, folder, shape, args):
    config = {
        **shape,
        "model_dir": ".",
        "dataset_local_root": str(folder.resolve()),
        "max_tokens_per_head": args.max_tokens,
        "normality_max_dims": 48,
        "p_alpha": 0.01,
        "seed": 3,
    }
    paths = {}
    for tool in ("original", "qkscope"):
        out = args.work / f"{name}-{tool}"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        csvs = dict(zip(("output_csv", "bucket_csv", "component_csv"), (str(out / f) for f in FILES), strict=True))
        paths[tool] = out / "config.yaml"
        paths[tool].write_text(json.dumps({**config, **csvs, "max_workers": args.workers}))
    theirs = run([args.python, "analyze.py", "--config", str(paths["original"])], args.original,
                 args.work / f"{name}-original.log")
    ours = run([str(args.qkscope.resolve()), "analyze", "--compat", "reference", "--config",
                str(paths["qkscope"])], args.work, args.work / f"{name}-qkscope.log")
    print(f"{name}: original {theirs:.1f} s, qkscope {ours:.1f} s", flush=True)
    good = True
    for file in FILES:
        worst, cells, same = compare_file(args.work / f"{name}-qkscope" / file, args.work / f"{name}-original" / file)
        good &= worst[0] <= 1e-9
        print(f"  {file}: {cells} numbers, {same} with the same text, worst {worst[0]:.1e} {worst[1]}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--original", type=pathlib.Path, required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--qkscope", type=pathlib.Path, default=pathlib.Path("build/release/qkscope"))
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/compare-analysis"))
    parser.add_argument("--dataset", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--only", choices=["uniform", "log", "window"])
    parser.add_argument("--heads", type=int, default=64)
    parser.add_argument("--rows", type=int, default=20000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--max-tokens", type=int, default=15000)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    args.work = args.work.resolve()
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_CACHE=str(args.work / "cache"), OMP_NUM_THREADS="1",
                      OPENBLAS_NUM_THREADS="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")

    good = True
    for folder in args.dataset:
        good &= compare(folder.resolve().name, folder, shape_of(folder), args)
    if not args.dataset:
        for kind in [args.only] if args.only else ["uniform", "log", "window"]:
            folder = args.work / f"data-{kind}"
            shutil.rmtree(folder, ignore_errors=True)
            shape = make_dataset(folder, kind, args.heads, args.rows, args.dim)
            good &= compare(kind, folder, shape, args)
            shutil.rmtree(folder)
            shutil.rmtree(args.work / "cache", ignore_errors=True)
    print("equal to 1e-9" if good else "NOT EQUAL")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
