#!/usr/bin/env python3
"""Inputs that users have reported in public to fail with programs of this kind (tests/data/edges/):
each is captured, measured or drawn as transformers, pandas and pyarrow read it, or refused in a
sentence that helps.

usage: edges_test.py QKSCOPE"""

import csv
import glob
import gzip
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom
import zipfile

PROGRAM = os.path.abspath(sys.argv.pop(1))
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EDGES = f"{SOURCE}/tests/data/edges"
sys.path.insert(0, f"{SOURCE}/.deps/pyarrow")

import fixtures  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402


def float_arrays(path):
    """The arrays of an .npz file of float32: {name: (shape, values)}."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            raw = archive.read(name)
            length = struct.unpack("<H", raw[8:10])[0]
            header = raw[10:10 + length].decode()
            assert "'<f4'" in header and "'fortran_order': False" in header, header
            shape = header.split("'shape': (")[1].split(")")[0].split(",")
            shape = [int(n) for n in shape if n.strip()]
            values = struct.unpack(f"<{(len(raw) - 10 - length) // 4}f", raw[10 + length:])
            arrays[name.removesuffix(".npy")] = (shape, values)
    return arrays


class Case(unittest.TestCase):
    """Runs in a copy of the case's folder."""

    kind = ""

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)

    def open(self, name):
        self.root = f"{self.temporary.name}/{name}"
        shutil.copytree(f"{EDGES}/{self.kind}/{name}", self.root)

    def run_program(self, *arguments, code=0, **environment):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300,
                              cwd=self.root,
                              env={**os.environ, **fixtures.NO_GPU, **environment})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def refused(self, *arguments, says):
        text = self.run_program(*arguments, code=1)
        for part in says:
            self.assertIn(part, text)
        return text


