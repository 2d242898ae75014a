#!/usr/bin/env python3
"""`qkscope compare` as a user runs it: two captures, two methods, two kinds of vectors; what is paired
and what is not, and what is refused. Needs pyarrow (the one in .deps serves) and is skipped without
it.

usage: compare_test.py QKSCOPE"""

import csv
import json
import math
import os
import shutil
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
HEADER = ("layer,q_head,k_head,metric,a,b,difference,ci_low,ci_high,std_error,p_value,significant,"
          "note")
DOCUMENTS = 12
T_11 = 2.2009851600829  # 97.5 % of Student's t with 11 degrees of freedom


def run(*arguments, code=0, where=None):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300,
                          cwd=where)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    return done


class Compare(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.captured = tempfile.TemporaryDirectory()
        root = cls.captured.name
        config = fixtures.make_all(root)
        fixtures.make_corpus(f"{root}/corpus", [96] * DOCUMENTS)
        fixtures.make_corpus(f"{root}/other_corpus", [90] * (DOCUMENTS + 1))
        fixtures.make_model(f"{root}/other_model", rope_theta=500.0)
        captures = {"a": ["capture.rope=both"], "b": [f"model.name={root}/other_model"],
                    "c": [f"dataset.path={root}/other_corpus"],
                    "wide": ["capture.min_bucket_size=32"]}
        for name, sets in captures.items():
            run("sniff", "--quiet", *fixtures.sniff_arguments(
                config, f"{root}/{name}", sets=[*sets, "capture.sampler.base_rate=16"]))
        fixtures.make_model(f"{root}/small", num_hidden_layers=2)
        run("sniff", "--quiet", *fixtures.sniff_arguments(
            config, f"{root}/small_out", sets=[f"model.name={root}/small"]))
        bars = ("--error_bars", "jackknife")
        for out, data, *flags in (
                ("a", "a", "--method", "bucket,linear", *bars), ("pre", "a", "--vector", "pre_rope", *bars),
                ("b", "b", *bars), ("c", "c", *bars), ("plain", "a"), ("wide", "wide"),
                ("small", "small_out"), ("boot", "a", "--bootstrap", "40"),
                ("boot_b", "b", "--bootstrap", "40"), ("boot_7", "b", "--bootstrap", "40", "--seed", "7"),
                ("half", "a", "--documents", "doc-0,doc-1,doc-2,doc-3,doc-4,doc-5,doc-6", *bars)):
            run("analyze", "--quiet", f"{root}/{data}", "--output_dir", f"{root}/results/{out}", *flags)

    @classmethod
    def tearDownClass(cls):
        cls.captured.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        shutil.copytree(f"{self.captured.name}/results", self.root, dirs_exist_ok=True)

    def tearDown(self):
        self.folder.cleanup()

    def compare(self, *arguments, code=0):
        return run("compare", *arguments, code=code, where=self.root)

    def rows(self, name="compare.csv", metric="ap_overall"):
        with open(f"{self.root}/{name}", encoding="utf-8", newline="") as file:
            return [row for row in csv.DictReader(file) if row["metric"] == metric]

    def heads(self, name):
        with open(f"{self.root}/{name}/head_metrics.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def replicates(self, name, method="bucket", metric="ap_overall"):
        table = pq.read_table(f"{self.root}/{name}/head_replicates.parquet").to_pylist()
        return {(row["layer"], row["q_head"]): row["values"] for row in table
                if row["method"] == method and row["metric"] == metric}

    def assert_says(self, sentence, *arguments):
        done = self.compare(*arguments, code=1)
        self.assertEqual(done.stderr, f"qkscope: {sentence}\n")
        self.assertFalse(os.path.exists(f"{self.root}/compare.csv"))

    # The numbers.

    def test_an_analysis_does_not_differ_from_itself(self):
        for name in ("a", "boot"):
            done = self.compare(name, name, "--overwrite")
            self.assertNotIn("Differs", done.stdout)
            with open(f"{self.root}/compare.csv", encoding="utf-8") as file:
                self.assertEqual(file.readline().rstrip("\n"), HEADER)
            rows = self.rows()
            self.assertEqual(len(rows), 12)
            for row in rows:
                self.assertEqual(float(row["difference"]), 0)
                self.assertEqual([float(row[key]) for key in ("ci_low", "ci_high", "std_error")],
                                 [0, 0, 0])
                self.assertEqual((float(row["p_value"]), row["significant"]), (1, "false"))
            self.assertIn("Changed   0 of 12 heads in ap_overall", done.stdout)
            self.assertRegex(done.stdout, r"\nap_overall .* 0 to 0 +1 +1\n")

    def test_paired_intervals_are_those_of_the_differences(self):
        done = self.compare("a", "b")
        self.assertIn("Differs   model: ", done.stdout)
        self.assertIn("paired document by document\n", done.stdout)
        a, b = self.replicates("a"), self.replicates("b")
        for row, of_a, of_b in zip(self.rows(), self.heads("a"), self.heads("b")):
            key = int(row["layer"]), int(row["q_head"])
            self.assertEqual((row["a"], row["b"]), (of_a["ap_overall"], of_b["ap_overall"]))
            difference = float(row["b"]) - float(row["a"])
            self.assertEqual(float(row["difference"]), difference)
            values = [y - x for x, y in zip(a[key], b[key])]
            self.assertEqual(len(values), DOCUMENTS)
            mean = sum(values) / DOCUMENTS
            error = math.sqrt((DOCUMENTS - 1) / DOCUMENTS * sum((v - mean) ** 2 for v in values))
            centre = difference - (DOCUMENTS - 1) * (mean - difference)
            self.assertAlmostEqual(float(row["std_error"]), error, delta=1e-12)
            # Every document has equally many rows, but not exactly equally many pairs.
            for bound, expected in (("ci_low", min(difference, centre) - T_11 * error),
                                    ("ci_high", max(difference, centre) + T_11 * error)):
                self.assertAlmostEqual(float(row[bound]), expected, delta=0.02 * error)
            is_outside = not float(row["ci_low"]) <= 0 <= float(row["ci_high"])
            self.assertEqual(float(row["p_value"]) < 0.05, is_outside)

    def test_the_correction_is_benjamini_and_hochbergs(self):
        self.compare("a", "b", "--fdr", "0.2")
        rows = self.rows()
        ordered = sorted(float(row["p_value"]) for row in rows)
        passed = [p for i, p in enumerate(ordered) if p <= (i + 1) * 0.2 / len(rows)]
        limit = passed[-1] if passed else -1
        for row in rows:
            self.assertEqual(row["significant"], str(float(row["p_value"]) <= limit).lower())

    def test_documents_of_one_side_alone_count_for_that_side(self):
        done = self.compare("a", "half")
        self.assertIn("Differs   documents: A all, B [", done.stdout)
        self.assertIn("paired document by document\n", done.stdout)
        a, half = self.replicates("a"), self.replicates("half")
        whole = {(int(h["layer"]), int(h["q_head"])): float(h["ap_overall"]) for h in self.heads("half")}
        note = json.loads(pq.read_metadata(f"{self.root}/a/head_replicates.parquet").metadata[
            b"qkscope.replicates"])
        of_half = json.loads(pq.read_metadata(f"{self.root}/half/head_replicates.parquet").metadata[
            b"qkscope.replicates"])
        self.assertEqual([len(note["document_sets"][0]), len(of_half["document_sets"][0])], [12, 7])
        for row in self.rows():
            key = int(row["layer"]), int(row["q_head"])
            known = dict(zip(of_half["document_sets"][0], half[key]))
            values = [known.get(i, whole[key]) - x
                      for i, x in zip(note["document_sets"][0], a[key])]
            mean = sum(values) / DOCUMENTS
            error = math.sqrt((DOCUMENTS - 1) / DOCUMENTS * sum((v - mean) ** 2 for v in values))
            self.assertAlmostEqual(float(row["std_error"]), error, delta=1e-12)

    def test_other_documents_are_independent(self):
        done = self.compare("a", "c", "--anyway")
        self.assertIn("not paired: the documents are not the same\n", done.stdout)
        a, c = self.replicates("a"), self.replicates("c")

        def error(values):
            mean, n = sum(values) / len(values), len(values)
            return math.sqrt((n - 1) / n * sum((v - mean) ** 2 for v in values))
        for row in self.rows():
            key = int(row["layer"]), int(row["q_head"])
            self.assertAlmostEqual(float(row["std_error"]), math.hypot(error(a[key]), error(c[key])),
                                   delta=1e-12)
            self.assertIn("not paired", row["note"])

    def test_bootstraps_are_paired_if_their_seeds_are_equal(self):
        self.assertIn("paired document by document\n", self.compare("boot", "boot_b").stdout)
        a, b = self.replicates("boot"), self.replicates("boot_b")
        for row in self.rows():
            key = int(row["layer"]), int(row["q_head"])
            values = [y - x for x, y in zip(a[key], b[key])]
            mean = sum(values) / len(values)
            spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
            self.assertAlmostEqual(float(row["std_error"]), spread, delta=0.06 * spread)
        done = self.compare("boot", "boot_7", "--overwrite")
        self.assertIn("not paired: the bootstraps have different seeds\n", done.stdout)
        self.assertIn("differ in 2 things (model, options)", done.stderr)
        done = self.compare("a", "boot", "--overwrite")
        self.assertIn("not paired: one has jackknife, the other bootstrap replicates\n", done.stdout)

    def test_methods_of_one_analysis(self):
        done = self.compare("a", "--methods", "linear,bucket")
        self.assertIn("Differs   method: A linear, B bucket\n", done.stdout)
        with open(f"{self.root}/a/head_methods.csv", encoding="utf-8", newline="") as file:
            methods = {(row["layer"], row["q_head"], row["method"]): row for row in csv.DictReader(file)}
        linear, bucket = self.replicates("a", "linear"), self.replicates("a")
        for row in self.rows():
            of_linear = methods[row["layer"], row["q_head"], "linear"]
            self.assertEqual(row["a"], of_linear["ap_overall"])
            self.assertEqual(row["b"], methods[row["layer"], row["q_head"], "bucket"]["ap_overall"])
            key = int(row["layer"]), int(row["q_head"])
            values = [y - x for x, y in zip(linear[key], bucket[key])]
            mean = sum(values) / DOCUMENTS
            error = math.sqrt((DOCUMENTS - 1) / DOCUMENTS * sum((v - mean) ** 2 for v in values))
            self.assertAlmostEqual(float(row["std_error"]), error, delta=1e-12)
        self.compare("a", "plain", "--methods", "bucket", "--overwrite")
        self.assertEqual({float(row["difference"]) for row in self.rows()}, {0.0})

    def test_vectors_before_and_after_rope(self):
        done = self.compare("a", "pre", "--metric", "q_R2_pos", "--movers", "3")
        self.assertIn("Differs   vector: A post_rope, B pre_rope\n", done.stdout)
        self.assertIn("largest differences of q_R2_pos", done.stdout)
        self.assertEqual(done.stdout.count("\nlayer "), 3)
        differences = [abs(float(row["difference"])) for row in self.rows(metric="q_R2_pos")]
        first = done.stdout.split("\nlayer ")[1].split()
        self.assertAlmostEqual(abs(float(first[6])), max(differences), delta=1e-4)
        self.assertEqual({row["note"] for row in self.rows(metric="q_resid0_ks_p")},
                         {"p-values have no error bars"})

    def test_without_replicates_there_are_no_intervals(self):
        done = self.compare("a", "plain")
        self.assertIn("Errors    none: plain/head_metrics.csv has no head_replicates.parquet: "
                      "`qkscope analyze` writes it with error bars\n", done.stdout)
        self.assertEqual({(row["ci_low"], row["p_value"], row["significant"], row["note"])
                          for row in self.rows()}, {("", "", "", "no replicates")})
        self.assertNotIn("Changed", done.stdout)

    # What can be given.

    def test_tables_records_and_packed_tables(self):
        self.compare("a", "b", "--output_csv", "folders.csv")
        for i, name in enumerate(("b/head_metrics.csv", "b/head_metrics.csv.json")):
            self.compare("a/head_metrics.csv", name, "--output-csv", f"{i}.csv")
            self.assertEqual(self.rows("folders.csv"), self.rows(f"{i}.csv"))
        self.compare("a", "b", "--output_dir", "deep/er")
        self.assertEqual(self.rows("folders.csv"), self.rows("deep/er/compare.csv"))
        run("analyze", "--quiet", f"{self.captured.name}/b", "--output_dir", f"{self.root}/packed",
            "--output_csv", "heads.csv.gz")
        self.compare("plain", "packed")
        self.assertEqual([row["b"] for row in self.rows()],
                         [row["ap_overall"] for row in self.heads("b")])

    def test_tables_of_the_original_have_no_record(self):
        os.remove(f"{self.root}/plain/head_metrics.csv.json")
        done = self.compare("plain", "b")
        self.assertIn("warning: plain/head_metrics.csv: has no record, so model, documents, buckets "
                      "and method are not known\n", done.stderr)
        self.assertIn("Errors    none: plain/head_metrics.csv has no record, which would name its replicates\n",
                      done.stdout)
        self.assertEqual(len(self.rows()), 12)
        self.assert_says_after(
            "plain/head_metrics.csv: has no record (head_metrics.csv.json), so its methods are not "
            "known", "plain", "--methods", "bucket,linear")

    def test_tables_that_are_not_whole(self):
        for name in ("head_metrics.csv", "head_bucket_plasticity.csv", "head_methods.csv"):
            with self.subTest(name=name):
                path = f"{self.root}/a/{name}"
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                arguments = ("a", "--methods", "bucket,linear")
                fixtures.write(path, text[:-4])
                self.assert_says(f"a/{name}: its last row has no line end, so it may have been cut off", *arguments)
                fixtures.write(path, text[:text[:-1].rindex("\n") + 1])
                rows = text.count("\n") - 1
                what = "heads" if name == "head_metrics.csv" else "rows"
                self.assert_says(f"a/{name}: expected {rows} {what}, which its record counts, found {rows - 1}",
                                 *arguments)
                fixtures.write(path, text)

    def test_a_damaged_record(self):
        fixtures.write(f"{self.root}/b/head_metrics.csv.json", "{")
        for name in ("b", "b/head_metrics.csv"):
            self.assert_says("b/head_metrics.csv.json: expected the record of the analysis of head_metrics.csv, "
                             "found something else", "a", name)

    def test_columns_in_any_order(self):
        rows = self.heads("plain")
        names = list(reversed(rows[0]))
        fixtures.write(f"{self.root}/turned.csv", "".join(
            ",".join(line) + "\n" for line in [names, *([row[name] for name in names] for row in rows)]))
        self.compare("plain", "turned.csv", "--metric", "q_R2_pos")
        self.assertEqual({row["difference"] for row in self.rows()}, {"0.0"})
        self.assertEqual(self.rows(metric="n_q_tokens"), [])

    def test_a_record_without_methods(self):
        path = f"{self.root}/a/head_metrics.csv.json"
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
        for methods in ([], [1, 2]):
            record["methods"] = methods
            fixtures.write(path, json.dumps(record))
            done = self.compare("a", "b", "--overwrite")
            self.assertIn("Errors    none: a/head_metrics.csv has no head_replicates", done.stdout)

    def assert_says_after(self, sentence, *arguments):
        os.remove(f"{self.root}/compare.csv")
        self.assert_says(sentence, *arguments)

    def test_heads_of_one_side_are_named(self):
        path = f"{self.root}/b/head_metrics.csv"
        with open(path, encoding="utf-8") as file:
            lines = file.readlines()
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(lines[:3] + lines[4:])
        self.assert_says("b/head_metrics.csv: expected 12 heads, which its record counts, found 11", "a", "b")
        os.remove(f"{path}.json")
        done = self.compare("a", "b")
        self.assertIn("Heads     11 in both; 1 only in A (layer 0 head 2)\n", done.stdout)
        self.assertEqual(len(self.rows()), 11)

    def test_nothing_is_overwritten_unasked(self):
        self.compare("a", "b")
        done = self.compare("a", "b", code=1)
        self.assertEqual(done.stderr, "qkscope: compare.csv: exists already: --overwrite replaces "
                         "it, --output_dir FOLDER writes another\n")
        self.compare("a", "b", "--overwrite")
        done = self.compare("a", "b", "--output_csv", "a/head_metrics.csv", "--overwrite", code=1)
        self.assertIn("is one of the tables to compare", done.stderr)

    # What is refused.

    def test_other_heads(self):
        self.assert_says("a/head_metrics.csv and small/head_metrics.csv: their heads cannot be "
                         "compared one by one: layers 3 and 2", "a", "small")
        os.remove(f"{self.root}/small/head_metrics.csv.json")
        with open(f"{self.root}/small/head_metrics.csv", encoding="utf-8") as file:
            text = file.read()
        with open(f"{self.root}/small/head_metrics.csv", "w", encoding="utf-8") as file:
            file.write(text.replace(",8,", ",16,"))
        self.assertIn("d_model is 8 and 16", self.compare("a", "small", code=1).stderr)

    def test_other_buckets(self):
        self.assert_says("plain/head_metrics.csv and wide/head_metrics.csv: their buckets differ "
                         "(buckets uniform, 16 tokens and uniform, 32 tokens), so ap_overall is the "
                         "mean of other cells; --anyway compares them all the same", "plain", "wide")
        done = self.compare("plain", "wide", "--anyway")
        self.assertIn("warning: the buckets differ", done.stderr)
        self.assertTrue(all("other buckets" in row["note"] for row in self.rows()))

    def test_replicates_of_another_analysis(self):
        shutil.copy(f"{self.root}/b/head_replicates.parquet", f"{self.root}/a/head_replicates.parquet")
        done = self.compare("a", "b", code=1)
        self.assertIn("a/head_replicates.parquet: belongs to another analysis than "
                      "a/head_metrics.csv: layer 0, query head 0", done.stderr)
        with open(f"{self.root}/a/head_replicates.parquet", "wb") as file:
            file.write(b"PAR1 is not all")
        done = self.compare("a", "b", code=1)
        self.assertTrue(done.stderr.startswith("qkscope: a/head_replicates.parquet: "), done.stderr)

    def test_what_is_no_analysis(self):
        os.makedirs(f"{self.root}/empty")
        self.assert_says("empty: expected the results of an analysis, found no head_metrics.csv", "a",
                         "empty")
        self.assert_says("absent: there is no such file or folder", "absent", "a")
        done = self.compare("a", "b/head_bucket_plasticity.csv", code=1)
        self.assertIn("expected the table of the heads (head_metrics.csv), found no column d_model",
                      done.stderr)
        self.assert_says("compare: expected a second analysis, or --methods with two methods of a "
                         "(see qkscope compare --help)", "a")
        self.assert_says("compare: no analysis was given: type `qkscope compare A B` (see qkscope "
                         "compare --help)")
        self.assert_says("a/head_metrics.csv: expected results of the method counted, found those of "
                         "bucket or linear", "a", "--methods", "counted,linear")
        self.assert_says("--methods: expected two methods with a comma between them, found linear",
                         "a", "--methods", "linear")
        self.assert_says("--metric: q_R2_poss is no metric of both analyses; did you mean q_R2_pos?", "a",
                         "b", "--metric", "q_R2_poss")
        for flag, value in (("--fdr", "0"), ("--confidence", "95"), ("--movers", "x")):
            done = self.compare("a", "b", flag, value, code=1)
            self.assertTrue(done.stderr.startswith(f"qkscope: {flag}: expected "), done.stderr)

    def test_several_analyses_in_a_folder(self):
        for name in ("head_metrics.csv", "head_metrics.csv.json"):
            with open(f"{self.root}/b/{name}", encoding="utf-8") as file:
                text = file.read().replace('"heads": "head_metrics.csv"', '"heads": "second.csv"')
            text = text.replace("head_replicates.parquet", "second.parquet")
            fixtures.write(f"{self.root}/a/{name.replace('head_metrics', 'second')}", text)
        self.assert_says("a: holds the results of several analyses: name one of them, such as "
                         "a/head_metrics.csv or a/second.csv", "a", "b")
        self.compare("a/second.csv", "b")
        self.assertEqual({float(row["difference"]) for row in self.rows()}, {0.0})


if __name__ == "__main__":
    unittest.main()
