#!/usr/bin/env python3
"""Writes tests/data/corpus/: small corpora, and the results of the `datasets` library for them.

  layouts.json   names of files, a card, a config -> the files of each split (or an error)
  reading.json   corpora in the folders next to it -> the texts and normalised ids of a split

Needs datasets 4.4.1, pyarrow 22.0.0, zstandard. Run it in a fresh environment; it reads and writes
nothing outside a temporary folder and tests/data/corpus."""

import bz2
import gzip
import hashlib
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
import zstandard  # noqa: E402

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "corpus"

CARD_TWO = """---
configs:
- config_name: l00h00k
  data_files: l00h00k/data.parquet
- config_name: l00h00q
  data_files: l00h00q/data.parquet
---
# two heads
"""
CARD_SPLITS = """---
license: mit
configs:
- config_name: big
  default: true
  data_files:
  - split: train
    path: ["part0/*", "part1/*"]
  - split: test
    path: held-out/*.parquet
- config_name: small
  data_files: part1/b.parquet
---
"""
CARD_DIR = "---\nconfigs:\n- config_name: a\n  data_dir: x\n---\n"
CARD_DIR_FILES = (
    "---\nconfigs:\n- config_name: d\n- config_name: a\n  data_dir: x\n  data_files: '*.parquet'\n---\n"
)
CARD_DEFAULTS = (
    "---\nconfigs:\n- config_name: a\n  default: true\n  data_files: a.parquet\n"
    "- config_name: b\n  default: true\n  data_files: b.parquet\n---\n"
)
CARD_NAMED_DEFAULT = (
    "---\nconfigs:\n- config_name: a\n  data_files: a.parquet\n"
    "- config_name: default\n  data_files: b.parquet\n---\n"
)
CARD_HIDDEN = "---\nconfigs:\n- config_name: a\n  data_files: ['.h/*', '__s/*.parquet', 'k.parquet']\n---\n"
CARD_MISSING = "---\nconfigs:\n- config_name: a\n  data_files: no.parquet\n---\n"
CARD_STARS = "---\nconfigs:\n- config_name: a\n  data_files: 'd/**/f?[0-9].parquet'\n---\n"
CARD_BAD_SPLIT = "---\nconfigs:\n- config_name: a\n  data_files: [{split: a-b, path: a.parquet}]\n---\n"

# files, card, config
LAYOUTS = [
    ("stuff.parquet",),
    ("data/train-00000-of-00002.parquet data/train-00001-of-00002.parquet "
     "data/test-00000-of-00001.parquet other/x.parquet",),
    ("data/random-00000-of-00001.parquet data/train-00000-of-00001.parquet",),
    ("data/zeta-00000-of-00001.parquet data/test-00000-of-00001.parquet "
     "data/alpha-00000-of-00001.parquet data/validation-00000-of-00001.parquet",),
    ("data/my-split-00000-of-00001.parquet",),
    ("data/train-00000-of-00001-abcdef.parquet data/train-x.parquet",),
    ("train.jsonl test.jsonl valid.jsonl",),
    ("train/a.txt train/b.txt dev/a.txt",),
    ("my_train_set/a.parquet my-eval/b.parquet",),
    ("testfile.parquet trainset.parquet",),
    ("train1.parquet train2.parquet",),
    ("a/b/c.parquet d.parquet",),
    (".hidden/x.parquet __pycache__/y.parquet ok.parquet config.json",),
    ("a.parquet b.jsonl c.jsonl",),
    ("a.parquet b.jsonl",),
    ("train.jsonl.gz",),
    ("book.txt",),
    ("train/test.parquet test/train.parquet",),
    ("data/train/x.parquet train.parquet",),
    ("val.parquet evaluation.parquet x.parquet",),
    ("TRAIN.parquet Test.parquet",),
    ("l00h00q/data.parquet l00h00k/data.parquet", None, "l00h00q"),
    ("l00h00q/data.parquet l00h00k/data.parquet",),
    ("l00h00q/data.parquet l00h00k/data.parquet", CARD_TWO, "l00h00k"),
    ("l00h00q/data.parquet l00h00k/data.parquet", CARD_TWO, None),
    ("l00h00q/data.parquet l00h00k/data.parquet", CARD_TWO, "l00h00x"),
    ("x/train.parquet x/test.parquet", CARD_DIR, None),
    ("x/a.parquet x/y/b.parquet", CARD_DIR_FILES, "a"),
    ("part0/a.parquet part1/b.parquet part1/c.parquet held-out/d.parquet held-out/e.txt "
     "more/f.parquet", CARD_SPLITS, None),
    ("part0/a.parquet part1/b.parquet part1/c.parquet held-out/d.parquet", CARD_SPLITS, "small"),
    ("a.parquet b.parquet", CARD_DEFAULTS, None),
    ("a.parquet b.parquet", CARD_NAMED_DEFAULT, None),
    (".h/a.parquet __s/b.parquet k.parquet .h/.x.parquet", CARD_HIDDEN, None),
    ("a.parquet", CARD_MISSING, None),
    ("d/f1.parquet d/fx2.parquet d/e/fy3.parquet d/e/g/fz4.parquet d/e/fxx5.parquet d/fab.parquet",
     CARD_STARS, None),
    ("a.parquet", CARD_BAD_SPLIT, None),
    # a file that several patterns of its split match
    ("train/train-1.jsonl train_a/b.jsonl",),
    ("train/train/a.jsonl",),
    ("train_x/train/a.jsonl train_x/b.jsonl",),
    ("train_training_1.jsonl",),
    ("train-dev.jsonl x.jsonl",),
    ("sub/a-train.b.jsonl dev_1.jsonl",),
    # order: by the whole path, not by component
    ("a/b.jsonl a-b.jsonl a.jsonl a0.jsonl",),
    ("b10.jsonl b2.jsonl B1.jsonl",),
    # kinds of files
    ("a.csv b.csv c.parquet",),
    ("notes.md LICENSE",),
    ("train.md x.parquet",),
    ("train.jsonl test.parquet",),
    ("a.parquet b.parquet README.md dataset_infos.json",),
    ("x.txt y.txt z.jsonl w.jsonl",),
    ("a.jsonl.zst b.jsonl c.txt",),
    ("a.ndjson b.geoparquet c.gpq",),
    ("data.v1.parquet data.v2.parquet q.json",),
    ("",),
]


