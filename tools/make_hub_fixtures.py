# /// script
# requires-python = ">=3.10"
# dependencies = ["pyarrow==22.0.0"]
# ///
"""tests/data/hub/corpus.parquet: documents with columns id and text, long enough that buckets of 8,192
positions get rows, for the tests of tests/hub.

    uv run tools/make_hub_fixtures.py
"""

import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/cli"))

import fixtures  # noqa: E402

LENGTHS = [2000] * 12 + [5, 700, 64, 6000]  # tokens; each document repeats 100 of them


def text(index, length):
    words = fixtures.document(index, 100).split() * (length // 100 + 1)
    return " ".join(words[:length])


if __name__ == "__main__":
    pq.write_table(pa.table({"id": [f"doc-{i}" for i in range(len(LENGTHS))],
                             "text": [text(i, n) for i, n in enumerate(LENGTHS)]}),
                   ROOT / "tests/data/hub/corpus.parquet", compression="zstd")
