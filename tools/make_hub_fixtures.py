# /// script
# requires-python = ">=3.10"
# dependencies = ["pyarrow==22.0.0"]
# ///
"""tests/data/hub/corpus.parquet: six documents with columns id and text, for the tests of tests/hub.

    uv run tools/make_hub_fixtures.py
"""

import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/cli"))

import fixtures  # noqa: E402

LENGTHS = [90, 5, 41, 200, 17, 64]

if __name__ == "__main__":
    pq.write_table(pa.table({"id": [f"doc-{i}" for i in range(len(LENGTHS))],
                             "text": [fixtures.document(i, n) for i, n in enumerate(LENGTHS)]}),
                   ROOT / "tests/data/hub/corpus.parquet")