def layout_case(files, card=None, config=None):
    files = files.split()
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder).resolve()
        for name in files:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("{}")
        if card:
            (root / "README.md").write_text(card)
        case = {"files": files, "card": card, "config": config}
        try:
            builder = datasets.load_dataset_builder(str(root), config)
            splits = {
                str(split): [os.path.relpath(file, root) for file in found]
                for split, found in builder.config.data_files.items()
            }
            kind = type(builder).__mro__[1].__name__.lower()
            if kind in ("parquet", "json", "text"):
                case.update(format=kind, splits=[[s, f] for s, f in splits.items()])
            else:
                case["error"] = f"not supported here: {kind}"
        except Exception as error:  # noqa: BLE001 the library raises many kinds
            case["error"] = type(error).__name__
        return case


def normalised(value):
    """capture: ids to int64."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    digest = hashlib.blake2b(str(value).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def write_parquet(path, columns, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, **options)


def write_sharded(root):
    for split, shard, count, ids in (
        ("train", 0, 2, ["66f36490821e116aacb2cc22", "b"]),
        ("train", 1, 2, ["c", "12"]),
        ("test", 0, 1, ["", "ключ-Ω-日本"]),
    ):
        write_parquet(root / f"data/{split}-{shard:05}-of-{count:05}.parquet",
                      {"id": ids, "text": [f"{split} {shard}: {i}" for i in ids]})


def write_types(root):
    texts = pa.array(["zero", "éins", "", "three 🙂"])
    columns = {
        "text": texts,
        "large": texts.cast(pa.large_string()),
        "dict": texts.dictionary_encode(),
        "bool": pa.array([True, False, None, True]),
        "int8": pa.array([-128, 127, 0, None], pa.int8()),
        "uint8": pa.array([0, 255, 1, None], pa.uint8()),
        "int16": pa.array([-32768, 1, 2, None], pa.int16()),
        "uint32": pa.array([0, 2**32 - 1, 1, None], pa.uint32()),
        "int32": pa.array([-(2**31), 2**31 - 1, 0, None], pa.int32()),
        "int64": pa.array([-(2**63), 2**63 - 1, 0, None]),
        "uint64": pa.array([0, 2**63 - 1, 2**63, 2**64 - 1], pa.uint64()),
        "float32": pa.array([1.0, 0.1, -0.0, float("nan")], pa.float32()),
        "float64": pa.array([1e16, 1.5, None, float("-inf")]),
        "null": pa.nulls(4),
        "binary": pa.array([b"plain", b"it's", b'\x00\xff"\'\n', None]),
        "date": pa.array([0, 1, 2, 3], pa.date32()),
        "list": pa.array([[1], [2], [], None]),
    }
    write_parquet(root / "all.parquet", columns)


def write_groups(root):
    write_parquet(root / "rows.parquet",
                  {"text": [f"row {i} " + "x" * i for i in range(50)], "id": list(range(100, 150))},
                  row_group_size=7, compression="zstd")


def write_jsonl(root):
    rows = [
        r'{"id": 7, "text": "first", "score": NaN}',
        r'{"text": "escapes \" \\ \/ \b\f\n\r\t é 🙂 \u0000 end", "id": -9007199254740993, "score": 1.5}',
        "",
        r'{"id": 9223372036854775807, "score": -Infinity, "text": "NaN and Infinity, in a text", "more": {"text": "inner", "list": [{"id": 2}]}}',
        "  \t",
        '{"id": null, "text": "Grüße, 世界 🙂", "score": Infinity}',
        '{"text": "", "score": 0}',
    ]
    write(root / "rows.jsonl", "\n".join(rows) + "\r\n" + '{"id": 1, "text": "no end of line"}')
    write(root / "floats/train.jsonl", '{"id": 1, "text": "a"}\n{"id": 2.5, "text": "b"}\n'
          '{"id": 1e16, "text": "c"}\n{"id": 1e-7, "text": "d"}\n')
    write(root / "strings/train.jsonl", '{"id": "1", "text": "a"}\n{"id": "x\\u00e9", "text": "b"}\n')
    write(root / "bools/train.jsonl", '\ufeff{"id": true, "text": "a"}\n{"id": false, "text": "b"}\n')


def write_array(root):
    rows = [{"id": f"r{i}", "text": f'[{i}], "quoted" {{}} \\ 🙂', "deep": [[{"a": ["]", "}"]}]]}
            for i in range(5)]
    write(root / "list.json", json.dumps(rows, indent=1))


def write_packed(root):
    line = '{{"id": {0}, "text": "packed {0}"}}\n'
    write(root / "a.jsonl.gz", gzip.compress(line.format(1).encode(), mtime=0))
    write(root / "b.jsonl.zst", zstandard.compress((line.format(2) + line.format(3)).encode()))
    write(root / "c.jsonl.bz2", bz2.compress(line.format(4).encode()))
    write(root / "d.jsonl", line.format(5))


def write_texts(root):
    write(root / "train/b.txt", "second\r\nwith two\rthree lines\n")
    write(root / "train/a.txt", "first\n\n\nend without a line end")
    write(root / "train/sub/c.txt", "")
    write(root / "dev/x.txt", "\ufeffmarked 🙂\n")


def write_card(root):
    write(root / "README.md", CARD_SPLITS)
    for name in ("part0/a", "part1/b", "part1/c", "held-out/d"):
        write_parquet(root / f"{name}.parquet", {"text": [f"{name} {i}" for i in range(2)]})


def write_keywords(root):
    for name in ("train/1", "train/train-2", "my-eval/3", ".hidden/train/4", "__x/train/5"):
        write(root / f"{name}.jsonl", json.dumps({"text": name}) + "\n")


# folder, writer, cases: (subfolder, config, split, text column, id column)
CORPORA = [
    ("sharded", write_sharded, [("", None, "train", "text", "id"), ("", None, "test", "text", "id"),
                                ("", None, "train", "text", None), ("", None, "train", "id", "id")]),
    ("types", write_types, [("", None, "train", text, None) for text in ("text", "large", "dict")] +
     [("", None, "train", "text", i) for i in
      ("bool", "int8", "uint8", "int16", "uint32", "int32", "int64", "uint64", "float32", "float64",
       "null", "binary", "large", "dict")]),
    ("groups", write_groups, [("", None, "train", "text", "id")]),
    ("jsonl", write_jsonl, [("floats", None, "train", "text", "id"),
                            ("strings", None, "train", "text", "id"),
                            ("bools", None, "train", "text", "id")]),
    ("array", write_array, [("", None, "train", "text", "id")]),
    ("packed", write_packed, [("", None, "train", "text", "id")]),
    ("texts", write_texts, [("", None, "train", "text", None), ("", None, "validation", "text", None)]),
    ("card", write_card, [("", None, "train", "text", None), ("", None, "test", "text", None),
                          ("", "small", "train", "text", None)]),
    ("keywords", write_keywords, [("", None, "train", "text", None), ("", None, "test", "text", None)]),
]


def reading_cases():
    for name, writer, cases in CORPORA:
        writer(OUT / name)
        for sub, config, split, text_column, id_column in cases:
            options = {"sample_by": "document"} if name == "texts" else {}
            rows = datasets.load_dataset(str(OUT / name / sub), config, split=split,
                                         cache_dir=scratch, **options)
            texts = [row[text_column] for row in rows]
            ids = [normalised(row[id_column]) if id_column else i for i, row in enumerate(rows)]
            yield {"path": f"{name}/{sub}".rstrip("/"), "name": config, "split": split,
                   "text_column": text_column, "id_column": id_column, "texts": texts,
                   "ids": [str(i) for i in ids]}
    # One file: the way a single path is read here.
    rows = datasets.load_dataset("json", data_files=str(OUT / "jsonl" / "rows.jsonl"), split="train",
                                 cache_dir=scratch)
    yield {"path": "jsonl/rows.jsonl", "name": None, "split": "train", "text_column": "text",
           "id_column": "id", "texts": [row["text"] for row in rows],
           "ids": [str(normalised(row["id"])) for row in rows]}


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    layouts = [layout_case(*layout) for layout in LAYOUTS]
    reading = list(reading_cases())
    for name, cases in (("layouts", layouts), ("reading", reading)):
        lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
        (OUT / f"{name}.json").write_text(f"[\n{lines}\n]\n")
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
