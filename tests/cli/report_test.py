#!/usr/bin/env python3
"""`qkscope report` as a user runs it. The data of the page are read by the format that docs/report.md
specifies, and compared with the tables of the analysis and with the capture. Needs pyarrow (the one in
.deps serves) and a program with the page; without either the test is skipped.

usage: report_test.py QKSCOPE"""

import base64
import csv
import gzip
import json
import math
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

import fixtures

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(f"{SOURCE}/.deps/pyarrow")
try:
    import pyarrow.parquet as pq
except ImportError:
    print("skipped: there is no pyarrow")
    sys.exit(77)

PROGRAM = os.path.abspath(sys.argv.pop(1))
DOCUMENTS = 8
TYPES = {"u8": "B", "u16": "H", "u32": "I", "i16": "h", "i32": "i", "f32": "f", "f64": "d"}
# Tables of the page that are files; those that it joins are in `heads` (METRICS).
TABLES = {"heads": "head_metrics", "details": "head_bucket_details", "positions": "head_positions",
          "trends": "head_trends", "rope_pairs": "head_rope_pairs", "components": "head_component_weights",
          "mean_curves": "mean_curves", "mean_trends": "mean_trends"}
VERDICTS = {"true": "changed", "false": "not surely changed", "": "not tested"}


def run(*arguments, code=0, where=None):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300,
                          cwd=where)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    return done


class Data:
    """A container: tables of columns."""

    def __init__(self, page, name):
        found = re.search(rf'<template id="{name}">([A-Za-z0-9+/=]*)</template>', page)
        self.bytes = gzip.decompress(base64.b64decode(found.group(1)))
        length, = struct.unpack_from("<I", self.bytes)
        self.json = json.loads(self.bytes[4:4 + length].decode())
        self.first = (4 + length + 7) // 8 * 8

    def column(self, table, name):
        entry = self.json["tables"][table]
        column = entry["columns"][name]
        kind = TYPES[column["type"]]
        count = entry["rows"] * column.get("width", 1)
        size = struct.calcsize(kind)
        at = self.first + column["at"]
        shuffled = self.bytes[at:at + count * size]
        plain = bytes(shuffled[byte * count + item] for item in range(count) for byte in range(size))
        items = struct.unpack(f"<{count}{kind}", plain)
        return [column["strings"][item] for item in items] if "strings" in column else list(items)


