#!/usr/bin/env python3
"""Writes tests/data/corpus_faults/: small corpora with something at fault, and cases.json: of each
the text of every row, null where the row has none that could be captured, and who says so.

  datasets  load_dataset reads the folder, and these are its rows
  pyarrow   datasets refuses the whole folder; these are the values that pyarrow reads from the
            column alone, as far as they are UTF-8
  json      the same from Python's json, line by line

Needs datasets 4.4.1 and pyarrow 22.0.0. Reads and writes nothing outside a temporary folder and
tests/data/corpus_faults."""

import json
import os
import pathlib
import shutil
import tempfile

scratch = tempfile.mkdtemp()
os.environ.update(HF_HOME=scratch, HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")

import datasets  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

datasets.logging.set_verbosity(50)
OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "corpus_faults"

STRINGS = pa.array(["w1 w2", "w3"])


def bad_strings(*values):
    """Strings whose bytes are not UTF-8."""
    binary = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(values), binary.buffers())


# Shards of the text column, in order.
COLUMNS = {
    "string-null": (STRINGS, pa.nulls(2)),
    "null-string": (pa.nulls(1), STRINGS),
    "null-string-null": (pa.nulls(1), STRINGS, pa.nulls(3)),
    "all-null": (pa.nulls(2), pa.nulls(1)),
    "null-cells": (pa.array(["a", None, "", None]),),
    "string-large": (STRINGS, STRINGS.cast(pa.large_string())),
    "string-dictionary": (STRINGS, STRINGS.dictionary_encode()),
    "string-view": (STRINGS, STRINGS.cast(pa.string_view())),
    "view-string": (STRINGS.cast(pa.string_view()), STRINGS),
    "large-null-dictionary": (STRINGS.cast(pa.large_string()), pa.nulls(1),
                              STRINGS.dictionary_encode()),
    "string-binary": (STRINGS, pa.array([b"w1", "é".encode()])),
    "string-bad-binary": (STRINGS, pa.array([b"w1", b"\xe9", None])),
    "string-bad-large-binary": (STRINGS, pa.array([b"w1", b"\xe9", None], pa.large_binary())),
    "string-list": (STRINGS, pa.array([["w1"], None])),
    "string-struct": (STRINGS, pa.array([{"x": "w1"}, {"x": "w2"}])),
    "bad-bytes": (bad_strings(b"w1", b"caf\xe9", b"\xed\xa0\x80", b"\xc3\xa9", b"\xff\xfe", b"a\x00b"),),
    "bad-bytes-in-dictionary": (bad_strings(b"w1", b"\xe9").dictionary_encode(),),
    "empty-shard-of-numbers": (pa.array([], pa.float64()), STRINGS),
}

JSON_LINES = {
    "lone-surrogates": [rb'{"text":"w1"}', rb'{"text":"w1 \ud83d"}', rb'{"text":"\uDE00 w2"}',
                        rb'{"text":"\ud83d\ude00"}', rb'{"text":"\ud83d\ud83d\ude00"}'],
    "surrogates-elsewhere": [rb'{"text":"w1","x":"\ud800"}', rb'{"\udfff":{"y":["\ud800"]},"text":"w2"}'],
    "bad-bytes": [b'{"text":"w1","x":"\xff"}', b'{"text":"caf\xe9"}', b'{"x\xe9":1,"text":"\xc3\xa9"}'],
    "kinds": [b'{"text":"w1","x":1}', b'{"text":1,"x":"a"}', b'{"text":null,"x":[1,"a",{}]}',
              b'{"x":{"y":1}}', b'{"text":["w1"],"x":null}', b'{"text":{"a":"b"}}', b'{"text":true}',
              b'{"text":"w2","x":{"y":[{}]}}'],
    "doubles": [b'{"text":"a","text":"w1"}', b'{"x":1,"text":"w2","x":"a","x":[1]}',
                b'{"text":"w1","text":null}', b'{"text":5,"text":"w3"}'],
    "numbers": [b'{"text":"w1","x":NaN,"y":-Infinity}', b'{"text":"w2","x":1e999,"y":-1e400}',
                b'{"text":"w3","x":' + b"7" * 400 + b"}", b'{"text":"w4","x":0.1e-999,"y":-0}',
                b'{"text":"w5","x":18446744073709551616}'],
    "nul": [rb'{"text":"w1\u0000w2"}', rb'{"text":"w3","x":"\u0000"}'],
    "first-row-without-text": [b'{"x":1}', b'{"text":"w1"}'],
}


def of_datasets(folder):
    rows = datasets.load_dataset(str(folder), split="train", cache_dir=f"{scratch}/{folder.name}")
    return rows[:]["text"]


def utf8(value):
    try:
        return value.decode() if isinstance(value, bytes) else value.encode().decode()
    except (UnicodeDecodeError, UnicodeEncodeError):
        return None


