#!/usr/bin/env python3
"""Shows that two builds of qkscope write the same bytes, for changes that must not alter a result.

    tools/compare_builds.py OLD NEW [--demo FOLDER] [--only TEXT] [--work FOLDER]

OLD and NEW are two executables, such as build/release/qkscope of two working trees. Both run on the
same inputs, and every file that they write is compared byte for byte:

1. datasets of `sniff`: from every checkpoint of tests/data/models/cases.json, from two of them with
   every configuration of CONFIGURATIONS, and from a GGUF file of every stored type
2. tables and records of `analyze` by every method, from OLD's datasets
3. figures of `plot` in every format, from OLD's tables
4. with --demo, the dataset of ./demo. FOLDER holds its model: .deps/smollm2

The commit of a build, which datasets and records contain, does not count: before files are
compared, it is replaced by zeros, and a card's SHA-256 digests by those of the files thus changed.
Both commits must have the same length, so build both programs from committed trees.

--only runs the cases with TEXT in their name and those that they depend on. --work keeps all files
in FOLDER, which must not exist. Prints a line for each case, followed by the first difference of
each file that differs. Exits with 1 if a file differs or a program fails."""

import argparse
import hashlib
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from fixture_models import DATA, write_checkpoints, write_gguf_files

sys.path.insert(0, str(DATA.parent / "cli"))
import fixtures  # noqa: E402

# Paths are relative to work/old and work/new, where the programs run.
COMMON = {
    "dataset": {"path": "../in/corpus", "id_column": "id"},
    "model": {},
    "tokenizer": {"name": "../in/tokenizer", "max_length": 1200},
    "inference": {},
    "capture": {"sampler": {"type": "uniform", "base_rate": 8}, "min_bucket_size": 64},
    "output": {},
}
LOG = "capture.sampler={type: log_uniform, base_rate: 4}"
SOME_HEADS = "capture.head_sampling={count: 5, seed: 3}"
FULL_ATTENTION = "capture.full_attention_only=true"
TOKENS = "capture.capture_token_strings=true"
EVERY_POSITION = ["capture.sampler=all", "capture.rope=both", "inference.batch_size=3"]
CONFIGURATIONS = {
    "uniform": [],
    "every position": EVERY_POSITION,
    "log": [LOG, "inference.batch_size=3"],
    "pre-RoPE, token strings": ["capture.rope=pre", TOKENS],
    "row limit": ["capture.max_rows_per_batch=5", "dataset.id_column=null"],
    "head sampling": [SOME_HEADS, "inference.batch_size=3"],
    "full attention": [FULL_ATTENTION],
    "layers and heads": ["capture.layers=[1, 2]", "capture.heads=[1, 3]"],
    "keys only": ["capture.capture_queries=false"],
    "truncated": ["tokenizer.max_length=40"],
    "bad texts": ["dataset.path=../in/bad", "dataset.on_bad_text=skip"],
    "text files": ["dataset.path=../in/texts", "dataset.id_column=null"],
    "reference": ["compat=reference"],
    "reference, log, heads": ["compat=reference", LOG, SOME_HEADS, FULL_ATTENTION],
    "reference, row limit": ["compat=reference", "capture.max_rows_per_batch=5", TOKENS],
}
THOROUGH = ("llama-plain", "gemma3-v4")  # the second has layers with a window and layers without
ANALYSES = {
    "linear": ["--bootstrap=50"],
    "full covariance": ["--covariance=full", "--bootstrap=50", "--interval=bias-corrected"],
    "bucket": ["--method=bucket", "--bootstrap=50"],
    "online": ["--method=online", "--bootstrap=50"],
    "sampled rows": ["--max_tokens_per_head=300", "--seed=7"],
    "reference": ["--compat=reference"],
}
ANALYSED = ("every position", "uniform", "log")
FIGURES = {
    "plasticity": ("bucket", ["--bucket_min_size=64", "--color_by_layer"]),
    "heatmap": ("bucket", ["--bucket_min_size=64"]),
    "components": ("component", []),
}


