#!/usr/bin/env python3
"""Makes every number of docs/findings.md: two real models, captured over 48 documents and measured.

    tools/findings.py [--work build/findings] [--qkscope build/release/qkscope] [--models smollm2 gemma3]
                      [--page docs/findings.md]

Needs Debian 12 (apt-get, dpkg, for the documents) and the network. Captures take about 15 minutes on
two cores, analyses about 4; what is in the work folder already is not captured again. Prints tables,
and with --page puts them into the page, below the lines that name them."""

import argparse
import csv
import importlib.util
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = {
    "smollm2": {"title": "SmolLM2-135M-Instruct (Q4_1)", "tokens": 8192, "width": 512},
    "gemma3": {"title": "Gemma 3 270M (Q4_K_M)", "tokens": 4096, "width": 256},
}
CONFIG = """\
dataset: {{path: {corpus}, split: train}}
model: {{name: {model}, dtype: float32}}
tokenizer: {{max_length: {tokens}}}
inference: {{batch_size: 4}}
capture:
  sampler: {{type: uniform, base_rate: 8}}
  min_bucket_size: {width}
  rope: both
output: {{data_root: {data}}}
"""


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def model_file(name):
    if name == "gemma3":
        return tool("fetch_gemma3").fetch_gemma3(ROOT / ".deps" / "gemma3")
    return ROOT / ".deps" / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"  # tools/setup


def spread(files, smallest, count):
    """So many of the files of at least this size, evenly spread over their names."""
    by_name = {}
    for path in sorted(files, key=lambda path: path.name):
        if path.is_file() and path.stat().st_size >= smallest:
            by_name.setdefault(path.name, path)
    paths = list(by_name.values())
    return [paths[i * len(paths) // count] for i in range(count)]


def make_corpus(work):
    """24 pages of Perl's manual, 16 modules of Python's library, 8 pages of Git's manual."""
    corpus = work / "corpus"
    if corpus.exists():
        return corpus
    packages = work / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", "perl-doc", "git-doc", "libpython3.11-stdlib",
                    "libpython3.11-minimal"], cwd=packages, check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    for package in packages.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, packages / "files"], check=True)
    files = packages / "files"
    made = work / "corpus.tmp"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    kinds = [("perl", files.rglob("*.pod"), 24),
             ("python", (files / "usr/lib/python3.11").glob("*.py"), 16),
             ("git", files.rglob("*.txt"), 8)]  # fmt: skip
    for kind, paths, count in kinds:
        for path in spread(paths, 12000, count):
            name = path.name if path.suffix == ".txt" else f"{path.name}.txt"
            shutil.copyfile(path, made / f"{kind}-{name}")
    made.rename(corpus)
    return corpus


