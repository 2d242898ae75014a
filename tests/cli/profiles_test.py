#!/usr/bin/env python3
"""`qkscope analyze --profiles`: what head_profiles.parquet says, against the vectors of the dataset
themselves. Needs pyarrow (the one in .deps serves) and is skipped without it.

usage: profiles_test.py QKSCOPE"""

import json
import math
import os
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
PLANES = ("beta", "joint", "rope")
COLUMNS = ["layer", "q_head", "k_head", "beta", "residual_quantiles", "ks_distance", "noise_component",
           "noise_ks_distance", "eigenvalues", "plane_share_beta", "plane_share_joint",
           "plane_share_rope", "rope_pair", "q_beta", "k_beta", "q_joint", "k_joint", "q_rope", "k_rope",
           "q_position", "q_bucket", "q_example_id", "q_large_ids", "k_position", "k_bucket",
           "k_example_id", "k_large_ids"]


def run(*arguments, code=0, where=None):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300,
                          cwd=where)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    return done


def read(path):
    with open(path, "rb") as file:
        return file.read()


def product(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def mean(values):
    return sum(values) / len(values)


def pairs(numbers):
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def quantile(values, level):
    ordered = sorted(values)
    place = level * (len(ordered) - 1)
    below = min(int(place), len(ordered) - 2)
    return ordered[below] + (place - below) * (ordered[below + 1] - ordered[below])


class Profiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.captured = tempfile.TemporaryDirectory()
        cls.root = cls.captured.name
        config = fixtures.make_all(cls.root)
        cls.data = f"{cls.root}/out"
        run("sniff", "--quiet", "--config", config)
        cls.analyze("--profile_points", "5000", "--output_dir", "all")
        cls.heads = pq.read_table(f"{cls.root}/all/head_profiles.parquet").to_pylist()

    @classmethod
    def tearDownClass(cls):
        cls.captured.cleanup()

    @classmethod
    def analyze(cls, *arguments, code=0):
        return run("analyze", "--quiet", cls.data, "--profiles", *arguments, code=code, where=cls.root)

    def vectors(self, head, kind):
        """Position, document and vector of the rows of a head, and the same by position and document."""
        number = head["q_head"] if kind == "q" else head["k_head"]
        folder = f"l{head['layer']:02}h{number:02}{kind}"
        rows = pq.read_table(f"{self.data}/{folder}/data.parquet").to_pylist()
        return {(row["position"], row["example_id"]): (row["vector"], row["bucket"]) for row in rows}

    def points(self, head, kind):
        """Vectors of the points, in their order."""
        rows = self.vectors(head, kind)
        out = []
        for position, bucket, document in zip(head[f"{kind}_position"], head[f"{kind}_bucket"],
                                              head[f"{kind}_example_id"], strict=True):
            vector, of_row = rows[position, document]
            self.assertEqual(bucket, of_row)
            out.append(vector)
        self.assertEqual(len(out), len(rows))
        return out

    def test_columns_and_heads(self):
        path = f"{self.root}/all/head_profiles.parquet"
        self.assertEqual(pq.read_schema(path).names, COLUMNS)
        note = json.loads(pq.read_metadata(path).metadata[b"qkscope.profiles"])
        self.assertEqual(note, {"profile_points": 5000, "seed": 0})
        self.assertEqual([(h["layer"], h["q_head"], h["k_head"]) for h in self.heads],
                         [(layer, q, q // 2) for layer in range(3) for q in range(4)])
        with open(f"{self.root}/all/head_metrics.csv.json", encoding="utf-8") as file:
            record = json.load(file)
        self.assertEqual(record["tables"]["profiles"], "head_profiles.parquet")
        self.assertEqual(record["profile_points"], 5000)

    def test_shares_are_those_of_all_pairs(self):
        for head in self.heads[::5]:
            queries = self.points(head, "q")
            keys = self.points(head, "k")
            center = [mean(column) for column in zip(*keys, strict=True)]
            keys = [[x - c for x, c in zip(key, center, strict=True)] for key in keys]
            for plane in PLANES:
                drawn_keys = pairs(head[f"k_{plane}"])
                rest = total = 0
                for query, point in zip(queries, pairs(head[f"q_{plane}"]), strict=True):
                    for key, drawn in zip(keys, drawn_keys, strict=True):
                        score = product(query, key)
                        rest += (score - product(point, drawn)) ** 2
                        total += score**2
                self.assertAlmostEqual(head[f"plane_share_{plane}"], 1 - rest / total, delta=1e-5)
            square = mean([product(q, q) for q in queries]) * mean([product(k, k) for k in keys])
            self.assertGreater(square, 0)

    def test_residuals_and_spectrum(self):
        for head in self.heads[::5]:
            queries = self.points(head, "q")
            center = [mean(column) for column in zip(*queries, strict=True)]
            times = head["q_position"]
            moved = [t - mean(times) for t in times]
            squares = product(moved, moved)
            slope = [sum(m * (q[j] - center[j]) for m, q in zip(moved, queries, strict=True)) / squares
                     for j in range(8)]
            norm = math.sqrt(product(slope, slope))
            # Orientation changes signs only.
            for found, expected in zip(head["beta"], slope, strict=True):
                self.assertAlmostEqual(abs(found), abs(expected), delta=1e-6 * norm)
            residuals = [[q[j] - center[j] - slope[j] * m for j in range(8)]
                         for q, m in zip(queries, moved, strict=True)]
            along = [product(r, slope) / norm for r in residuals]
            deviation = math.sqrt(product(along, along) / (len(along) - 1))
            along = [x / deviation for x in along]
            for i, found in enumerate(head["residual_quantiles"]):
                self.assertAlmostEqual(found, quantile(along, (i + 0.5) / 129), delta=1e-5)
            normal = sorted(math.erfc(-x / math.sqrt(2)) / 2 for x in along)
            n = len(normal)
            distance = max(max(p - i / n, (i + 1) / n - p) for i, p in enumerate(normal))
            self.assertAlmostEqual(head["ks_distance"], distance, delta=1e-6)
            # Traces of the covariance and of its square.
            covariance = [[sum(r[i] * r[j] for r in residuals) for j in range(8)] for i in range(8)]
            trace = sum(covariance[i][i] for i in range(8))
            square = sum(x**2 for row in covariance for x in row) / trace**2
            self.assertEqual(len(head["eigenvalues"]), 8)
            self.assertAlmostEqual(sum(head["eigenvalues"]), 1, delta=1e-6)
            self.assertAlmostEqual(sum(x**2 for x in head["eigenvalues"]), square, delta=1e-6)
            self.assertEqual(head["noise_component"], list(range(1, 8)))
            # y of the plane is orthogonal to beta, x along it, up to the scale of both.
            x = [product(q, slope) / norm for q in queries]
            scale = head["q_beta"][0] / x[0]
            self.assertGreater(scale, 0)
            for point, expected in zip(pairs(head["q_beta"]), x, strict=True):
                self.assertAlmostEqual(point[0], scale * expected, delta=1e-5)

    def test_the_pair_is_that_of_the_table(self):
        with open(f"{self.root}/all/head_rope_pairs.csv", encoding="utf-8") as file:
            header, *lines = [line.split(",") for line in file.read().splitlines()]
        rows = [dict(zip(header, line, strict=True)) for line in lines]
        for head in self.heads:
            of_head = [row for row in rows if row["pair"] and row["position_share"] and
                       (int(row["layer"]), int(row["q_head"])) == (head["layer"], head["q_head"])]
            best = max(of_head, key=lambda row: float(row["position_share"]))
            self.assertEqual(head["rope_pair"], int(best["pair"]))

    def test_fewer_points_are_the_first_ones_of_all_heads(self):
        self.analyze("--profile_points", "20", "--output_dir", "few")
        few = pq.read_table(f"{self.root}/few/head_profiles.parquet").to_pylist()
        for kind in "qk":
            for name in ("position", "bucket", "example_id"):
                column = f"{kind}_{name}"
                self.assertEqual(len(few[0][column]), 20)
                for layer in range(3):
                    self.assertEqual(len({tuple(head[column]) for head in few[4 * layer:4 * layer + 4]}), 1)
        self.assertNotEqual(few[0]["q_position"], few[4]["q_position"])
        for a, b in zip(few, self.heads, strict=True):
            self.assertEqual(len(a["q_joint"]), 40)
            self.assertEqual({name: a[name] for name in COLUMNS if name[1] != "_"},
                             {name: b[name] for name in COLUMNS if name[1] != "_"})

    def test_the_same_bytes_for_any_threads_and_memory(self):
        for where, options in (("one", ["--threads", "1"]), ("three", ["--threads", "3"]),
                               ("little", ["--threads", "2", "--ram", "1MiB"])):
            self.analyze("--seed", "5", "--output_dir", where, *options)
        for name in ("head_profiles.parquet", "head_metrics.csv"):
            self.assertEqual(read(f"{self.root}/one/{name}"), read(f"{self.root}/three/{name}"))
            self.assertEqual(read(f"{self.root}/one/{name}"), read(f"{self.root}/little/{name}"))
        self.assertNotEqual(read(f"{self.root}/one/head_profiles.parquet"),
                            read(f"{self.root}/all/head_profiles.parquet"))

    def test_nothing_else_changes(self):
        run("analyze", "--quiet", self.data, "--output_dir", "without", where=self.root)
        self.assertFalse(os.path.exists(f"{self.root}/without/head_profiles.parquet"))
        for name in os.listdir(f"{self.root}/without"):
            if name.endswith(".csv"):
                self.assertEqual(read(f"{self.root}/without/{name}"), read(f"{self.root}/all/{name}"), name)

    def test_a_head_that_fails_has_no_row(self):
        folder = f"{self.data}/l01h02q"
        whole = read(f"{folder}/data.parquet")
        try:
            fixtures.write(f"{folder}/data.parquet", whole[:100])
            done = self.analyze("--output_dir", "failed", code=1)
        finally:
            fixtures.write(f"{folder}/data.parquet", whole)
        self.assertIn("layer 1, query head 2, key head 1: ", done.stderr)
        found = pq.read_table(f"{self.root}/failed/head_profiles.parquet").to_pylist()
        self.assertEqual([(h["layer"], h["q_head"]) for h in found],
                         [(h["layer"], h["q_head"]) for h in self.heads
                          if (h["layer"], h["q_head"]) != (1, 2)])

    def test_what_is_refused(self):
        done = self.analyze("--compat", "reference", code=1)
        self.assertEqual(done.stderr, "qkscope: --profiles: cannot be given with compat: reference, which "
                                      "writes the original's tables only\n")
        done = self.analyze("--profile_points", "0", code=1)
        self.assertIn("--profile_points: expected ", done.stderr)
        done = run("analyze", "--quiet", self.data, "--profile_points", "9", "--profile_parquet", "x",
                   "--output_dir", "unused", where=self.root)
        why = "has no effect: there are no profiles; profiles: true asks for them"
        self.assertEqual(done.stderr.splitlines(), [f"qkscope: warning: --profile_points: {why}",
                                                    f"qkscope: warning: --profile_parquet: {why}"])
        done = self.analyze("--output_dir", "all", code=1)
        self.assertIn("exists already", done.stderr)

    def test_as_a_field(self):
        fixtures.write(f"{self.root}/a.yaml", f"dataset: {self.data}\nprofiles: true\nprofile_points: 7\n"
                       "profile_parquet: p.parquet\noutput_dir: field\n")
        done = run("analyze", "--quiet", "--config", "a.yaml", where=self.root)
        self.assertIn("Wrote     field/p.parquet\n", done.stdout)
        self.assertEqual(len(pq.read_table(f"{self.root}/field/p.parquet").to_pylist()[0]["k_position"]), 7)
        done = run("analyze", "--quiet", "--config", "a.yaml", "--profiles=false", "--output_dir", "off",
                   where=self.root)
        self.assertFalse(os.path.exists(f"{self.root}/off/p.parquet"))


if __name__ == "__main__":
    unittest.main()
