#!/usr/bin/env python3
"""What `qkscope analyze` reads of a dataset: --vector, --bucket_width and --documents. Each is
compared with the analysis of a dataset that holds just these vectors, buckets or rows. Needs pyarrow
(the one in .deps serves) and is skipped without it.

usage: rows_test.py QKSCOPE"""

import glob
import hashlib
import json
import os
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
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
except ImportError:
    print("skipped: there is no pyarrow")
    sys.exit(77)

PROGRAM = os.path.abspath(sys.argv.pop(1))
FILES = ("head_metrics.csv", "head_bucket_plasticity.csv", "head_component_weights.csv")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def id_of(name):
    """The example_id of a text id."""
    return struct.unpack("<q", hashlib.blake2b(name.encode(), digest_size=8).digest())[0]


def rewrite(folder, change):
    """Replaces the table of every head by what `change` makes of it; the footers stay."""
    for path in glob.glob(f"{folder}/l*/data.parquet"):
        table = pq.read_table(path)
        pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), path)


class Rows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.captured = tempfile.TemporaryDirectory()
        config = fixtures.make_all(cls.captured.name)
        for rope in ("both", "pre", "post"):
            arguments = fixtures.sniff_arguments(config, f"{cls.captured.name}/{rope}",
                                                 sets=[f"capture.rope={rope}"])
            subprocess.run([PROGRAM, "sniff", "--quiet", *arguments], check=True,
                           capture_output=True, timeout=300)

    @classmethod
    def tearDownClass(cls):
        cls.captured.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        for rope in ("both", "pre", "post"):
            shutil.copytree(f"{self.captured.name}/{rope}", f"{self.root}/{rope}")
        for path in glob.glob(f"{self.root}/*/documents.parquet"):
            os.remove(path)  # tests that need the table write their own

    def tearDown(self):
        self.folder.cleanup()

    def analyze(self, *arguments, code=0, out="out"):
        done = subprocess.run([PROGRAM, "analyze", "--quiet", *arguments, "--output_dir",
                               f"{self.root}/{out}"], capture_output=True, text=True, timeout=300,
                              cwd=self.root)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def record(self, out="out"):
        return json.loads(read(f"{self.root}/{out}/head_metrics.csv.json"))

    def assert_same_numbers(self, a, b):
        for name in FILES:
            self.assertEqual(read(f"{self.root}/{a}/{name}"), read(f"{self.root}/{b}/{name}"), name)

    def assert_says(self, sentence, *arguments):
        done = self.analyze(*arguments, code=1)
        self.assertEqual(done.stderr, f"qkscope: {sentence}\n")
        self.assertFalse(os.path.exists(f"{self.root}/out/{FILES[0]}"))

    def write_documents(self, names, ids=None, folder="both"):
        ids = ids or [id_of(name) for name in names]
        pq.write_table(pa.table({"example_id": pa.array(ids, pa.int64()), "document": names,
                                 "tokens": [50] * len(ids), "truncated": [False] * len(ids),
                                 "rows": [5] * len(ids)}),
                       f"{self.root}/{folder}/documents.parquet")

    # Vectors.

    def test_vectors_before_rope_are_those_of_a_capture_before_rope(self):
        for compat in ((), ("--compat", "reference", "--component_csv", FILES[2])):
            name = "r" if compat else ""
            done = self.analyze("both", "--vector", "pre_rope", *compat, out=f"both_pre{name}")
            self.assertIn("Vectors   before RoPE (column vector_pre_rope)\n", done.stdout)
            self.analyze("pre", "--vector", "pre_rope", *compat, out=f"pre{name}_out")
            self.assert_same_numbers(f"both_pre{name}", f"pre{name}_out")
        self.assertEqual((self.record("both_pre")["vector"],
                          self.record("both_pre")["vector_column"]),
                         ("pre_rope", "vector_pre_rope"))
        done = self.analyze("both", out="both_out")
        self.assertIn("Vectors   after RoPE (column vector)\n", done.stdout)
        self.analyze("post", "--vector=post_rope", out="post_out")
        self.assert_same_numbers("both_out", "post_out")
        self.assertNotEqual(read(f"{self.root}/both_out/{FILES[0]}"),
                            read(f"{self.root}/both_pre/{FILES[0]}"))
        self.assertEqual(self.record("post_out")["vector"], "post_rope")

    def test_the_default_names_what_a_capture_before_rope_holds(self):
        done = self.analyze("pre")
        self.assertIn("the column vector holds the vectors before RoPE: these are measured",
                      done.stderr)
        self.assertIn("Vectors   before RoPE (column vector)\n", done.stdout)
        self.assertEqual(self.record()["vector"], "pre_rope")

    def test_vectors_that_are_not_there_are_refused_once(self):
        self.assert_says(
            "vector: post has no vectors before RoPE: expected the column vector_pre_rope, which "
            "`qkscope sniff` writes with capture.rope: both", "post", "--vector", "pre_rope")
        self.assert_says(
            "vector: pre has no vectors after RoPE: by its footers the column vector holds those "
            "before it; `qkscope sniff` writes both with capture.rope: both", "pre", "--vector",
            "post_rope")
        done = self.analyze("both", "--vector", "pre-rope", code=1)
        self.assertIn("did you mean pre_rope?", done.stderr)

    def test_without_footers_the_columns_speak(self):
        rewrite(f"{self.root}/both", lambda table: table)
        self.analyze("both", "--vector", "pre_rope", out="with")
        for path in glob.glob(f"{self.root}/both/l*/data.parquet"):
            pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)
        counts = ("--num_q_heads", "4", "--num_k_heads", "2")
        self.analyze("both", "--vector", "pre_rope", *counts, out="without")
        self.assert_same_numbers("with", "without")
        done = self.analyze("both", *counts, out="unknown")
        self.assertIn("the dataset does not say whether before or after RoPE", done.stdout)
        self.assertIsNone(self.record("unknown")["vector"])

    def test_both_columns_have_the_length_of_the_geometry(self):
        path = f"{self.root}/both/l01h02q/data.parquet"
        table = pq.read_table(path)
        short = pa.array([vector[:5] for vector in table["vector_pre_rope"].to_pylist()],
                         pa.list_(pa.float32()))
        at = table.schema.get_field_index("vector_pre_rope")
        pq.write_table(table.set_column(at, "vector_pre_rope", short), path)
        done = self.analyze("both", "--vector", "pre_rope", code=1)
        self.assertIn("l01h02q: vectors have 5 numbers, those of l01h01k have 8", done.stderr)
        self.assertIn("Measured  11 heads", done.stdout)

    def test_a_fault_names_the_column(self):
        path = f"{self.root}/both/l01h02q/data.parquet"
        table = pq.read_table(path)
        vectors = table["vector_pre_rope"].to_pylist()
        vectors[3] = None
        at = table.schema.get_field_index("vector_pre_rope")
        table = table.set_column(at, "vector_pre_rope", pa.array(vectors, pa.list_(pa.float32())))
        pq.write_table(table, path)
        done = self.analyze("both", "--vector", "pre_rope", code=1)
        self.assertIn("row 3: column vector_pre_rope: expected a vector, found null", done.stderr)
        self.analyze("both", out="post_is_fine")

    # Buckets.

    def test_buckets_anew_are_those_of_a_dataset_with_such_buckets(self):
        self.analyze("both", "--bucket_width", "24", out="anew")
        done = self.analyze("both", "--bucket-width=24", "--method", "linear", out="anew_linear")
        self.assertIn("Buckets   anew by position, 24 tokens each\n", done.stdout)
        self.assertEqual(self.record("anew")["buckets"], {"type": "uniform", "width": 24})
        self.assertEqual(self.record("anew")["bucket_width"], 24)

        def with_buckets(table):
            buckets = pc.cast(pc.divide(table["position"], 24), pa.int32())
            return table.set_column(0, "bucket", buckets)
        rewrite(f"{self.root}/both", with_buckets)
        self.analyze("both", out="written")
        self.analyze("both", "--method", "linear", out="written_linear")
        self.assert_same_numbers("anew", "written")
        self.assert_same_numbers("anew_linear", "written_linear")

    def test_log_buckets_become_uniform(self):
        def with_log_buckets(table):
            logs = [(position + 1).bit_length() - 1 for position in table["position"].to_pylist()]
            return table.set_column(0, "bucket", pa.array(logs, pa.int32()))
        self.analyze("both", out="uniform")
        rewrite(f"{self.root}/both", with_log_buckets)
        self.analyze("both", "--bucket_width", "16", out="from_log")
        self.assert_same_numbers("uniform", "from_log")

    def test_widths_that_change_nothing_or_leave_nothing(self):
        done = self.analyze("both", "--bucket_width", "16", out="same")
        self.assertIn("warning: bucket_width: has no effect: the dataset's buckets are 16 tokens "
                      "wide already", done.stderr)
        self.analyze("both", out="default")
        self.assert_same_numbers("same", "default")
        done = self.analyze("both", "--bucket_width", "4096", out="one")
        self.assertIn("warning: bucket_width: buckets of 4,096 tokens leave no query bucket with an "
                      "earlier key bucket, so there is no plasticity: choose a smaller one",
                      done.stderr)
        self.assertFalse(os.path.exists(f"{self.root}/one/{FILES[1]}"))

    def test_widths_that_are_refused(self):
        for width in ("0", "-4", "1.5", "wide"):
            done = self.analyze("both", "--bucket_width", width, code=1)
            self.assertTrue(done.stderr.startswith("qkscope: --bucket_width: expected "),
                            done.stderr)
        self.assert_says("--bucket_width: cannot be given with compat: reference, which keeps the "
                         "dataset's buckets", "both", "--bucket_width", "8", "--compat", "reference")

    # Documents.

    def test_documents_are_those_of_a_dataset_without_the_others(self):
        for compat in ((), ("--compat", "reference", "--component_csv", FILES[2])):
            for limit in ("50000", "20"):  # all rows, and a sample of them
                out = f"some{len(compat)}_{limit}"
                done = self.analyze("both", "--documents", "doc-0", "doc-4", "doc-6",
                                    "--max_tokens_per_head", limit, *compat, out=out)
                self.assertIn("Documents 3 of 6: doc-0, doc-4, doc-6\n", done.stdout)
        self.assertEqual(self.record("some0_20")["documents"],
                         [{"example_id": id_of(name), "document": name}
                          for name in ("doc-0", "doc-4", "doc-6")])
        wanted = pa.array([id_of(name) for name in ("doc-0", "doc-4", "doc-6")])
        rewrite(f"{self.root}/both", lambda table: table.filter(
            pc.is_in(table["example_id"], value_set=wanted)))
        for compat in ((), ("--compat", "reference", "--component_csv", FILES[2])):
            for limit in ("50000", "20"):
                self.analyze("both", "--max_tokens_per_head", limit, *compat, out="others")
                self.assert_same_numbers(f"some{len(compat)}_{limit}", "others")
                shutil.rmtree(f"{self.root}/others")

    def test_every_way_to_write_the_list(self):
        self.analyze("both", "--documents", "doc-4", "doc-0", out="words")
        fixtures.write(f"{self.root}/ids.txt", "doc-0\r\n\ndoc-4\n")
        fixtures.write(f"{self.root}/list.yaml", "documents: [doc-0, doc-4]\n")
        fixtures.write(f"{self.root}/text.yaml", "documents: doc-0, doc-4\n")
        ways = (["--documents", "doc-0,doc-4"], ["--documents", "doc-0", "--documents", "doc-4"],
                ["--documents", "@ids.txt"], ["--documents", f"{id_of('doc-0')}", "doc-4"],
                ["--config", "list.yaml"], ["--config", "text.yaml"],
                ["--set", "documents=[doc-0, doc-4, doc-0]"])
        for i, way in enumerate(ways):
            self.analyze("both", *way, out=f"way{i}")
            self.assert_same_numbers("words", f"way{i}")

    def test_names_of_the_table(self):
        self.write_documents(["a, b", "7", "c"], [id_of("doc-0"), id_of("doc-4"), id_of("doc-6")])
        done = self.analyze("both", "--documents", "a, b", "7", out="names")
        self.assertIn("Documents 2 of 3: a, b, 7\n", done.stdout)
        self.analyze("both", "--documents", "c,7", out="split")
        self.write_documents([f"doc-{i}" for i in range(7)])
        self.analyze("both", "--documents", "doc-0", "doc-4", out="ids")
        self.assert_same_numbers("names", "ids")
        self.assert_says("documents: both has no document dok-3; did you mean doc-3?", "both",
                         "--documents", "dok-3")
        done = self.analyze("both", "--documents", "doc-2", "doc-0", out="empty")
        self.assertIn("warning: documents: no rows of doc-2 were captured\n", done.stderr)
        self.assert_says("documents: both: no rows of doc-2 were captured", "both", "--documents",
                         "doc-2")

    def test_a_name_that_is_the_id_of_another_is_ambiguous(self):
        other = id_of("doc-4")
        self.write_documents([str(other), "b"], [id_of("doc-0"), other])
        low, high = sorted((id_of("doc-0"), other))
        self.assert_says(
            f"documents: {other} is ambiguous: it means the documents with the example_ids {low} "
            f"and {high}; give one of these numbers", "both", "--documents", f"{other}")
        self.analyze("both", "--documents", "b", out="b")

    def test_unknown_documents_and_lists(self):
        self.assert_says("documents: both has no document doc-99 (it has no documents.parquet; "
                         "texts were looked up by their hash)", "both", "--documents", "doc-99")
        near = id_of("doc-0") + 1
        self.assert_says(f"documents: both has no document {near} (it has no documents.parquet; "
                         f"texts were looked up by their hash); did you mean {id_of('doc-0')}?",
                         "both", "--documents", f"{near}")
        fixtures.write(f"{self.root}/none.txt", "\n\n")
        for word, found in (("", "nothing"), ("@", "@")):
            self.assert_says("--documents: expected the name or example_id of a document, or @ and the "
                             f"name of a file, found {found}", "both", "--documents", word)
        self.assert_says("--documents: none.txt: expected one document a line, found none", "both",
                         "--documents", "@none.txt")
        done = self.analyze("both", "--documents", "@absent.txt", code=1)
        self.assertIn("absent.txt", done.stderr)
        self.assert_says("analyze: both was taken for a document: write the dataset before "
                         "--documents", "--documents", "doc-0", "both")
        self.assert_says("--set documents=[]: names no document", "both", "--set",
                         "documents=[]")

    def test_a_head_without_rows_of_the_documents_fails_by_itself(self):
        path = f"{self.root}/both/l02h01q/data.parquet"
        table = pq.read_table(path)
        keep = pc.not_equal(table["example_id"], pa.scalar(id_of("doc-4")))
        pq.write_table(table.filter(keep), path)
        done = self.analyze("both", "--documents", "doc-4", code=1)
        self.assertIn("layer 2, query head 1, key head 0: both/l02h01q: has no row of the given "
                      "documents\n", done.stderr)
        self.assertIn("Measured  11 heads", done.stdout)

    def test_documents_need_ids(self):
        rewrite(f"{self.root}/both", lambda table: table.drop_columns("example_id"))
        done = self.analyze("both", "--documents", "doc-4", code=1)
        self.assertIn("has no column example_id of whole numbers, so its documents cannot be told "
                      "apart", done.stderr)

    def test_ids_beyond_int64(self):
        large = 2**63 + 5
        names = {id_of("doc-0"): large, id_of("doc-4"): 4, id_of("doc-6"): 6}

        def with_large_ids(table):
            ids = [names.get(i, 9) for i in table["example_id"].to_pylist()]
            at = table.schema.get_field_index("example_id")
            return table.set_column(at, "example_id", pa.array(ids, pa.uint64()))
        self.analyze("both", "--documents", "doc-0", "doc-4", out="hashed")
        rewrite(f"{self.root}/both", with_large_ids)
        self.analyze("both", "--documents", f"{large}", "4", out="large")
        self.assert_same_numbers("hashed", "large")


if __name__ == "__main__":
    unittest.main()