def float32(number):
    return struct.unpack("<f", struct.pack("<f", number))[0]


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.captured = tempfile.TemporaryDirectory()
        root = cls.captured.name
        config = fixtures.make_all(root)
        fixtures.make_corpus(f"{root}/corpus", [96] * DOCUMENTS)
        fixtures.make_model(f"{root}/other_model", rope_theta=500.0)
        for name, sets in (("a", ["capture.capture_token_strings=true"]),
                           ("b", [f"model.name={root}/other_model"])):
            run("sniff", "--quiet", *fixtures.sniff_arguments(
                config, f"{root}/{name}", sets=[*sets, "capture.sampler.base_rate=16"]))
            run("analyze", "--quiet", f"{root}/{name}", "--method", "bucket,counted", "--error_bars", "jackknife",
                "--profiles", "--output_dir", f"{root}/results/{name}")

    @classmethod
    def tearDownClass(cls):
        cls.captured.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        shutil.copytree(f"{self.captured.name}/results", self.root, dirs_exist_ok=True)

    def tearDown(self):
        self.folder.cleanup()

    def report(self, *arguments, code=0):
        return run("report", *arguments, code=code, where=self.root)

    def page(self, name="a/report.html"):
        with open(f"{self.root}/{name}", encoding="ascii") as file:
            return file.read()

    def rows(self, name):
        with open(f"{self.root}/{name}", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def assert_says(self, pattern, *arguments):
        done = self.report(*arguments, code=1)
        self.assertRegex(done.stderr, rf"\Aqkscope: {pattern}\n\Z")

    def test_tables_of_another_analysis(self):
        path = f"{self.root}/a/mean_curves.csv"
        with open(path, encoding="utf-8") as file:
            lines = file.readlines()
        for other in (lines[:-1], lines + lines[-1:]):
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(other)
            self.assert_says(f"a/mean_curves.csv: expected {len(lines) - 1} rows, which its record counts, found "
                             f"{len(other) - 1}", "a")

    def test_every_cell_of_every_table(self):
        done = self.report("a")
        self.assertRegex(done.stdout, r"\AWrote     a/report.html: 12 heads, [0-9.]+ [kM]B\n\Z")
        data = Data(self.page(), "data")
        for table, name in TABLES.items():
            rows = self.rows(f"a/{name}.csv")
            self.assertEqual(data.json["tables"][f"0/{table}"]["rows"], len(rows))
            for column in rows[0]:
                if table == "positions" and column.startswith("drift_"):
                    continue  # in a table of their own
                is_wide = data.json["tables"][f"0/{table}"]["columns"][column]["type"] == "f64"
                for row, found in zip(rows, data.column(f"0/{table}", column)):
                    if isinstance(found, str):
                        self.assertEqual(found, row[column])
                    elif row[column] == "":
                        self.assertTrue(math.isnan(found))
                    else:
                        expected = float(row[column])
                        self.assertEqual(found, expected if is_wide else float32(expected), column)

    def test_metrics_of_all_files(self):
        """Each is a column of `heads`: of the diagnostics, the other methods, and the intervals."""
        self.report("a")
        data = Data(self.page(), "data")
        heads = list(zip(data.column("0/heads", "layer"), data.column("0/heads", "q_head")))
        first, *others = data.json["analyses"][0]["methods"]
        num_checked = {"diagnostics": 0, "methods": 0, "intervals": 0}

        def check(kind, row, column, text):
            if not text:
                return
            found = data.column("0/heads", column)[heads.index((int(row["layer"]), int(row["q_head"])))]
            is_wide = data.json["tables"]["0/heads"]["columns"][column]["type"] == "f64"
            self.assertEqual(found, float(text) if is_wide else float32(float(text)), column)
            num_checked[kind] += 1

        for row in self.rows("a/head_diagnostics.csv"):
            for column in ("position_share", "score_skew"):
                check("diagnostics", row, column, row[column])
        for row in self.rows("a/head_methods.csv"):
            if row["method"] in others:
                check("methods", row, f"method:{row['method']}", row["ap_overall"])
        for row in self.rows("a/head_metrics_ci.csv"):
            if row["metric"] != "ap_overall" or row["method"] == first:
                check("intervals", row, f"{row['metric']}:low", row["ci_low"])
                check("intervals", row, f"{row['metric']}:high", row["ci_high"])
        self.assertTrue(all(num_checked.values()), num_checked)

    def test_drift_is_that_of_the_positions(self):
        self.report("a")
        data = Data(self.page(), "data")
        keys = ("layer", "q_head", "position_from")
        found = list(zip(*(data.column("0/drift", name) for name in (*keys, "drift_mean", "drift_line"))))
        method = data.json["analyses"][0]["methods"][0]
        rows = [row for row in self.rows("a/head_positions.csv")
                if row["method"] == method and not row["reach"] and row["drift_mean"]]
        self.assertTrue(rows)
        for row in rows:
            numbers = [float32(float(row[name])) for name in ("drift_mean", "drift_line")]
            self.assertIn((*(int(row[name]) for name in keys), *numbers), found)

    def test_no_folder_and_no_document_is_told(self):
        self.report("a")
        for name in ("data", "points"):
            text = Data(self.page(), name).bytes
            for word in (self.captured.name, self.root, "doc-0", os.path.basename(self.root)):
                self.assertNotIn(word.encode(), text)
        self.report("a", "--ids", "--overwrite")
        self.assertIn("doc-0", Data(self.page(), "data").json["analyses"][0]["documents"])

    def test_tokens_are_those_of_the_capture(self):
        self.report("a", "--tokens")
        page = self.page()
        self.assertIn("text of the corpus", str(Data(page, "data").json["analyses"][0]["warnings"]))
        points = Data(page, "points")
        width = points.json["tables"]["0/rows"]["columns"]["position"].get("width", 1)
        layers, kinds = points.column("0/rows", "layer"), points.column("0/rows", "kind")
        positions, tokens = points.column("0/rows", "position"), points.column("0/rows", "token")
        for i, (layer, kind) in enumerate(zip(layers, kinds)):
            rows = pq.read_table(f"{self.captured.name}/a/l{layer:02}h00{kind}").to_pylist()
            known = {(row["position"], row["token_str"]) for row in rows}
            for j in range(i * width, (i + 1) * width):
                self.assertIn((positions[j], tokens[j]), known)
        self.assertIn("holds no tokens", self.report("b", "--tokens").stderr)

    def test_a_capture_of_other_documents_is_refused(self):
        """Its rows have the same places: positions depend on the number of the document and the seed."""
        fixtures.make_corpus(f"{self.root}/corpus", [97] * DOCUMENTS)
        run("sniff", "--quiet", *fixtures.sniff_arguments(
            f"{self.captured.name}/run.yaml", f"{self.root}/other",
            sets=[f"dataset.path={self.root}/corpus", "capture.sampler.base_rate=16"]))
        for option in ("--tokens", "--ids"):
            self.assert_says("other: expected the capture that was analysed, with the corpus of sha256 [0-9a-f]{64}, "
                             "found [0-9a-f]{64}", "a", option, "--dataset", "other")
            self.assert_says("--dataset: expected the folder of a capture, found nowhere", "a", option,
                             "--dataset", "nowhere")

    def test_the_same_bytes_twice(self):
        self.report("a", "-o", "x/1.html")
        self.report("a", "-o", "x/2.html")
        self.assertEqual(self.page("x/1.html"), self.page("x/2.html"))

    def test_two_analyses_are_those_of_compare(self):
        self.report("a", "b", "-o", "both.html", "--names", "one,two")
        data = Data(self.page("both.html"), "data")
        run("compare", "a", "b", where=self.root)
        rows = self.rows("compare.csv")
        self.assertEqual(data.column("compare", "verdict"), [VERDICTS[row.pop("significant")] for row in rows])
        for column in rows[0]:
            for row, found in zip(rows, data.column("compare", column)):
                if isinstance(found, str) or row[column] == "":
                    self.assertTrue(found == row[column] or math.isnan(found))
                else:
                    self.assertEqual(found, float(row[column]))
        self.assertEqual(data.json["comparison"]["errors"], "paired")
        self.assertEqual([one["name"] for one in data.json["analyses"]], ["one", "two"])
        self.report("a", "a", "-o", "same.html")
        differences = Data(self.page("same.html"), "data").column("compare", "difference")
        self.assertEqual({x for x in differences if not math.isnan(x)}, {0})

    def test_what_is_refused(self):
        self.report("a")
        self.report("b", "-o", "b.html")
        self.assert_says("a/report.html: exists already: --overwrite replaces it, .*", "a")
        self.assert_says("a/head_metrics.csv: is no page of an earlier report, .*", "a", "-o",
                         "a/head_metrics.csv", "--overwrite")
        stranger = "<!doctype html>\n<html lang=\"en\">\n<title>Mine</title>\n<style></style>\n"
        with open(f"{self.root}/mine.html", "w", encoding="ascii") as file:
            file.write(stranger)
        self.assert_says("mine.html: is no page of an earlier report, .*", "a", "-o", "mine.html",
                         "--overwrite")
        self.assertEqual(self.page("mine.html"), stranger)
        with open(f"{self.root}/a/report.html", "w", encoding="ascii") as file:
            file.write(re.sub("'sha256-[^']*'", "'sha256-other'", self.page("b.html")))
        self.report("a", "--overwrite")  # a page of another version
        self.assert_says("no/such: there is no such file or folder", "no/such")
        self.assert_says("--names: expected one name for 1 folder, found x,y", "b", "--names", "x,y")
        self.assert_says("--heads: l99.* is no head of the analysis, .*", "b", "--heads", "l99*")
        self.assert_says("--max-size: .* size of at least 1MiB.*", "b", "--max-size", "1")
        with open(f"{self.root}/b/head_trends.csv", "r+b") as file:
            file.truncate(os.path.getsize(f"{self.root}/b/head_trends.csv") - 9)
        self.assert_says("b/head_trends.csv: its last row has no line end, .*", "b")
        self.assertFalse(os.path.exists(f"{self.root}/b/report.html"))

    def test_packed_tables(self):
        run("analyze", "--quiet", f"{self.captured.name}/b", "--output_dir", f"{self.root}/packed",
            "--output_csv", "heads.csv.gz", "--detail_csv", "details.csv.zst")
        self.report("packed")
        data = Data(self.page("packed/report.html"), "data")
        self.assertEqual(data.json["tables"]["0/heads"]["rows"], 12)
        self.assertIn("details.csv.zst", [file["name"] for file in data.json["analyses"][0]["files"]])
        missing = {one["file"]: one["command"] for one in data.json["analyses"][0]["missing"]}
        self.assertEqual(missing["head_profiles.parquet"],
                         "qkscope analyze b --detail_csv details.csv.zst --output_csv heads.csv.gz "
                         "--output_dir packed --profiles --overwrite")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as empty:
        asked = subprocess.run([PROGRAM, "report", empty], capture_output=True, text=True)
    if "built without the page" in asked.stderr:
        print("skipped: the program was built without the page of reports")
        sys.exit(77)
    unittest.main()
