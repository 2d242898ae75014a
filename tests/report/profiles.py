#!/usr/bin/env python3
"""Analyses with profiles for the browser tests. Needs pyarrow (the one in .deps serves).

profiles.py check                     succeeds if there is pyarrow
profiles.py capture QKSCOPE FOLDER    captures a tiny model on hostile texts, and analyses it
profiles.py dump FOLDER OUT           what head_profiles.parquet and the capture of an analysis hold, as JSON
profiles.py made EXAMPLE FOLDER POINTS COMPONENTS
    head_profiles.parquet with made-up numbers for the heads of a folder, of the types that EXAMPLE has"""

import array
import csv
import json
import math
import os
import shutil
import statistics
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path += [f"{SOURCE}/.deps/pyarrow", f"{SOURCE}/tests/cli"]

import fixtures  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

# Tokens are words, so there is no blank in them.
HOSTILE = ["</script><script>hit()</script>", "</template><img/src=x/onerror=hit()>", "<img/src=x/onerror=hit()>",
           "<!--", "]]>", "\u202eevil\u202c", "\u2066apart\u2069", "nul\0here", "\x01\x1b[31m", "__proto__",
           "&lt;b&gt;", "${hit()}", "\U0001f469\u200d\U0001f680", "e\u0301", "\ufeff", "'\"\\`"]
# Of names with a slash only the last part is shown.
NAMES = ["<img onerror=hit()>", "<!--", "\u202eevil\u202c", "constructor", "nul\0here", "__proto__", "&lt;", "=1+1"]
LONG = 96  # tokens of a document


def run(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr}")


def make_corpus(folder, words):
    numbers = fixtures.Numbers(5)
    rows = []
    for i, name in enumerate(NAMES):
        text = " ".join(words[int((numbers.next() + 1) / 2 * len(words))] for _ in range(LONG - 8 * (i % 3)))
        rows.append(json.dumps({"id": name, "text": text}))
    fixtures.write(f"{folder}/train.jsonl", "\n".join(rows) + "\n")


def capture(program, root):
    """Folders of `root`: plain, log (its buckets grow) and tuned, another model of which a head is missing."""
    config = fixtures.make_all(root)
    words = [*HOSTILE, *fixtures.WORDS[len(HOSTILE):]]
    for name, theta in (("model", 10000.0), ("other", 500.0)):
        fixtures.make_model(f"{root}/{name}", rope_theta=theta)
        fixtures.make_tokenizer(f"{root}/{name}", words)
    make_corpus(f"{root}/corpus", words)
    for name, sampler, model in (("plain", "uniform", "model"), ("log", "log_uniform", "model"),
                                 ("tuned", "uniform", "other")):
        data = f"{root}/data-{name}"
        sets = ["capture.capture_token_strings=true", f"capture.sampler.type={sampler}",
                "capture.sampler.base_rate=16", f"model.name={root}/{model}"]
        run(program, "sniff", "--quiet", *fixtures.sniff_arguments(config, data, sets=sets))
        if name == "tuned":
            shutil.rmtree(f"{data}/l01h02q")
        run(program, "analyze", "--quiet", data, "--method", "bucket,counted", "--error_bars", "jackknife",
            "--profiles", "--profile_points", "40", "--output_dir", f"{root}/{name}")


def for_json(name, value):
    """NaN as null, and document ids as texts: numbers of JavaScript have 53 bits."""
    if isinstance(value, list):
        return [for_json(name, item) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return str(value) if name.endswith("example_id") else value


def tokens_of(dataset):
    """By folder, then "document position": the text of the token."""
    out = {}
    for name in sorted(os.listdir(dataset)):
        if os.path.isdir(f"{dataset}/{name}"):
            rows = pq.read_table(f"{dataset}/{name}", columns=["example_id", "position", "token_str"]).to_pylist()
            out[name] = {f"{row['example_id']} {row['position']}": row["token_str"] for row in rows}
    return out


def dump(folder, path):
    normal = statistics.NormalDist()
    out = {
        "heads": [{name: for_json(name, value) for name, value in row.items()}
                  for row in pq.read_table(f"{folder}/head_profiles.parquet").to_pylist()],
        "normal": [normal.inv_cdf((i + 0.5) / 129) for i in range(129)],
    }
    with open(f"{folder}/head_metrics.csv.json", encoding="utf-8") as file:
        dataset = json.load(file)["dataset"]["folder"]
    if os.path.isdir(dataset):
        out["tokens"] = tokens_of(dataset)
        out["documents"] = {row["example_id"]: row["document"]
                            for row in pq.read_table(f"{dataset}/documents.parquet").to_pylist()}
    fixtures.write(path, json.dumps(out))


def lists(kind, count, width, values, first):
    """`count` lists of `width` numbers each: `values`, the first list from `first` on, each from another place."""
    flat = array.array("f")
    for i in range(count):
        start = (first + 7 * i) % (len(values) - width)
        flat.extend(values[start:start + width])
    offsets = array.array("i", range(0, width * count + 1, width))
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat, type=kind.value_type))


def made(example, folder, points, components):
    with open(f"{folder}/head_metrics.csv", encoding="utf-8") as file:
        heads = [tuple(int(row[name]) for name in ("layer", "q_head", "k_head")) for row in csv.DictReader(file)]
    numbers = fixtures.Numbers(3)
    noise = array.array("f", (sum(numbers.next() for _ in range(4)) for _ in range(40_000)))
    small = array.array("f", (abs(number) / 32 for number in noise))
    normal = statistics.NormalDist()
    quantiles = [normal.inv_cdf((i + 0.5) / 129) for i in range(129)]
    rows = {"position": [97 * i % 8192 for i in range(points)], "bucket": [97 * i % 8192 // 512 for i in range(points)],
            "example_id": [i % 20 for i in range(points)]}
    columns = {}
    for field in pq.read_schema(f"{example}/head_profiles.parquet"):
        name, kind = field.name, field.type
        if name in ("layer", "q_head", "k_head"):
            column = [head[("layer", "q_head", "k_head").index(name)] for head in heads]
        elif name[2:] in rows:
            column = [rows[name[2:]]] * len(heads)
        elif name.endswith("large_ids"):
            column = [False] * len(heads)
        elif name == "rope_pair":
            column = [i % (components // 2) for i in range(len(heads))]
        elif name == "residual_quantiles":
            column = [quantiles] * len(heads)
        elif name == "noise_component":
            column = [list(range(1, components))] * len(heads)
        elif not pa.types.is_list(kind):  # shares and distances
            column = [abs(noise[i]) / 4 for i in range(len(heads))]
        else:
            width = {"beta": components, "noise_ks_distance": components - 1, "eigenvalues": components}
            values = small if name in ("noise_ks_distance", "eigenvalues") else noise
            column = lists(kind, len(heads), width.get(name, 2 * points), values, 1000 * len(columns))
        columns[name] = column if isinstance(column, pa.Array) else pa.array(column, type=kind)
    schema = pa.schema(list(pq.read_schema(f"{example}/head_profiles.parquet").remove_metadata()),
                       metadata={"qkscope.profiles": json.dumps({"profile_points": points, "seed": 0})})
    pq.write_table(pa.table(columns, schema=schema), f"{folder}/head_profiles.parquet", compression="none")


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "capture":
        capture(os.path.abspath(rest[0]), os.path.abspath(rest[1]))
    elif command == "dump":
        dump(*rest)
    elif command == "made":
        made(*rest[:2], *(int(text) for text in rest[2:]))
