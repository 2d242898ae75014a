#!/usr/bin/env python3
"""Reads a dataset folder with pyarrow and with Hugging Face's datasets, as users do:

    tools/check_dataset_loads.py DIR

Opens every file in the card and checks that columns and types are those of docs/dataset-format.md,
that all heads of a layer and kind have the same rows, and that load_dataset(DIR, "l00h00q") returns
what pyarrow reads. Exits with 1 at the first difference. Needs pyarrow and datasets."""

import pathlib
import sys
import tempfile

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = {
    "bucket": pa.int32(),
    "example_id": pa.int64(),
    "position": pa.int32(),
    "vector": pa.list_(pa.field("element", pa.float32())),
    "sliding_window": pa.int32(),
}
FURTHER_COLUMNS = {
    "token_str": pa.string(),
    "vector_pre_rope": pa.list_(pa.field("element", pa.float32())),
}


def require(holds, what):
    if not holds:
        sys.exit(f"check_dataset_loads: {what}")


def check_schema(name, schema):
    names = schema.names
    require(names[:5] == list(COLUMNS), f"{name}: the columns are {names}")
    further = [column for column in FURTHER_COLUMNS if column in names]
    require(names[5:] == further, f"{name}: the further columns are {names[5:]}")
    for field in schema:
        expected = (COLUMNS | FURTHER_COLUMNS)[field.name]
        require(field.type == expected, f"{name}: {field.name} is {field.type}, not {expected}")
        require(field.nullable, f"{name}: {field.name} is not nullable")


def check_file(name, path, rows_of):
    table = pq.read_table(path, page_checksum_verification=True)
    check_schema(name, table.schema)
    require(table.num_rows > 0, f"{name}: has no rows")
    lengths = {len(vector) for vector in table["vector"].to_pylist()}
    require(len(lengths) == 1, f"{name}: vectors have the lengths {sorted(lengths)}")
    rows = table.select(["bucket", "example_id", "position"])
    group = name[: name.index("h")] + name[-1]
    require(rows_of.setdefault(group, rows).equals(rows), f"{name}: other rows than its layer")
    return table


def check_load_dataset(folder, name, table, cache):
    loaded = datasets.load_dataset(str(folder), name, split="train", cache_dir=cache)
    require(loaded.column_names == table.column_names, f"{name}: load_dataset gives {loaded.column_names}")
    columns = loaded.with_format(None)
    for column in table.column_names:
        same = columns[column][:] == table[column].to_pylist()
        require(same, f"{name}: load_dataset gives other values in {column}")


def main():
    require(len(sys.argv) == 2, "one argument: the dataset's folder")
    folder = pathlib.Path(sys.argv[1]).resolve()
    datasets.disable_progress_bars()
    names = datasets.get_dataset_config_names(str(folder))
    on_disk = sorted(path.parent.name for path in folder.glob("l*/data.parquet"))
    require(sorted(names) == on_disk, f"the card names {len(names)} heads, {len(on_disk)} are there")
    rows_of = {}
    tables = {name: check_file(name, folder / name / "data.parquet", rows_of) for name in on_disk}
    with tempfile.TemporaryDirectory() as cache:
        for name in [on_disk[0], next((n for n in on_disk if n.endswith("q")), on_disk[-1])]:
            check_load_dataset(folder, name, tables[name], cache)
    rows = sum(table.num_rows for table in tables.values())
    print(f"{folder}: {len(names)} heads, {rows} rows, equal in pyarrow {pa.__version__} and "
          f"datasets {datasets.__version__}")


if __name__ == "__main__":
    main()
