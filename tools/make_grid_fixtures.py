#!/usr/bin/env python3
"""Writes tests/data/analysis_grid/: what the original attention-plasticity computes for grids of heads
that are smaller or larger than the dataset, from the dataset of fixtures.write_grid_dataset().

usage: make_grid_fixtures.py ORIGINAL OUTPUT    ORIGINAL: a checkout of attention-plasticity

Needs pyarrow and what the original needs. The stored files were made with commit 23e1d60, numpy 2.3.5,
scipy 1.17.1, pandas 3.1.1 and datasets 4.4.1."""

import os
import subprocess
import sys
import tempfile

TOOLS = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(TOOLS, "..", "tests", "cli"))
import fixtures  # noqa: E402

GRIDS = [(1, 2, 1), (2, 2, 2), (3, 4, 4), (2, 8, 4)]


def main():
    original, output = map(os.path.abspath, sys.argv[1:])
    os.makedirs(output, exist_ok=True)
    with tempfile.TemporaryDirectory() as root:
        fixtures.write_grid_dataset(f"{root}/data")
        for layers, q_heads, k_heads in GRIDS:
            config = fixtures.write(f"{root}/config.yaml", f"""model_dir: .
dataset_local_root: {root}/data
num_layers: {layers}
num_q_heads: {q_heads}
num_k_heads: {k_heads}
max_workers: 1
output_csv: {output}/{layers}_{q_heads}_{k_heads}.csv
bucket_csv: {root}/buckets.csv
component_csv: {root}/components.csv
""")
            subprocess.run([sys.executable, f"{original}/analyze.py", "--config", config], check=True,
                           cwd=original, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