def make_inputs(folder, demo):
    """Returns the names of the checkpoints, and of the GGUF files."""
    # The last document is truncated, and is longer than a chunk of the forward pass.
    fixtures.make_corpus(f"{folder}/corpus", lengths=(90, 5, 0, 41, 200, 17, 64, 130, 1500))
    fixtures.make_tokenizer(f"{folder}/tokenizer")
    for i in range(3):
        fixtures.write(f"{folder}/texts/{i}.txt", fixtures.document(i, 60 + i))
    texts = (fixtures.document(0, 80), None, 7, "w1 BYTE w2", fixtures.document(1, 70))
    rows = "".join(json.dumps({"id": 2**40 + i, "text": t}) + "\n" for i, t in enumerate(texts))
    fixtures.write(f"{folder}/bad/train.jsonl", rows.encode().replace(b"BYTE", b"\xff"))
    fixtures.write(f"{folder}/run.yaml", json.dumps(COMMON))
    if demo:
        for path in pathlib.Path("/usr/share/common-licenses").iterdir():
            if not path.is_symlink():
                fixtures.write(f"{folder}/licences/{path.name}.txt", path.read_bytes())
        config = DATA.parent.parent / "configs/demo.yaml"
        fixtures.write(f"{folder}/demo.yaml", config.read_bytes())
    return write_checkpoints(folder), write_gguf_files(folder)


# A case: a name, which is also the folder of its files; arguments; the case whose files it reads.
def sniff(name, model, sets, config="run.yaml"):
    sets = [f"model.name={model}", f"output.data_root={name}", *sets]
    return name, ["sniff", "--quiet", f"--config=../in/{config}", *(f"--set={x}" for x in sets)], ""


def analyze(name, dataset, options):
    tables = [f"--{x}_csv={name}/{x}.csv" for x in ("output", "bucket", "component", "ci")]
    return name, ["analyze", "--quiet", f"--dataset=../old/{dataset}", *tables, *options], dataset


def plot(name, figure, analysis, suffix):
    table, options = FIGURES[figure]
    return name, ["plot", figure, f"--{table}_csv=../old/{analysis}/{table}.csv", *options,
                  f"--output={name}/{figure}.{suffix}"], analysis


def all_cases(checkpoints, gguf_files, demo):
    for model in checkpoints:
        for name in CONFIGURATIONS if model in THOROUGH else ("uniform", "every position"):
            yield sniff(f"{model}, {name}", f"../in/{model}", CONFIGURATIONS[name])
    for file in gguf_files:
        yield sniff(file, f"../in/{file}", EVERY_POSITION)
    for model, captured, method in itertools.product(THOROUGH, ANALYSED, ANALYSES):
        dataset = f"{model}, {captured}"
        yield analyze(f"analysis of {dataset}, {method}", dataset, ANALYSES[method])
    for figure, suffix in itertools.product(FIGURES, ("png", "svg", "pdf")):
        analysis = f"analysis of {THOROUGH[1]}, {ANALYSED[0]}, bucket"
        yield plot(f"figure {figure}, {suffix}", figure, analysis, suffix)
    if demo:
        model = next(demo.resolve().glob("*.gguf"))
        yield sniff("demo", model, ["dataset.path=../in/licences"], "demo.yaml")


def with_dependencies(cases, text):
    wanted = {name for name, _, _ in cases if text in name}
    for name, _, source in reversed(cases):
        if name in wanted:
            wanted.add(source)
    return [case for case in cases if case[0] in wanted]


def commit_of(program):
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return "".join(re.findall(r"^qkscope \S+ \((\S+)\)", text))


