#!/usr/bin/env python3
"""Writes tests/data/figures/: small tables, and the results of the original's plot scripts for them.

usage: make_figure_fixtures.py ORIGINAL OUTPUT

ORIGINAL is a checkout of the original analysis tool (its scripts/ folder is used); needs pandas,
numpy, matplotlib and PyYAML. A second run gives the same bytes."""

import json
import math
import pathlib
import random
import sys

ORIGINAL, OUTPUT = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(ORIGINAL / "scripts"))

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import plot_bucket_heatmap as heatmap  # noqa: E402
import plot_component_weights as components  # noqa: E402
import plot_plasticity as plasticity  # noqa: E402

HEADS = [(layer, q_head, q_head // 2) for layer in (0, 1, 4) for q_head in range(4)]


def write_tables():
    """Buckets with gaps, rows without a value, and one pair whose key is not before its query."""
    numbers = random.Random(7)
    with open(OUTPUT / "buckets.csv", "w", encoding="ascii") as out:
        out.write("layer,q_head,k_head,q_bucket,k_bucket,ap_bucket\n")
        for layer, q_head, k_head in HEADS:
            for q_bucket in (1, 2, 3, 5, 8):
                for k_bucket in (0, 1, 2, 3, 5):
                    if k_bucket >= q_bucket and (layer, q_bucket) != (1, 2):
                        continue
                    value = "" if numbers.random() < 0.1 else repr(numbers.random())
                    out.write(f"{layer},{q_head},{k_head},{q_bucket},{k_bucket},{value}\n")
    with open(OUTPUT / "buckets_old.csv", "w", encoding="ascii") as out:
        out.write("layer,q_head,k_head,bucket,ap_bucket\n")
        for layer, q_head, k_head in HEADS[:5]:
            for bucket in range(6):
                value = "" if numbers.random() < 0.1 else repr(numbers.random())
                out.write(f"{layer},{q_head},{k_head},{bucket},{value}\n")
    with open(OUTPUT / "components.csv", "w", encoding="ascii") as out:
        out.write("layer,q_head,k_head,component,component_r2,component_weight\n")
        for layer, q_head, k_head in HEADS:
            weights = [numbers.random() for _ in range(24)]
            for component, weight in enumerate(weights):
                value = "" if numbers.random() < 0.05 else repr(weight / sum(weights))
                out.write(f"{layer},{q_head},{k_head},{component},{weight / 2!r},{value}\n")


def positions(buckets, kind, size):
    buckets = np.asarray(buckets, dtype=float) + 0.5
    return 2.0**buckets * size if kind == "log" else buckets * size


def curves(name):
    """The curves that main() of plot_plasticity draws; the script has no function for them."""
    frame = pd.read_csv(OUTPUT / name).rename(columns={"bucket": "q_bucket"})
    frame = frame.dropna(subset=["ap_bucket"])
    keys = ["layer", "q_head", "k_head", "q_bucket"]
    frame = frame.groupby(keys, as_index=False)["ap_bucket"].mean()
    heads = []
    for head, rows in frame.groupby(keys[:3]):
        rows = rows.sort_values("q_bucket")
        values = rows["ap_bucket"].to_numpy(dtype=float)
        slopes = {kind: plasticity._estimate_slope(positions(rows["q_bucket"], kind, size), values)
                  for kind, size in (("uniform", 64.0), ("log", 1.0))}
        heads.append({"head": [int(part) for part in head],
                      "buckets": [int(bucket) for bucket in rows["q_bucket"]],
                      "values": values.tolist(), "slopes": slopes})
    mean = frame.groupby("q_bucket")["ap_bucket"].mean()
    return {"heads": heads, "buckets": mean.index.tolist(), "mean": mean.tolist()}


def matrix(kind):
    frame = heatmap.load_bucket_frame(OUTPUT / "buckets.csv")
    found = heatmap.mask_noncausal(heatmap.aggregate(frame, kind))
    values = [None if math.isnan(value) else value for value in found.to_numpy().ravel()]
    return {"q_buckets": found.index.tolist(), "k_buckets": found.columns.tolist(),
            "values": values}


def weights(kind, limit):
    frame = components.load_components(OUTPUT / "components.csv")
    found = components.aggregate_components(frame, kind, limit)
    return {"agg": kind, "limit": limit, "components": found.index.tolist(),
            "values": found.tolist()}


def labels(kind, size):
    buckets = np.arange(12)
    starts = heatmap._bucket_starts(buckets, kind, size)
    return {"type": kind, "size": size, "labels": heatmap._format_positions(starts)}


def colors(name):
    parts = [-0.5, 0.0, 0.001, 0.2, 0.499999, 0.5, 0.77, 0.999, 1.0, 1.5]
    found = plt.get_cmap(name)(np.clip(parts, 0.0, 1.0), bytes=False)
    return {"name": name, "parts": parts,
            "colors": [[round(value * 255) for value in row[:3]] for row in found]}


def main():
    OUTPUT.mkdir(parents=True, exist_ok=True)
    write_tables()
    expected = {
        "curves": {name: curves(name) for name in ("buckets.csv", "buckets_old.csv")},
        "matrix": {kind: matrix(kind) for kind in ("mean", "median")},
        "weights": [weights(kind, limit) for kind in ("mean", "median") for limit in (None, 10)],
        "labels": [labels("uniform", 512.0), labels("uniform", 0.3), labels("log", 1.0),
                   labels("log", 3.0)],
        "colors": [colors(name) for name in ("viridis", "magma", "viridis_r", "turbo", "gray",
                                             "coolwarm")],
    }
    with open(OUTPUT / "expected.json", "w", encoding="ascii") as out:
        json.dump(expected, out, indent=None, separators=(",", ":"))
        out.write("\n")


if __name__ == "__main__":
    main()