class Capture(Case):
    kind = "capture"

    def sniff(self, *arguments, **options):
        return self.run_program("sniff", "--config", "run.yaml", *arguments, **options)

    def rows(self, name):
        table = pq.read_table(f"{self.root}/out/{name}/data.parquet").to_pydict()
        keys = zip(table["example_id"], table["position"])
        pairs = zip(table["vector_pre_rope"], table["vector"])
        return dict(zip(keys, pairs))

    def assert_expected(self, ids):
        """The dataset holds exactly the vectors of expected.npz; document d has example_id ids[d]."""
        for name, (shape, values) in float_arrays(f"{self.root}/expected.npz").items():
            document, layer, what = name.split(".")
            kind, site = what.split("_")
            heads, tokens, head_dim = shape
            scale = max(map(abs, values))
            for head in range(heads):
                rows = self.rows(f"l{int(layer[1:]):02d}h{head:02d}{kind}")
                for t in range(tokens):
                    at = (head * tokens + t) * head_dim
                    found = rows[(ids[int(document[3:])], t)][site == "post"]
                    for a, b in zip(found, values[at:at + head_dim], strict=True):
                        self.assertLessEqual(abs(a - b), 3e-5 * scale, (name, head, t))

    def example_ids(self):
        head = pq.read_table(f"{self.root}/out/l00h00q/data.parquet")
        return list(dict.fromkeys(head["example_id"].to_pylist()))

    def test_captured_as_transformers_does(self):
        for name in ("config-nonfinite", "config-null-bias", "gguf-factor-without-type",
                     "head-of-a-reward-model", "head-of-a-value-model", "index-lacks-stored-head",
                     "index-lists-absent-head", "index-lists-absent-mtp"):
            with self.subTest(name):
                self.open(name)
                self.sniff()
                self.assert_expected(self.example_ids())

    def test_a_tensor_that_is_passed_over_is_named_by_the_plan(self):
        for name, tensor in (("head-of-a-reward-model", "score.weight"),
                             ("head-of-a-value-model", "v_head.summary"),
                             ("index-lacks-stored-head", "lm_head.weight"),
                             ("index-lists-absent-mtp", "mtp.fc.weight")):
            with self.subTest(name):
                self.open(name)
                self.assertIn(tensor, self.sniff("--dry-run"))

    def test_a_foreign_model_is_refused_for_its_type(self):
        self.open("config-nonfinite")
        shutil.copy(f"{self.root}/foreign.json", f"{self.root}/model/config.json")
        text = self.refused("sniff", "--config", "run.yaml", says=["not supported"])
        self.assertNotIn("JSON", text)

    def test_gguf_keys_of_other_writers_are_refused_or_right(self):
        self.open("gguf-ollama-mistral3-keys")
        self.refused("sniff", "--config", "run.yaml", says=["m.gguf", "mistral3.rope."])
        self.sniff("--set", "model.name=control.gguf")
        self.assert_expected(self.example_ids())

    def test_gguf_names(self):
        self.open("gguf-names")
        self.sniff()  # deepseek-r1-qwen splits as qwen2
        self.sniff("--set", "model.name=sha256-00", "--set", "output.data_root=other")
        for name in ("l00h00q", "l00h01k"):
            self.assertEqual(pq.read_table(f"{self.root}/out/{name}/data.parquet").num_rows,
                             pq.read_table(f"{self.root}/other/{name}/data.parquet").num_rows)

    def test_a_blob_of_ollama(self):
        self.open("gguf-factor-without-type")
        blobs = f"{self.root}/models/blobs"
        os.makedirs(blobs)
        model, template = f"sha256-{'3b' * 32}", f"sha256-{'7c' * 32}"
        os.rename(f"{self.root}/m.gguf", f"{blobs}/{model}")
        with open(f"{blobs}/{template}", "w") as file:
            file.write("{{ .Prompt }}")
        self.sniff("--set", f"model.name=models/blobs/{model}")
        self.assert_expected(self.example_ids())
        self.refused("sniff", "run.yaml", "--overwrite", "--set", f"model.name={blobs}/{template}",
                     says=[template, "expected a model folder or a GGUF file, found another file"])

    def test_a_cut_emoji_in_the_text_is_a_fault_of_its_document(self):
        self.open("jsonl-lone-surrogate")
        self.refused("sniff", "--config", "run.yaml", says=["corpus/train.jsonl", "on_bad_text"])
        self.assertIn("not UTF-8", self.sniff("--set", "dataset.on_bad_text=skip"))
        self.assertEqual(self.example_ids(), [2])

    def test_a_cut_emoji_in_another_column_costs_nothing(self):
        self.open("jsonl-lone-surrogate")
        shutil.copy(f"{self.root}/other.jsonl", f"{self.root}/corpus/train.jsonl")
        self.sniff()
        self.assertEqual(self.example_ids(), [1, 2])

    def test_pointers_are_named(self):
        for name, file in (("lfs-pointer-parquet", "corpus/train-00000-of-00001.parquet"),
                           ("lfs-pointer-tokenizer", "model/tokenizer.json")):
            with self.subTest(name):
                self.open(name)
                self.refused("sniff", "--config", "run.yaml",
                             says=[f"{file}: is a Git LFS pointer", "git lfs pull"])

    def test_a_shard_whose_texts_are_all_null(self):
        self.open("parquet-null-typed-shard")
        self.refused("sniff", "--config", "run.yaml",
                     says=["train-00001-of-00002.parquet", "row 0", "on_bad_text"])
        self.assertIn("1 document skipped", self.sniff("--overwrite", "--set", "dataset.on_bad_text=skip"))
        self.assertEqual(self.example_ids(), [1])

    def test_tilde_is_home_everywhere(self):
        self.open("tilde-in-paths")
        home = f"{self.temporary.name}/home"
        shutil.copytree(self.root, home)
        self.sniff(HOME=home)
        self.assertTrue(os.path.exists(f"{home}/out/README.md"))
        self.assertFalse(os.path.exists(f"{self.root}/~"))
        self.sniff("--set", "dataset.path=~/corpus", "--set", "output.data_root=~/again", HOME=home)
        self.assertTrue(os.path.exists(f"{home}/again/README.md"))


