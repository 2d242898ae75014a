#!/usr/bin/env python3
"""`qkscope analyze` with the newer methods and with error bars, as a user runs it.

usage: error_bars_test.py QKSCOPE"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import unittest

import fixtures

PROGRAM = os.path.abspath(sys.argv.pop(1))
COLUMNS = ["layer", "q_head", "k_head", "method", "metric", "estimate", "ci_low", "ci_high",
           "std_error", "bias", "replicates", "documents", "effective_documents",
           "effective_rows", "note"]


class ErrorBars(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.captured = tempfile.TemporaryDirectory()
        config = fixtures.make_all(cls.captured.name)
        done = subprocess.run([PROGRAM, "sniff", "--quiet", "--config", config],
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        cls.data = f"{cls.captured.name}/out"

    @classmethod
    def tearDownClass(cls):
        cls.captured.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name

    def tearDown(self):
        self.folder.cleanup()

    def analyze(self, *arguments, where=".", code=0):
        cwd = os.path.join(self.root, where)
        os.makedirs(cwd, exist_ok=True)
        done = subprocess.run([PROGRAM, "analyze", "--quiet", "--dataset", self.data, *arguments],
                              capture_output=True, text=True, timeout=300, cwd=cwd)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def read(self, name, where="."):
        with open(os.path.join(self.root, where, name), "rb") as file:
            return file.read()

    def rows(self, name, where="."):
        text = self.read(name, where).decode()
        return list(csv.DictReader(text.splitlines()))

    def test_diagnostics_and_rope_pairs(self):
        self.analyze("--method", "bucket", "--error_bars", "jackknife")
        heads = self.rows("head_diagnostics.csv")
        pairs = self.rows("head_rope_pairs.csv")
        self.assertEqual(len(heads), len(self.rows("head_metrics.csv")))
        for head in heads:
            name = [head["layer"], head["q_head"]]
            of_head = [p for p in pairs if [p["layer"], p["q_head"]] == name]
            self.assertEqual([int(p["second_component"]) - int(p["first_component"])
                              for p in of_head], [4] * 4)  # halves of 8 components
            for i, pair in enumerate(of_head):
                self.assertAlmostEqual(float(pair["wavelength"]) / (6.283185307179586 * 10 ** i),
                                       1, 5)
            total = sum(float(p["variance_share"]) * float(p["bucket_R2"]) for p in of_head)
            self.assertAlmostEqual(total, float(head["bucket_R2"]), 9)
            share, floor = float(head["position_share"]), float(head["position_floor"])
            self.assertAlmostEqual(share, (float(head["bucket_R2"]) - floor) / (1 - floor), 9)

    def test_every_metric_of_every_head(self):
        for method in (["linear"], ["linear", "--covariance", "full"], ["bucket"],
                       ["online", "--min_queries", "2"]):
            done = self.analyze("--method", *method, "--bootstrap", "20", "--overwrite")
            self.assertRegex(done.stdout, "(Wrote|Replaced) +head_metrics_ci.csv")
            heads = self.rows("head_metrics.csv")
            intervals = self.rows("head_metrics_ci.csv")
            self.assertEqual(list(intervals[0]), COLUMNS)
            metrics = list(heads[0])[6:]
            self.assertEqual(len(intervals), len(heads) * len(metrics))
            for i, row in enumerate(intervals):
                head = heads[i // len(metrics)]
                self.assertEqual(row["metric"], metrics[i % len(metrics)])
                self.assertEqual(row["method"], method[0])
                self.assertEqual(row["estimate"], head[row["metric"]])
                self.assertEqual((row["layer"], row["q_head"]), (head["layer"], head["q_head"]))
                if row["ci_low"]:
                    self.assertLessEqual(float(row["ci_low"]), float(row["ci_high"]))
            said = [row for row in intervals if row["metric"] == "ap_overall" and row["ci_low"]]
            self.assertTrue(said, method)

    def test_the_jackknife_says_why_there_is_no_interval(self):
        self.analyze("--error_bars", "jackknife")
        rows = self.rows("head_metrics_ci.csv")
        documents = max(int(row["documents"]) for row in rows)
        for row in rows:
            self.assertLessEqual(int(row["replicates"]), documents)
            has_interval = row["ci_low"] != ""
            self.assertEqual(has_interval, row["std_error"] != "")
            self.assertEqual(has_interval, row["note"] == "", row)
            if "_ks_p" in row["metric"]:
                self.assertEqual(row["note"], "p-values have no error bars")
            if has_interval and row["metric"] == "ap_overall":
                self.assertLessEqual(float(row["ci_low"]), float(row["estimate"]))
                self.assertLessEqual(float(row["estimate"]), float(row["ci_high"]))
        self.assertTrue([row for row in rows if row["ci_low"]])

    def test_kinds_of_error_bars(self):
        done = self.analyze("--error_bars", "jackknife", "--bootstrap", "30", "--interval",
                            "percentile", where="both")
        self.assertIn("--bootstrap: has no effect: error_bars is jackknife", done.stderr)
        self.assertIn("--interval: has no effect: the jackknife has t intervals only", done.stderr)
        record = json.loads(self.read("head_metrics.csv.json", "both"))
        self.assertEqual((record["error_bars"], record["interval"]), ("jackknife", "t"))
        self.analyze("--bootstrap", "30", "--interval", "percentile", where="drawn")
        record = json.loads(self.read("head_metrics.csv.json", "drawn"))
        self.assertEqual((record["error_bars"], record["bootstrap"], record["interval"]),
                         ("bootstrap", 30, "percentile"))

    def test_the_same_whatever_the_threads(self):
        for where, threads in (("one", "1"), ("three", "3")):
            self.analyze("--method", "bucket", "--bootstrap", "20", "--threads", threads,
                         where=where)
        self.assertEqual(self.read("head_metrics_ci.csv", "one"),
                         self.read("head_metrics_ci.csv", "three"))
        self.analyze("--method", "bucket", "--bootstrap", "20", "--seed", "1", where="other")
        self.assertNotEqual(self.read("head_metrics_ci.csv", "one"),
                            self.read("head_metrics_ci.csv", "other"))

    def test_none_without_the_option(self):
        self.analyze("--method", "bucket")
        self.assertFalse(os.path.exists(f"{self.root}/head_metrics_ci.csv"))

    def test_error_bars_leave_the_metrics_alone(self):
        self.analyze("--compat", "reference", where="plain")
        self.analyze("--compat", "reference", "--bootstrap", "5", "--ci_csv", "x/bars.csv",
                     where="bars")
        for name in ("head_metrics.csv", "head_bucket_plasticity.csv"):
            self.assertEqual(self.read(name, "plain"), self.read(name, "bars"))
        self.assertTrue(self.rows("x/bars.csv", "bars"))

    def test_one_sentence_for_a_bad_value(self):
        done = self.analyze("--bootstrap", "many", code=1)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn("--bootstrap: expected", done.stderr)
        done = self.analyze("--method", "bucked", code=1)
        self.assertIn("did you mean bucket?", done.stderr)


if __name__ == "__main__":
    unittest.main()
