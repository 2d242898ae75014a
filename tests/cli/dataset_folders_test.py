#!/usr/bin/env python3
"""What lies in the folders of a dataset: other files, other spellings, several captures in one,
tables of lake formats; and the grid of heads with `compat: reference`. Needs pyarrow (the one in
.deps serves) and is skipped without it.

usage: dataset_folders_test.py QKSCOPE"""

import csv
import json
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
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq
except ImportError:
    print("skipped: there is no pyarrow")
    sys.exit(77)

PROGRAM = os.path.abspath(sys.argv.pop(1))
CSV = "head_metrics.csv"
GRIDS = f"{SOURCE}/tests/data/analysis_grid"


class DatasetFolders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.captured = tempfile.TemporaryDirectory()
        cls.config = fixtures.make_all(cls.captured.name)
        cls.sniff(f"{cls.captured.name}/out")
        cls.sniff(f"{cls.captured.name}/pre", "capture.rope=pre")

    @classmethod
    def tearDownClass(cls):
        cls.captured.cleanup()

    @classmethod
    def sniff(cls, out, *sets):
        flags = [flag for text in sets for flag in ("--set", text)]
        subprocess.run([PROGRAM, "sniff", "--quiet", "--config", cls.config, "--set",
                        f"output.data_root={out}", *flags], check=True, capture_output=True,
                       timeout=300)
        return out

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        self.data = f"{self.root}/data"
        shutil.copytree(f"{self.captured.name}/out", self.data)

    def tearDown(self):
        self.folder.cleanup()

    def run_program(self, *arguments, code=0):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300,
                              cwd=self.root)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def analyze(self, *arguments, code=0):
        return self.run_program("analyze", "--quiet", "--overwrite", "--dataset", self.data,
                                *arguments, code=code)

    def rows(self):
        with open(f"{self.root}/{CSV}", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def problems(self):
        """The same of inspect and check, without the folder's path."""
        found = json.loads(self.run_program("inspect", self.data, "--json", code=1).stdout)
        texts = [f"{os.path.relpath(p['file'], self.data)}: {p['what']}" for p in found["problems"]]
        checked = self.run_program("check", self.data, code=1).stdout
        for problem in found["problems"]:
            self.assertIn(problem["what"], checked)
        return texts

    def warnings(self, *arguments, code=0):
        prefix = "qkscope: warning: "
        lines = self.analyze(*arguments, code=code).stderr.splitlines()
        return [line[len(prefix):].replace(self.data, "D") for line in lines
                if line.startswith(prefix)]

    def table(self, name, data=None):
        """With the footer, which pyarrow leaves out."""
        path = f"{data or self.data}/{name}/data.parquet"
        footer = {key: value for key, value in pq.read_metadata(path).metadata.items()
                  if key != b"ARROW:schema"}
        return pq.read_table(path).replace_schema_metadata(footer)

    def write(self, table, path, **options):
        os.makedirs(os.path.dirname(f"{self.data}/{path}"), exist_ok=True)
        pq.write_table(table, f"{self.data}/{path}", **options)

    def change_footer(self, name, key, change):
        """Rewrites a head's file with another footer; change gets the parsed object."""
        table = self.table(name)
        metadata = dict(table.schema.metadata)
        value = json.loads(metadata[key])
        change(value)
        metadata[key] = json.dumps(value).encode()
        self.write(table.replace_schema_metadata(metadata), f"{name}/data.parquet")

    # Files and folders.

    def test_sidecar_files_are_no_data_and_no_fault(self):
        self.analyze()
        before = self.analyze().stdout
        for folder in (self.data, f"{self.data}/l00h00q", f"{self.data}/l00h00k"):
            for name in (".DS_Store", "._data.parquet", "Thumbs.db", "desktop.ini", ".directory",
                         ".nfs0000000012", "data.parquet~", "_SUCCESS", "_common_metadata",
                         ".ipynb_checkpoints/data-checkpoint.parquet", "@eaDir/data.parquet/x",
                         "__MACOSX/._data.parquet", "lost+found/x", ".git/x", ".gitattributes"):
                fixtures.write(f"{folder}/{name}", b"\0\5\x16\7")
        done = self.analyze()
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.stdout.split("Wrote", 1)[1], before.split("Wrote", 1)[1])
        self.assertIn("Whole", self.run_program("inspect", self.data).stdout)
        self.assertIn(": whole\n", self.run_program("check", self.data).stdout)

    def test_a_parquet_file_is_read_however_its_suffix_is_written(self):
        self.analyze()
        before = self.rows()
        for head, name in (("l00h00q", "DATA.PARQUET"), ("l00h01q", "0.parq"), ("l00h02q", "a.pq"),
                           ("l00h00k", "data.Parquet")):
            os.rename(f"{self.data}/{head}/data.parquet", f"{self.data}/{head}/{name}")
        self.assertEqual(self.analyze().stderr, "")
        self.assertEqual(self.rows(), before)

    def test_a_head_in_two_files_is_whole_in_other_letters_too(self):
        self.analyze()
        before = self.rows()
        table = self.table("l01h02q")
        self.write(table.slice(0, 20), "l01h02q/data.parquet")
        self.write(table.slice(20), "l01h02q/part-1.PARQUET")
        self.analyze()
        self.assertEqual(self.rows(), before)
        self.assertEqual(self.warnings("--compat", "reference"),
                         ["D/l01h02q/part-1.PARQUET: is not read: with compat: reference only "
                          "data.parquet is"])
        self.assertEqual(self.rows()[6]["n_q_tokens"], "20")

    def test_a_copy_beside_its_original_is_not_read(self):
        self.analyze()
        before = self.rows()
        for name in ("data (1).parquet", "data.sync-conflict-20260101-101010-AB.parquet"):
            shutil.copy(f"{self.data}/l00h00k/data.parquet", f"{self.data}/l00h00k/{name}")
        self.assertEqual(self.warnings(), [
            f"D/l00h00k/{name}: is not read: by its name it is a copy of data.parquet"
            for name in ("data (1).parquet", "data.sync-conflict-20260101-101010-AB.parquet")])
        self.assertEqual(self.rows(), before)

    def test_other_data_of_a_head_is_named(self):
        table = self.table("l00h00q")
        self.write(table, "l00h00q/more/part-0.parquet")
        with pa.OSFile(f"{self.data}/l00h01q/data.arrow", "wb") as file:
            with pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
        fixtures.write(f"{self.data}/l00h02q/data.csv.gz", b"x")
        self.write(table, "l00h03q/part-1")
        named = ["l00h00q/more/part-0.parquet: is not read: a head's Parquet files lie directly in "
                 "its folder"]
        named += [f"{name}: is not read: the names of a head's files end in .parquet"
                  for name in ("l00h01q/data.arrow", "l00h02q/data.csv.gz", "l00h03q/part-1")]
        self.assertEqual(self.warnings(), [f"D/{text}" for text in named])
        self.assertEqual(self.problems(), named)

    def test_hive_folders_are_named(self):
        # pyarrow finds rows there that would otherwise be lost without a word.
        table = self.table("l00h00q")
        os.remove(f"{self.data}/l00h00q/data.parquet")
        for column in ("bucket", "example_id"):
            folder = f"{self.data}/l00h00q"
            shutil.rmtree(folder)
            ds.write_dataset(table, folder, format="parquet", partitioning=[column],
                             partitioning_flavor="hive")
            self.assertEqual(ds.dataset(folder, partitioning="hive").count_rows(), table.num_rows)
            done = self.analyze(code=1)
            self.assertRegex(done.stderr, "layer 0, query head 0, .*/l00h00q: holds no Parquet file "
                             f"itself; {column}=.*/part-0.parquet is not read, nor (are|is) [0-9]+ more "
                             f"files? below: .* and {column} is a column in them")
            self.assertIn("holds no Parquet file itself", "".join(self.problems()))

    def test_tables_of_lake_formats_are_refused_by_name(self):
        for mark, name in (("_delta_log/00000000000000000000.json", "Delta Lake"),
                           (".hoodie/hoodie.properties", "Hudi"),
                           ("metadata/00000-a.metadata.json", "Iceberg"),
                           ("_versions/1.manifest", "Lance")):
            for place in ("l00h00k", "l02h00q", "."):
                path = f"{self.data}/{place}/{mark}"
                fixtures.write(path, "{}")
                done = self.analyze(code=1)
                self.assertRegex(done.stderr, f"{os.path.normpath(place) if place != '.' else 'data'}"
                                 f": is an? {name} table \\(it holds {mark.split('/')[0]}\\)")
                shutil.rmtree(os.path.dirname(path))

    def test_other_spellings_of_a_head_are_named(self):
        for old, new in (("l00h01q", "l0h1q"), ("l00h02q", "L00H02Q"), ("l00h03q", "l000h003q"),
                         ("l01h01q", "layer1_head1_query")):
            os.rename(f"{self.data}/{old}", f"{self.data}/{new}")
        shutil.copy(f"{self.data}/l00h00q/data.parquet", f"{self.data}/l01h00q.parquet")
        shutil.copy(f"{self.data}/l00h00q/data.parquet", f"{self.data}/rows.parquet")
        fixtures.write(f"{self.data}/train/l00h00q/data.parquet", b"x")
        self.assertEqual(self.warnings(), [
            "D/L00H02Q: is not read: a head's folder is named like l00h02q",
            "D/l000h003q: is not read: a head's folder is named like l00h03q",
            "D/l01h00q.parquet: is not read: a head's folder is named like l01h00q",
            "D/l0h1q: is not read: a head's folder is named like l00h01q",
            "D/layer1_head1_query: is not read: a head's folder is named like l01h01q",
            "D/rows.parquet: is not read: it has the columns of a head, and a head's files lie in a "
            "folder like l00h00q",
            "D/train: is not read: it holds heads of its own, like l00h00q"])
        self.assertEqual(len([p for p in self.problems() if "is not read" in p]), 7)

    def test_a_folder_too_high_or_too_deep(self):
        for command in ("inspect", "check"):
            done = self.run_program(command, f"{self.data}/l00h00q", code=1)
            self.assertIn("but is one itself: name the folder that holds it", done.stderr)
        os.makedirs(f"{self.root}/a/b")
        os.rename(self.data, f"{self.root}/a/b/c")
        for command in ("inspect", "check"):
            done = self.run_program(command, f"{self.root}/a", code=1)
            self.assertIn("the heads lie in b/c: name that folder", done.stderr)
        done = self.run_program("analyze", "--dataset", f"{self.root}/a", code=1)
        self.assertIn("the heads lie in b/c: name that folder", done.stderr)

    def test_links_that_lead_up_are_not_followed(self):
        self.analyze()
        before = self.rows()
        for name in os.listdir(self.data):
            if os.path.isdir(f"{self.data}/{name}"):
                os.symlink("..", f"{self.data}/{name}/up")
                os.symlink(".", f"{self.data}/{name}/self")
        self.assertEqual(self.analyze().stderr, "")
        self.assertEqual(self.rows(), before)
        self.assertIn("Whole", self.run_program("inspect", self.data).stdout)

    def test_queries_without_keys_are_named(self):
        shutil.rmtree(f"{self.data}/l01h01k")
        self.assertIn("skipped 2 heads without keys (l01h02q, l01h03q)", self.analyze().stdout)

    def test_a_pointer_in_place_of_a_file(self):
        fixtures.write(f"{self.data}/l00h00q/data.parquet",
                       "version https://git-lfs.github.com/spec/v1\n"
                       f"oid sha256:{'0' * 64}\nsize 12345\n")
        done = self.analyze(code=1)
        self.assertIn("l00h00q/data.parquet: is a Git LFS pointer", done.stderr)
        self.assertEqual(done.stderr.count("data.parquet"), 1)
        self.assertIn("l00h00q/data.parquet: is a Git LFS pointer", self.problems()[0])

    # Footers.

    def test_heads_of_two_captures_are_refused(self):
        for name in ("l00h00k", "l01h03q"):
            shutil.copy(f"{self.captured.name}/pre/{name}/data.parquet",
                        f"{self.data}/{name}/data.parquet")
        done = self.analyze(code=1)
        text = ("{}/data.parquet: its footer says qkscope.geometry.vector pre_rope, that of {} says "
                "post_rope")
        other = f"{self.data}/l00h00q/data.parquet"
        self.assertEqual(done.stderr, "".join(
            f"qkscope: layer {layer}, query head {q}, key head {k}: "
            f"{text.format(f'{self.data}/{file}', other)}\n"
            for layer, q, k, file in ((0, 0, 0, "l00h00k"), (0, 1, 0, "l00h00k"),
                                      (1, 3, 1, "l01h03q"))))
        self.assertEqual(len(self.rows()), 9)
        found = self.problems()
        for name in ("l00h00k", "l01h03q"):
            self.assertIn(text.format(name, "l00h00q"), found)

    def test_what_else_contradicts(self):
        cases = [("geometry", lambda v: v.update(num_key_value_heads=1), "num_key_value_heads 1"),
                 ("geometry", lambda v: v["rope"][0].update(theta=5e5), "rope.0.theta 500000.0"),
                 ("geometry", lambda v: v["layers"][2].update(window=16), "layers.2.window 16"),
                 ("provenance", lambda v: v["model"]["files"][0].update(sha256="0"),
                  "model.files.0.sha256 0"),
                 ("provenance", lambda v: v["corpus"].update(sha256="0"), "corpus.sha256 0"),
                 ("provenance", lambda v: v["tokenizer"].update(sha256="0"), "tokenizer.sha256 0"),
                 ("provenance", lambda v: v["config"]["capture"].update(min_bucket_size=32),
                  "config.capture.min_bucket_size 32")]
        original = self.table("l01h00q")
        for key, change, text in cases:
            self.change_footer("l01h00q", f"qkscope.{key}".encode(), change)
            done = self.analyze(code=1)
            self.assertIn(f"l01h00q/data.parquet: its footer says qkscope.{key}.{text}, that of "
                          f"{self.data}/l00h00q/data.parquet says ", done.stderr)
            self.assertIn(f"its footer says qkscope.{key}.{text}, ", "".join(self.problems()))
            self.write(original, "l01h00q/data.parquet")

    def test_a_capture_merged_from_parts_is_one(self):
        # Layers captured by two runs, from a copy of the model elsewhere.
        shutil.copytree(f"{self.captured.name}/model", f"{self.root}/copy")
        parts = [self.sniff(f"{self.root}/first", "capture.layers=[0, 1]"),
                 self.sniff(f"{self.root}/second", "capture.layers=[2]",
                            f"model.name={self.root}/copy")]
        self.analyze()
        before = self.rows()
        shutil.rmtree(self.data)
        for part in parts:
            shutil.copytree(part, self.data, dirs_exist_ok=True)
        warnings = self.warnings()
        self.assertEqual(len(warnings), 1)
        self.assertRegex(warnings[0], "its footer says qkscope.provenance.model.name .*copy, that of "
                         ".* says .*; the model's files are the same")
        self.assertEqual(self.rows(), before)

    def test_rows_that_contradict_the_recorded_buckets(self):
        def axes(*options):
            self.run_program("plot", "plasticity", "--bucket_csv",
                             "head_bucket_plasticity.csv", "--output", "f.svg",
                             *options)
            with open(f"{self.root}/f.svg", encoding="utf-8") as file:
                return file.read()

        self.assertEqual(self.warnings(), [])
        self.assertIn("Position (tokens)", axes())
        for name in sorted(os.listdir(self.data)):
            if not os.path.exists(f"{self.data}/{name}/data.parquet"):
                continue
            table = self.table(name)
            at = table.schema.get_field_index("bucket")
            buckets = [position // 4 for position in table["position"].to_pylist()]
            column = pa.array(buckets, table.schema.field(at).type)
            self.write(table.set_column(at, table.schema.field(at), column), f"{name}/data.parquet")
        [warning] = self.warnings()
        self.assertIn("heads with rows outside the buckets that the footers record", warning)
        with open(f"{self.root}/{CSV}.json", encoding="utf-8") as file:
            self.assertIsNone(json.load(file)["buckets"])
        self.assertIn("Position (tokens)", axes())  # the tables have the positions of the rows
        os.remove(f"{self.root}/head_bucket_details.csv")
        os.remove(f"{self.root}/head_positions.csv")
        os.remove(f"{self.root}/mean_curves.csv")
        self.assertIn("Query bucket", axes())
        self.assertIn("Position (tokens)", axes("--bucket_min_size", "4"))

    def test_heads_without_a_footer_among_others(self):
        for name in ("l00h00k", "l02h01q"):
            self.write(self.table(name).replace_schema_metadata(None), f"{name}/data.parquet")
        self.assertEqual(self.warnings(), [
            "D: l00h00k and 1 more head have no footer of Qkscope, others have: whether all vectors "
            "are of one model, and all before or all after RoPE, is not known"])
        self.assertIn("l00h00k/data.parquet: has no footer of Qkscope, l00h00q has one",
                      self.problems())

    def test_footers_of_a_heads_files_must_agree(self):
        table = self.table("l00h00q")
        pre = self.table("l00h00q", f"{self.captured.name}/pre")
        self.write(table.slice(0, 10), "l00h00q/data.parquet")
        self.write(pre.slice(10), "l00h00q/more.parquet")
        done = self.analyze(code=1)
        self.assertIn("l00h00q/more.parquet: its footer says qkscope.geometry.vector pre_rope",
                      done.stderr)
        self.assertIn("its footer says qkscope.geometry.vector pre_rope, that of the file before says "
                      "post_rope", "".join(self.problems()))

    def test_vectors_of_another_length(self):
        table = self.table("l00h00q")
        longer = pa.array([list(v) + [0.5] for v in table["vector"].to_pylist()],
                          pa.list_(pa.float32()))
        table = table.set_column(table.schema.get_field_index("vector"), "vector", longer)
        self.write(table, "l00h00q/data.parquet")
        self.assertIn("l00h00q: vectors have 9 numbers, those of l00h00k have 8",
                      self.analyze(code=1).stderr)
        for name in os.listdir(self.data):  # all of one length, but not of the footer's
            if not os.path.isdir(f"{self.data}/{name}"):
                continue
            table = self.table(name)
            longer = pa.array([list(v) + [0.5] for v in table["vector"].to_pylist()],
                              pa.list_(pa.float32()))
            if name != "l00h00q":
                table = table.set_column(table.schema.get_field_index("vector"), "vector", longer)
            self.write(table, f"{name}/data.parquet")
        done = self.analyze(code=1)
        self.assertIn("has vectors of 9 numbers, though its footer has head_dim 8", done.stderr)
        self.assertIn("has vectors of 9 numbers, though its footer has head_dim 8",
                      "".join(self.problems()))

    def test_windows_that_differ_within_a_head(self):
        table = self.table("l00h00q")
        windows = pa.array([32] * table.num_rows, pa.int32())
        table = table.set_column(table.schema.get_field_index("sliding_window"), "sliding_window",
                                 windows)
        self.write(table, "l00h00q/more.parquet")
        self.assertIn("l00h00q: column sliding_window: expected one value for the head, found null "
                      "and 32", self.analyze(code=1).stderr)

    # compat: reference takes the configured grid.

    def test_the_configured_grid_decides(self):
        """Heads and numbers are those that the original writes for these grids."""
        self.data = f"{self.root}/made_up"
        fixtures.write_grid_dataset(self.data)
        for name in sorted(os.listdir(GRIDS)):
            grid = [int(n) for n in name.removesuffix(".csv").split("_")]
            flags = [f"--{key}={n}" for key, n in
                     zip(("num_layers", "num_q_heads", "num_k_heads"), grid)]
            with open(f"{GRIDS}/{name}", encoding="utf-8", newline="") as file:
                expected = list(csv.DictReader(file))
            done = self.analyze("--compat", "reference", *flags)
            found = self.rows()
            self.assertEqual(len(found), len(expected), name)
            for ours, theirs in zip(found, expected):
                self.assertEqual(ours.keys(), theirs.keys())
                for column, value in theirs.items():
                    self.assertAlmostEqual(float(ours[column]), float(value), delta=1e-9)
            self.assertEqual(done.stderr.count("there is no such file"),
                             grid[0] * grid[1] - len(expected))
            with open(f"{self.root}/{CSV}.json", encoding="utf-8") as file:
                failed = json.load(file)["heads"]["failed"]
            self.assertEqual(len(failed), grid[0] * grid[1] - len(expected))
            self.assertTrue(all("there is no such file" in head["reason"] for head in failed))
        done = self.analyze("--compat", "reference", "--num_layers=1", "--num_q_heads=2",
                            "--num_k_heads=1")
        self.assertIn("l00h01k and 8 more heads outside the grid of 1 layers, 2 query heads and 1 key "
                      "heads are left out", done.stderr)

    def test_one_is_singular(self):
        for name in os.listdir(self.data):
            if name not in ("l00h00q", "l00h00k"):
                path = f"{self.data}/{name}"
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
        for name in ("l00h00q", "l00h00k"):
            self.write(self.table(name).replace_schema_metadata(None), f"{name}/data.parquet")
        self.assertIn("1 of 1 heads (1 layer, 1 query head, 1 key head, by the folders)",
                      self.analyze().stdout)

    def test_a_grid_with_another_map_is_warned_of(self):
        done = self.analyze("--compat", "reference", "--num_layers", "3", "--num_q_heads", "2",
                            "--num_k_heads", "2")
        self.assertEqual([(r["q_head"], r["k_head"]) for r in self.rows()[:2]],
                         [("0", "0"), ("1", "1")])
        self.assertIn("queries are measured against keys of other heads", done.stderr)
        done = self.analyze("--num_layers", "3", "--num_q_heads", "2", "--num_k_heads", "2", code=1)
        self.assertIn("num_q_heads: expected 4, as the dataset records, found 2", done.stderr)

    def test_a_grid_without_any_head(self):
        done = self.analyze("--compat", "reference", "--num_layers", "1", "--num_q_heads", "3",
                            "--num_k_heads", "2", code=1)
        self.assertIn("expected a multiple of num_k_heads (2), found 3", done.stderr)
        shutil.rmtree(f"{self.data}/l00h00k")
        done = self.analyze("--compat", "reference", "--num_layers", "1", "--num_q_heads", "1",
                            "--num_k_heads", "1")
        self.assertIn("l00h00k/data.parquet: there is no such file", done.stderr)
        self.assertFalse(os.path.exists(f"{self.root}/{CSV}"))
        done = self.analyze("--compat", "reference", "--num_layers", "1000000", "--num_q_heads",
                            "1000", "--num_k_heads", "1", code=1)
        self.assertIn("expected at most 1000000 heads", done.stderr)


if __name__ == "__main__":
    unittest.main()