def run_both(programs, arguments, work):
    """Runs both programs at the same time; returns a line for each that fails."""
    runs = [subprocess.Popen([program, *arguments], cwd=work / side, text=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for side, program in programs.items()]
    errors = [run.communicate()[1].strip() for run in runs]
    return [f"{side.upper()} exits with {run.returncode}: {error}"
            for side, run, error in zip(programs, runs, errors) if run.returncode]


def files_of(folder, commits):
    """The contents of every file, with zeros for commits."""
    out, digests = {}, []
    for path in filter(pathlib.Path.is_file, folder.rglob("*")):
        raw = data = path.read_bytes()
        for commit in filter(None, commits):
            data = data.replace(commit.encode(), b"0" * len(commit))
        out[str(path.relative_to(folder))] = data
        digests.append([hashlib.sha256(x).hexdigest().encode() for x in (raw, data)])
    for digest, without_commit in digests if "README.md" in out else []:
        out["README.md"] = out["README.md"].replace(digest, without_commit)
    return out


def first_key(old, new, path):
    """The first key at which two JSON values differ, and both values there."""
    if isinstance(old, dict) and isinstance(new, dict):
        if list(old) != list(new):
            keys = ", ".join(sorted(set(old) ^ set(new)))
            return f"{path} has " + (f"different keys: {keys}" if keys else "another order of keys")
        for key in filter(lambda key: json.dumps(old[key]) != json.dumps(new[key]), old):
            return first_key(old[key], new[key], f"{path}.{key}")
        return f"{path} is spelt differently"
    return f"{path} is {json.dumps(old)} against {json.dumps(new)}"


def place(old, new):
    """The first byte at which two files differ, and the key there in a record or Parquet footer."""
    at = next((i for i, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
    out = f"byte {at} (of {len(old)} against {len(new)} bytes)"
    if old[:1] == b"{":
        return f"{out}: {first_key(json.loads(old), json.loads(new), 'record')}"
    if old[-4:] != b"PAR1" or at < len(old) - 8 - int.from_bytes(old[-8:-4], "little"):
        return out
    key = [b"start", *re.findall(rb"qkscope\.\w+|ARROW:schema", old[:at])][-1]
    if key not in (b"qkscope.provenance", b"qkscope.geometry"):
        return f"{out}, in the footer after {key.decode()}"
    texts = (x[x.index(b"{", x.rindex(key)):].decode(errors="replace") for x in (old, new))
    values = (json.JSONDecoder().raw_decode(text)[0] for text in texts)
    return f"{out}, in the footer: {first_key(*values, key.decode())}"


def differences(old, new):
    for name in sorted({*old, *new}):
        if name not in old or name not in new:
            yield f"{name}: only {'OLD' if name in old else 'NEW'} writes it"
        elif old[name] != new[name]:
            yield f"{name}: {place(old[name], new[name])}"
    if not old and not new:
        yield "neither program writes a file"


def is_same(programs, name, arguments, work, commits):
    """Runs a case and prints its line."""
    for side in programs:
        (work / side / name).mkdir(parents=True)
    found = run_both(programs, arguments, work)
    old, new = (files_of(work / side / name, commits) for side in programs)
    found = found or list(differences(old, new))
    line = f"{'DIFFERS' if found else 'same   '} {name}: {len(old)} files"
    print("\n        ".join([line, *found]), flush=True)
    return not found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("--demo", metavar="FOLDER", type=pathlib.Path)
    parser.add_argument("--only", metavar="TEXT", default="")
    parser.add_argument("--work", metavar="FOLDER", type=pathlib.Path)
    args = parser.parse_args()
    programs = {"old": args.old.resolve(), "new": args.new.resolve()}
    commits = [commit_of(program) for program in programs.values()]
    if len(commits[0]) != len(commits[1]):
        parser.error(f"expected commits of the same length, found {commits}: build both programs "
                     "from committed trees")
    with tempfile.TemporaryDirectory() as folder:
        work = (args.work or pathlib.Path(folder)).resolve()
        cases = list(all_cases(*make_inputs(work / "in", args.demo), args.demo))
        same = [is_same(programs, name, arguments, work, commits)
                for name, arguments, _ in with_dependencies(cases, args.only)]
    print(f"{len(same)} cases, {same.count(False)} differ")
    return 0 if same and all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