class Analysis(Case):
    kind = "analysis"

    def tables(self, data):
        """The CSV files of an analysis of the folder."""
        self.run_program("analyze", "--quiet", "--dataset", data, "--output_csv", f"{data}.csv")
        out = {}
        for path in sorted(glob.glob(f"{self.root}/*.csv")):
            with open(path, encoding="utf-8", newline="") as file:
                out[os.path.basename(path).replace(data, "data")] = list(csv.DictReader(file))
            os.remove(path)
        self.assertTrue(any(out.values()))
        return out

    def rewritten(self, change):
        """A copy of the data with each table changed; returns its name."""
        for path in glob.glob(f"{self.root}/data/*/data.parquet"):
            target = path.replace("/data/", "/plain/", 1)
            os.makedirs(os.path.dirname(target))
            pq.write_table(change(pq.ParquetFile(path).read()), target)
        return "plain"

    def column(self, table, name, values):
        return table.set_column(table.schema.get_field_index(name), name, values)

    def assert_same_as(self, change):
        self.assertEqual(self.tables("data"), self.tables(self.rewritten(change)))

    def test_bfloat16_bits_in_int16(self):
        def unsigned(table):
            vectors = table["vector"].combine_chunks()
            bits = pa.Array.from_buffers(pa.uint16(), len(vectors.values),
                                         vectors.values.buffers())
            return self.column(table, "vector", pa.FixedSizeListArray.from_arrays(bits, 4))

        self.open("bfloat16-as-int16")
        self.assert_same_as(unsigned)

    def test_ids_above_two_to_63(self):
        def numbered(table):
            ids = table["example_id"].to_pylist()
            order = sorted(set(ids))
            return self.column(table, "example_id", pa.array(map(order.index, ids), pa.int64()))

        self.open("uint64-ids")
        self.assert_same_as(numbered)

    def test_whole_floats_are_integers(self):
        def integers(table):
            for name in ("bucket", "example_id"):
                table = self.column(table, name, table[name].cast(pa.int64()))
            return table

        self.open("whole-float-ids-and-buckets")
        self.assert_same_as(integers)

    def test_a_null_window_of_any_type(self):
        self.open("null-string-window")
        self.assert_same_as(lambda table: self.column(table, "sliding_window",
                                                      pa.nulls(len(table), pa.int32())))

    def test_a_tensor_column(self):
        def storage(table):
            return self.column(table, "vector", table["vector"].combine_chunks().storage)

        self.open("tensor-extension")
        self.assert_same_as(storage)

    def test_negative_buckets_work_as_others_do(self):
        def shifted(table):
            buckets = [bucket + 3 for bucket in table["bucket"].to_pylist()]
            return self.column(table, "bucket", pa.array(buckets, pa.int32()))

        self.open("negative-buckets")
        # Where negative buckets lie is not known, so tables with positions differ.
        originals = ("data.csv", "head_bucket_plasticity.csv", "head_component_weights.csv")
        found, expected = ({name: rows for name, rows in self.tables(folder).items()
                            if name in originals} for folder in ("data", self.rewritten(shifted)))
        self.assertEqual(len(found), 3)
        for rows in found.values():
            for row in rows:
                for name in ("q_bucket", "k_bucket"):
                    if name in row:
                        row[name] = str(int(row[name]) + 3)
        self.assertEqual(found, expected)

    def test_a_pointer_is_named(self):
        self.open("git-lfs-pointer")
        for command in (["analyze", "--dataset", "data"], ["inspect", "data"]):
            text = self.refused(*command, says=["is a Git LFS pointer"])
            self.assertIn("git lfs pull", text)
        self.refused("check", "data", says=["is a Git LFS pointer"])

    def test_a_lake_table_is_refused(self):
        self.open("lake-table-folder")
        self.refused("analyze", "--dataset", "data", says=["_delta_log"])

    def test_captures_that_were_mixed_are_refused(self):
        self.open("mixed-captures")
        text = self.refused("analyze", "--dataset", "data", says=["rope", "pre", "post"])
        self.assertIn("l00h00k", text)
        self.assertIn("l00h01k", text)

    def test_folders_by_bucket(self):
        self.open("hive-partitions")
        self.assert_hive()

    def assert_hive(self):
        self.refused("analyze", "--dataset", "data", says=["l00h00k", "bucket=0"])

    def test_a_compressed_csv_file(self):
        self.open("compressed-csv")
        self.run_program("plot", "heatmap", "--bucket_csv", "b.csv.gz", "--output", "h.png")
        shutil.copytree(f"{EDGES}/analysis/null-string-window/data", f"{self.root}/data")
        self.run_program("analyze", "--quiet", "--dataset", "data", "--output_csv", "m.csv.gz")
        with gzip.open(f"{self.root}/m.csv.gz", "rt", encoding="utf-8", newline="") as file:
            self.assertEqual(len(list(csv.DictReader(file))), 2)

    def test_cells_that_pandas_takes_for_missing(self):
        self.open("csv-none-cells")
        self.run_program("plot", "heatmap", "--bucket_csv", "b.csv", "--output", "h.svg")

    def test_a_formula_in_the_title(self):
        self.open("mathtext")
        for output in ("h.png", "h.svg"):
            self.run_program("plot", "heatmap", "--config", "h.yaml", "--output", output)
        with open(f"{self.root}/h.svg", encoding="utf-8") as file:
            self.assertFalse("$" in file.read(), "the formula is drawn as it was typed")

    def test_an_svg_file_is_well_formed(self):
        self.open("noncharacter-title")
        for output in ("h.svg", "h.png", "h.pdf"):
            self.run_program("plot", "heatmap", "--bucket_csv", "b.csv", "--title", "a\ufffeb",
                             "--output", output)
        xml.dom.minidom.parse(f"{self.root}/h.svg")

    def test_a_title_that_is_too_wide(self):
        self.open("title-too-wide")
        name = ("/data/checkpoints/models--meta-llama--Llama-3.1-405B-Instruct/snapshots/"
                "be673f326cab4cd22ccfef76109faf68e41aa5f1-yarn4x")
        self.run_program("plot", "plasticity", "--bucket_csv", "b.csv", "--model_name", name,
                         "--output", "p.svg")
        with open(f"{self.root}/p.svg", encoding="utf-8") as file:
            self.assertFalse(name in file.read(), "the name is not broken into lines")


if __name__ == "__main__":
    unittest.main(verbosity=2)
