"""Datasets as arrays, compared with what pyarrow reads row by row."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

import fixtures
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import qkscope

WITH_TORCH = """
import numpy as np, qkscope, torch, warnings
warnings.simplefilter("error")
def tensor_of(vectors):
    places = np.arange(len(vectors))
    return qkscope.Rows(vectors, places, places, places).to_torch()
own = np.arange(12, dtype=np.float32).reshape(3, 4)
mapped = own.copy()
mapped.flags.writeable = False
shared, copied = tensor_of(own), tensor_of(mapped)
copied += 1
print(shared.dtype == torch.float32 and shared.data_ptr() == own.ctypes.data,
      copied.tolist() == (mapped + 1).tolist(), mapped.tolist() == own.tolist())
"""


class Rows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.root)
        cls.config = fixtures.make_all(cls.root)
        cls.ds = qkscope.sniff(cls.config, quiet=True)
        cls.both = qkscope.sniff(
            cls.config, output={"data_root": f"{cls.root}/both"}, capture={"rope": "both"}, quiet=True)

    def column(self, ds, name, column="vector"):
        return pq.read_table(f"{ds.path}/{name}/data.parquet")[column].to_pylist()

    def test_vectors_and_places_are_those_of_the_file(self):
        for head in self.ds.heads:
            rows = (self.ds.queries if head.kind == "q" else self.ds.keys)(head.layer, head.head)
            self.assertEqual(rows.vectors.dtype, np.float32)
            self.assertEqual(rows.vectors.shape, (len(rows), 8))
            self.assertEqual(rows.vectors.tolist(), self.column(self.ds, head.name))
            for array, name in ((rows.positions, "position"), (rows.buckets, "bucket"),
                                (rows.documents, "example_id")):
                self.assertEqual(array.tolist(), self.column(self.ds, head.name, name))

    def test_before_and_after_the_rotary_embedding(self):
        after, before = (self.both.queries(1, 2, vector) for vector in ("post_rope", "pre_rope"))
        self.assertEqual(after.vectors.tolist(), self.column(self.both, "l01h02q"))
        self.assertEqual(before.vectors.tolist(), self.column(self.both, "l01h02q", "vector_pre_rope"))
        self.assertFalse(np.array_equal(after.vectors, before.vectors))
        with self.assertRaisesRegex(qkscope.UserError, "expected vectors pre_rope, found none"):
            self.ds.queries(1, 2, "pre_rope")
        with self.assertRaisesRegex(qkscope.UserError, "expected 'post_rope' or 'pre_rope'"):
            self.ds.queries(1, 2, "rope")

    def test_small_batches_are_the_rows(self):
        head = qkscope.Head(1, 0, "k")
        whole = self.ds.keys(1, 0)
        batches = list(self.ds.iter_batches(head, batch_rows=10))
        self.assertEqual([len(batch) for batch in batches[:-1]], [10] * (len(batches) - 1))
        self.assertEqual(np.concatenate([b.vectors for b in batches]).tolist(), whole.vectors.tolist())

    def test_one_batch_is_not_copied_and_several_are_joined(self):
        self.assertFalse(self.ds.queries(0, 0).vectors.flags.owndata)
        table = pq.read_table(f"{self.ds.path}/l00h00q/data.parquet")
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(f"{folder}/l00h00q")
            pq.write_table(table.slice(0, 20), f"{folder}/l00h00q/a.parquet", row_group_size=7)
            pq.write_table(table.slice(20), f"{folder}/l00h00q/b.PARQ", row_group_size=7)
            rows = qkscope.open(folder).queries(0, 0)
        self.assertEqual(rows.vectors.tolist(), table["vector"].to_pylist())
        self.assertEqual(rows.documents.tolist(), table["example_id"].to_pylist())

    def test_the_columns_of_the_original(self):
        out = f"{self.root}/reference"
        ds = qkscope.sniff(self.config, compat="reference", output={"data_root": out}, quiet=True)
        self.assertEqual(ds.queries(2, 3).vectors.tolist(), self.column(ds, "l02h03q"))
        self.assertIsNone(ds.documents)

    def write(self, folder, vectors):
        os.makedirs(f"{folder}/l00h00q", exist_ok=True)
        count = len(vectors)
        pq.write_table(pa.table({"bucket": [0] * count, "example_id": [1] * count,
                                 "position": list(range(count)), "vector": vectors}),
                       f"{folder}/l00h00q/data.parquet")
        return qkscope.open(folder)

    def test_other_types_and_what_is_no_matrix(self):
        with tempfile.TemporaryDirectory() as folder:
            half = pa.array([[0.5, 2.0], [1.5, -1.0]], pa.list_(pa.float16()))
            self.assertEqual(self.write(folder, half).queries(0, 0).vectors.tolist(), half.to_pylist())
            for vectors, sentence in (
                    (pa.array([[1.0], [1.0, 2.0, 3.0]]), "of one length, found 1 and 3"),
                    (pa.array([[1.0], None]), "vector: expected no nulls, found 1"),
                    (pa.array([[1], [2]]), "expected vectors of float32, found list"),
                    (pa.array([1.0, 2.0]), "expected vectors of float32, found double")):
                with self.assertRaisesRegex(qkscope.UserError, sentence):
                    self.write(folder, vectors).queries(0, 0)

    def test_files_of_one_head_with_other_lengths(self):
        with tempfile.TemporaryDirectory() as folder:
            self.write(folder, pa.array([[1.0, 2.0]]))
            os.rename(f"{folder}/l00h00q/data.parquet", f"{folder}/l00h00q/a.parquet")
            ds = self.write(folder, pa.array([[3.0], [4.0]]))
            with self.assertRaisesRegex(qkscope.UserError, "/l00h00q: expected .* in all files, found 2 and 1$"):
                ds.queries(0, 0)

    def test_query_heads_that_the_model_lacks(self):
        for head in (-1, 4):
            with self.assertRaisesRegex(qkscope.UserError, f"expected a query head from 0 to 3, found {head}$"):
                self.ds.key_head(head)
        with self.assertRaises(TypeError):
            self.ds.key_head(1.5)

    def test_what_was_not_captured_is_named(self):
        with self.assertRaisesRegex(qkscope.UserError, "key head 2 of layer 0 was not captured; of this "
                                                       "layer there are 0, 1$"):
            self.ds.keys(0, 2)
        with self.assertRaisesRegex(qkscope.UserError, "layer 7 .* there are none$"):
            self.ds.queries(7, 0)
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(qkscope.UserError, "expected heads of a dataset"):
                qkscope.open(folder)
            os.mkdir(f"{folder}/.qkscope")
            with self.assertRaisesRegex(qkscope.UserError, "resume=True finishes it"):
                qkscope.open(folder)

    def test_what_the_footer_says(self):
        self.assertEqual(self.ds.geometry["head_dim"], 8)
        self.assertEqual(self.ds.provenance["config"]["capture"]["min_bucket_size"], 16)
        footer = pq.read_metadata(f"{self.ds.path}/l00h00q/data.parquet").metadata
        self.assertEqual(self.ds.geometry, json.loads(footer[b"qkscope.geometry"]))

    def test_chosen_rows_and_numpy(self):
        rows = self.ds.queries(0, 0)
        chosen = rows[rows.buckets == 1]
        self.assertEqual(set(chosen.buckets.tolist()), {1})
        self.assertEqual(rows[np.int64(3)].vectors.tolist(), rows.vectors[3:4].tolist())
        self.assertEqual(rows[-1].positions.tolist(), rows.positions[-1:].tolist())
        self.assertEqual(np.asarray(rows).tolist(), rows.vectors.tolist())
        self.assertEqual(np.array(rows, dtype=np.float64).dtype, np.float64)
        self.assertTrue(np.array(rows).flags.writeable)

    def test_conversions_keep_every_number(self):
        rows = self.ds.keys(1, 1)
        frame = rows.to_pandas()
        self.assertEqual(np.stack(frame["vector"]).tolist(), rows.vectors.tolist())
        self.assertEqual(frame["example_id"].tolist(), rows.documents.tolist())
        polars = rows.to_polars()
        self.assertEqual(polars["vector"].to_list(), rows.vectors.tolist())
        self.assertEqual(polars["position"].to_list(), rows.positions.tolist())
        table = rows.to_arrow()
        self.assertEqual(table.column_names, ["bucket", "example_id", "position", "vector"])
        self.assertEqual(table["vector"].chunk(0).flatten().to_numpy().ctypes.data,
                         rows.vectors.ctypes.data)
        self.assertEqual(rows[::2].to_arrow()["vector"].to_pylist(), rows.vectors[::2].tolist())

    def test_torch_may_write_to_what_it_gets(self):
        torch = types.SimpleNamespace(from_numpy=lambda array: array)
        rows = self.ds.keys(1, 1)
        with mock.patch.dict(sys.modules, torch=torch):
            tensor = rows.to_torch()
            self.assertTrue(tensor.flags.writeable)
            self.assertEqual(tensor.tolist(), rows.vectors.tolist())
            own = rows[np.arange(len(rows))]
            self.assertIs(own.to_torch(), own.vectors)

    def test_torch_itself(self):
        """With a Python that has torch: tensors of the right kind, and memory that is shared where it may be."""
        python = os.environ.get("QK_REFERENCE_PYTHON")
        if not python:
            self.skipTest("QK_REFERENCE_PYTHON is not set: it names a Python with torch")
        found = subprocess.run([python, "-c", "import torch, numpy"], capture_output=True, text=True, timeout=300)
        if found.returncode != 0:
            self.skipTest(f"QK_REFERENCE_PYTHON cannot import torch and NumPy: {found.stderr.strip()[-200:]}")
        done = subprocess.run([python, "-c", WITH_TORCH], capture_output=True, text=True, timeout=300)
        self.assertEqual((done.stdout, done.returncode), ("True True True\n", 0), done.stderr)


class Imports(unittest.TestCase):
    def run_python(self, code):
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    def test_nothing_is_imported_before_it_is_used(self):
        done = self.run_python("import qkscope, sys; print(sorted({'numpy', 'pyarrow', 'pandas', 'polars',"
                               "'torch', 'IPython'} & set(sys.modules)))")
        self.assertEqual((done.stdout, done.stderr), ("[]\n", ""))

    def test_without_pyarrow_there_is_a_sentence(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(f"{folder}/l00h00q")
            open(f"{folder}/l00h00q/data.parquet", "w").close()
            done = self.run_python("import sys; sys.modules['pyarrow'] = None; import qkscope; "
                                   f"qkscope.open({folder!r}).queries(0, 0)")
        self.assertIn("need NumPy and pyarrow 14 or newer: pip install 'qkscope[arrays]'", done.stderr)


if __name__ == "__main__":
    unittest.main()