def of_pyarrow(folder):
    if folder.name == "other-list":
        return [f"w{i}" for i in range(4)]  # as they were before the patch
    texts = []
    for file in sorted(folder.glob("*.parquet")):
        column = pq.ParquetFile(file).read(columns=["text"])["text"].combine_chunks()
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if len(column) == 0 or pa.types.is_null(kind) or pa.types.is_nested(kind):
            texts += [None] * len(column)
            continue
        values = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        values = values.cast(pa.large_binary()).to_pylist()
        texts += [None if value is None else utf8(value) for value in values]
    return texts


def of_json(folder):
    texts = []
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_bytes().splitlines():
            value = json.loads(line.decode(errors="surrogateescape")).get("text")
            texts.append(utf8(value) if isinstance(value, str) else None)
    return texts


def case_of(folder, otherwise):
    try:
        return {"path": folder.name, "oracle": "datasets", "texts": of_datasets(folder)}
    except Exception:  # noqa: BLE001 the library raises many kinds
        return {"path": folder.name, "oracle": otherwise.__name__[3:], "texts": otherwise(folder)}


def write_parquet(folder, shards, **options):
    folder.mkdir(parents=True)
    for i, shard in enumerate(shards):
        pq.write_table(pa.table(shard if isinstance(shard, dict) else {"text": shard}),
                       folder / f"train-{i}.parquet", **options)


def patch(file, old, new):
    data = file.read_bytes()
    assert data.count(old) == 1 and len(old) == len(new), (file, data.count(old))
    file.write_bytes(data.replace(old, new))


def other_columns():
    """Files whose fault is in a column beside the text. Yields the folders."""
    texts = pa.array([f"w{i}" for i in range(4)])
    # A page of another column whose bytes are not those that its checksum was made of.
    folder = OUT / "other-page"
    write_parquet(folder, [{"text": texts, "x": pa.array(["MARKED-BYTES"] * 4)}],
                  write_page_checksum=True, use_dictionary=False, compression="none",
                  write_statistics=False, store_schema=False)
    data = (folder / "train-0.parquet").read_bytes()
    (folder / "train-0.parquet").write_bytes(data.replace(b"MARKED-BYTES", b"DAMAGED-BYTE", 1))
    yield folder
    # A codec that no reader has (LZO): field 4 of the column's metadata, after its name.
    folder = OUT / "other-codec"
    write_parquet(folder, [{"text": texts, "x": pa.array([1, 2, 3, 4])}], use_dictionary=False,
                  compression={"text": "none", "x": "zstd"})
    patch(folder / "train-0.parquet", b"\x01x\x15\x0c", b"\x01x\x15\x06")
    yield folder
    # A list whose group in the middle does not repeat, of which Arrow makes no column.
    folder = OUT / "other-list"
    write_parquet(folder, [{"text": texts, "x": pa.array([[1], [2], [], None])}],
                  store_schema=False)
    patch(folder / "train-0.parquet", b"\x35\x04\x18\x04list", b"\x35\x00\x18\x04list")
    yield folder
    # A logical type from the future: field 14 (UUID) of the union renumbered to 9.
    folder = OUT / "other-type"
    folder.mkdir()
    uuids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"x" * 16] * 4, pa.binary(16)))
    pq.write_table(pa.table({"text": texts, "x": uuids}), folder / "train-0.parquet",
                   store_schema=False)
    patch(folder / "train-0.parquet", b"\x01x\x6c\xec\x00\x00\x00",
          b"\x01x\x6c\x9c\x00\x00\x00")
    yield folder
    # Types that differ between files, bytes that are not UTF-8, two columns of one name.
    folder = OUT / "other-kinds"
    write_parquet(folder, [{"text": texts, "x": pa.array([1, 2, 3, 4])},
                           {"text": texts, "x": bad_strings(*[b"\xe9"] * 4)},
                           {"text": texts, "x": pa.nulls(4)}])
    twice = pa.Table.from_arrays([texts, texts, pa.array([1, 2, 3, 4])], names=["text", "x", "x"])
    pq.write_table(twice, folder / "train-3.parquet")
    yield folder


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    cases = []
    for name, shards in COLUMNS.items():
        write_parquet(OUT / name, shards)
        cases.append(case_of(OUT / name, of_pyarrow))
    for folder in other_columns():
        cases.append(case_of(folder, of_pyarrow))
    for name, lines in JSON_LINES.items():
        folder = OUT / f"json-{name}"
        folder.mkdir()
        (folder / "train.jsonl").write_bytes(b"\n".join(lines) + b"\n")
        cases.append(case_of(folder, of_json))
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (OUT / "cases.json").write_text(f"[\n{lines}\n]\n")
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