def run(qkscope, *arguments):
    print("qkscope", *arguments, file=sys.stderr, flush=True)
    subprocess.run([qkscope, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def capture(qkscope, name, work):
    data = work / name / "data"
    if not (data / "README.md").exists():
        corpus, model = make_corpus(work), model_file(name)
        config = work / name / "sniff.yaml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(CONFIG.format(corpus=corpus, model=model, data=data, **MODELS[name]))
        run(qkscope, "sniff", config, "--quiet", "--overwrite")
    return data


def analyze(qkscope, data, work):
    bars = ["--error_bars", "jackknife", "--quiet", "--overwrite"]
    results = {}
    for name, options in {
        "main": ["--method", "bucket,counted,linear"],
        "pre_rope": ["--method", "bucket,counted", "--vector", "pre_rope"],
        "same_document": ["--method", "counted", "--queries", "same_document"],
    }.items():
        results[name] = work / name
        run(qkscope, "analyze", data, *options, *bars, "--output_dir", results[name])
    return results


def rows(folder, name):
    with open(folder / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def head_of(row):
    return int(row["layer"]), int(row["q_head"])


def column(table, name, **wanted):
    """The numbers of a column by head, of the rows that have these values."""
    chosen = [row for row in table if all(row[key] == value for key, value in wanted.items())]
    return {head_of(row): float(row[name]) for row in chosen if row[name]}


def ranks(values):
    order = sorted(values, key=values.get)
    return {key: rank for rank, key in enumerate(order)}


def spearman(a, b):
    keys = sorted(a.keys() & b.keys())
    ra, rb = ranks({k: a[k] for k in keys}), ranks({k: b[k] for k in keys})
    return statistics.correlation([ra[k] for k in keys], [rb[k] for k in keys])


def with_interval(row, value, low="ci_low", high="ci_high", digits=4):
    if not row[low]:
        return f"{float(row[value]):.{digits}f}"
    return f"{float(row[value]):.{digits}f} [{float(row[low]):.{digits}f}, {float(row[high]):.{digits}f}]"


def table_text(header, lines):
    text = f"| {' | '.join(header)} |\n| {' | '.join('---' for _ in header)} |\n"
    return text + "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


def methods_tables(results):
    table = rows(results["main"], "head_methods.csv")
    counted = column(table, "ap_overall", method="counted")
    lines = []
    for method in ("counted", "bucket", "linear"):
        values = column(table, "ap_overall", method=method)
        warned = sum(1 for row in table if row["method"] == method and row["warning"])
        differences = [abs(values[head] - counted[head]) for head in values]
        lines.append([method, f"{statistics.mean(values.values()):.3f}",
                      f"{spearman(values, counted):.2f}", f"{statistics.median(differences):.3f}",
                      f"{max(differences):.3f}", f"{warned} of {len(values)}"])  # fmt: skip
    yield "methods", table_text(
        ["method", "mean", "Spearman with counted", "median difference from counted", "largest",
         "heads that differ by more than their error"], lines)  # fmt: skip
    same = column(rows(results["same_document"], "head_methods.csv"), "ap_overall")
    pre = column(rows(results["pre_rope"], "head_methods.csv"), "ap_overall", method="counted")
    yield "variants", table_text(
        ["counted", "mean", "Spearman with the first row"],
        [[label, f"{statistics.mean(values.values()):.3f}", f"{spearman(values, counted):.2f}"]
         for label, values in (("all queries, after RoPE", counted),
                               ("queries of the same document", same),
                               ("before RoPE", pre))])  # fmt: skip


def trend_tables(results):
    lines = []
    for row in rows(results["main"], "mean_trends.csv"):
        if row["trend"] == "curve" and row["reach"]:
            continue
        documents = f"{row['documents']} that reach bucket {row['reach']}" if row["reach"] else "all"
        lines.append([row["heads"], row["method"], row["trend"], documents,
                      with_interval(row, "slope"),
                      f"{row['num_rising']} / {row['num_falling']} of {row['num_heads']}"])  # fmt: skip
    yield "trends", table_text(
        ["heads", "method", "slope over", "documents", "mean slope per 1,000 tokens",
         "heads that rise / fall"], lines)  # fmt: skip


def head_tables(results):
    diagnostics = rows(results["main"], "head_diagnostics.csv")
    metrics = rows(results["main"], "head_metrics.csv")
    share = column(diagnostics, "position_share")
    before = column(rows(results["pre_rope"], "head_diagnostics.csv"), "position_share")
    lines = []
    for label, values in (("position_share", share), ("position_share before RoPE", before),
                          ("line_share", column(diagnostics, "line_share")),
                          ("q_R2_pos", column(metrics, "q_R2_pos")),
                          ("q_R2_scalar", column(metrics, "q_R2_scalar")),
                          ("ap_overall (bucket)", column(metrics, "ap_overall"))):  # fmt: skip
        numbers = sorted(values.values())
        quartiles = statistics.quantiles(numbers, n=4)
        lines.append([label, *(f"{x:.3f}" for x in (numbers[0], *quartiles, numbers[-1])),
                      f"{spearman(values, share):.2f}"])  # fmt: skip
    yield "ranges", table_text(["", "lowest", "25 %", "median", "75 %", "highest",
                                "Spearman with position_share"], lines)  # fmt: skip
    by_head = {head_of(row): row for row in diagnostics}
    methods = {head_of(row): row for row in rows(results["main"], "head_methods.csv")
               if row["method"] == "counted"}  # fmt: skip
    ordered = sorted(share, key=share.get)
    plastic = sorted(methods, key=lambda head: float(methods[head]["ap_overall"]))
    lines = []
    for title, heads in (("most positional", ordered[-4:][::-1]), ("least positional", ordered[:4]),
                         ("most plastic", plastic[-4:][::-1]), ("least plastic", plastic[:4])):  # fmt: skip
        for layer, head in heads:
            lines.append([title, f"{layer}, {head}",
                          with_interval(by_head[layer, head], "position_share", "position_share_low",
                                        "position_share_high", 3),
                          with_interval(methods[layer, head], "ap_overall", digits=3)])  # fmt: skip
    yield "extremes", table_text(["", "layer, head", "position_share", "plasticity (counted)"], lines)


def tables_of(results):
    yield from methods_tables(results)
    yield from trend_tables(results)
    yield from head_tables(results)


def put_table(page, marker, table):
    """Replaces the table below the line <!-- marker -->."""
    pattern = re.compile(rf"(<!-- {re.escape(marker)} -->\n)(?:\|.*\n)*")
    text, count = pattern.subn(lambda match: match[1] + table, page.read_text(encoding="utf-8"))
    if count > 0:
        page.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "findings")
    parser.add_argument("--qkscope", type=pathlib.Path, default=ROOT / "build/release/qkscope")
    parser.add_argument("--page", type=pathlib.Path)
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    args = parser.parse_args()
    work = args.work.resolve()
    for name in args.models:
        data = capture(args.qkscope.resolve(), name, work)
        results = analyze(args.qkscope.resolve(), data, work / name)
        print(f"\n## {MODELS[name]['title']}")
        for title, table in tables_of(results):
            print(f"\n{title}\n\n{table}")
            if args.page:
                put_table(args.page, f"{name} {title}", table)


if __name__ == "__main__":
    main()
