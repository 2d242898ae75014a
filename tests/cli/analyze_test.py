#!/usr/bin/env python3
"""`qkscope analyze` as a user runs it: on a captured dataset, with the original's configurations,
and with every kind of bad input.

usage: analyze_test.py QKSCOPE"""

import bz2
import csv
import fcntl
import glob
import gzip
import json
import lzma
import math
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile

import fixtures

PROGRAM = os.path.abspath(sys.argv.pop(1))
COLUMNS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/dataset/columns")
FILES = ("head_metrics.csv", "head_bucket_plasticity.csv", "head_component_weights.csv")
HEADER = ("layer,q_head,k_head,n_q_tokens,n_k_tokens,d_model,q_R2_pos,q_beta_norm,q_R2_scalar,"
          "q_mae_baseline,q_mae_proj,q_mae_ratio,q_resid0_skew,q_resid0_kurt,q_resid0_ks_p,"
          "q_noise_med_abs_skew,q_noise_med_abs_kurt,q_noise_med_ks_p,q_noise_frac_ks_p_lt_alpha,"
          "ap_overall")


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Analyze(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.captured = tempfile.TemporaryDirectory()
        cls.config = fixtures.make_all(cls.captured.name)
        done = subprocess.run([PROGRAM, "sniff", "--quiet", "--config", cls.config],
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr

    @classmethod
    def tearDownClass(cls):
        cls.captured.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        self.data = f"{self.root}/data"
        shutil.copytree(f"{self.captured.name}/out", self.data)

    def tearDown(self):
        self.folder.cleanup()

    def analyze(self, *arguments, code=0, where="."):
        cwd = os.path.join(self.root, where)
        os.makedirs(cwd, exist_ok=True)
        environment = {**os.environ, "HF_HOME": f"{self.root}/hub"}
        for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            environment.pop(name, None)
        done = subprocess.run([PROGRAM, "analyze", "--quiet", *arguments], capture_output=True,
                              text=True, timeout=300, cwd=cwd, env=environment)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def table(self, name, where="."):
        with open(os.path.join(self.root, where, name), encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def assert_says(self, sentence, *arguments):
        """The program exits with 1 and exactly this sentence, and leaves no file."""
        done = self.analyze(*arguments, code=1)
        self.assertEqual(done.stderr.replace(self.root + "/", "R/"), f"qkscope: {sentence}\n")
        for name in FILES:
            self.assertFalse(os.path.exists(f"{self.root}/{name}"), name)
            self.assertFalse(os.path.exists(f"{self.root}/{name}.tmp"), name)

    # The output.

    def test_a_dataset_is_enough(self):
        done = self.analyze("--dataset", self.data)
        self.assertIn("12 of 12 heads (3 layers, 4 query heads, 2 key heads)", done.stdout)
        self.assertIn("ap_overall", done.stdout)
        text = read(f"{self.root}/head_metrics.csv").decode()
        self.assertEqual(text.split("\n")[0], HEADER)
        self.assertNotIn("\r", text)
        heads = self.table("head_metrics.csv")
        self.assertEqual([(int(h["layer"]), int(h["q_head"]), int(h["k_head"])) for h in heads],
                         [(layer, q, q // 2) for layer in range(3) for q in range(4)])
        for head in heads:
            self.assertTrue(0 <= float(head["ap_overall"]) <= 1)
            self.assertEqual(head["d_model"], "8")
        components = self.table("head_component_weights.csv")
        self.assertEqual(len(components), 12 * 8)
        self.assertAlmostEqual(sum(float(c["component_weight"]) for c in components), 12, places=9)
        for row in self.table("head_bucket_plasticity.csv"):
            self.assertLess(int(row["k_bucket"]), int(row["q_bucket"]))

    def test_the_same_bytes_for_any_number_of_threads(self):
        for compat in ((), ("--compat", "reference", "--component_csv", FILES[2])):
            for threads in ("1", "3", "8"):
                self.analyze("--dataset", self.data, "--threads", threads, *compat, where=threads)
            for name in FILES:
                one = read(f"{self.root}/1/{name}")
                self.assertEqual(one, read(f"{self.root}/3/{name}"), name)
                self.assertEqual(one, read(f"{self.root}/8/{name}"), name)

    def test_little_memory_changes_nothing(self):
        self.analyze("--dataset", self.data, where="much")
        self.analyze("--dataset", self.data, "--ram", "1MiB", "--threads", "4", where="little")
        for name in FILES:
            self.assertEqual(read(f"{self.root}/much/{name}"), read(f"{self.root}/little/{name}"))

    def test_subsamples_of_queries_and_keys_are_independent(self):
        self.analyze("--dataset", self.data, "--max_tokens_per_head", "60", "--seed", "1", where="a")
        self.analyze("--dataset", self.data, "--max_tokens_per_head", "60", "--seed", "2", where="b")
        self.assertEqual({h["n_q_tokens"] for h in self.table(FILES[0], "a")}, {"60"})
        self.assertNotEqual(read(f"{self.root}/a/{FILES[0]}"), read(f"{self.root}/b/{FILES[0]}"))

    def test_the_originals_configuration_runs(self):
        fixtures.write(f"{self.root}/old/models/config.yaml", f"""model_dir: Some_Model
num_layers: 3
num_q_heads: 4
num_k_heads: 2
max_tokens_per_head: 50000
normality_max_dims: 64
p_alpha: 0.01
seed: 0
dataset_local_root: {self.root}/old
output_csv: results/x/head_metrics.csv
bucket_csv: results/x/head_bucket_plasticity.csv
component_csv: results/y/head_component_weights.csv
max_workers: 2
""")
        shutil.copytree(self.data, f"{self.root}/old/Some_Model")
        config = f"{self.root}/old/models/config.yaml"
        self.analyze("--config", config)
        self.assertEqual(len(self.table("results/x/head_metrics.csv")), 12)
        self.analyze("--config", config, "--dataset_local_root", self.data, "--output_csv",
                     "again.csv")  # no such model_dir: the heads are at the root
        self.assertEqual(read(f"{self.root}/again.csv"),
                         read(f"{self.root}/results/x/head_metrics.csv"))

    def test_command_line_wins_over_the_file(self):
        config = fixtures.write(f"{self.root}/a.yaml", f"dataset: {self.data}\noutput_csv: a.csv\n")
        self.analyze("--config", config, "--output_csv", "b.csv", "--set", "bucket_csv=c.csv")
        self.assertTrue(os.path.exists(f"{self.root}/b.csv"))
        self.assertTrue(os.path.exists(f"{self.root}/c.csv"))
        self.assertFalse(os.path.exists(f"{self.root}/a.csv"))

    def test_the_record_says_how_the_files_were_made(self):
        fixtures.write(f"{self.data}/l00h01q/data.parquet", b"x")
        self.analyze("--dataset", self.data, "--seed", "7", "--keep-going")
        with open(f"{self.root}/head_metrics.csv.json", encoding="utf-8") as file:
            record = json.load(file)
        self.assertEqual(record["method"], "bucket")
        self.assertEqual(record["methods"], ["bucket"])
        self.assertEqual(record["configured"], {"dataset": self.data, "seed": 7})
        self.assertEqual(record["heads"]["measured"], 11)
        self.assertEqual([f["q_head"] for f in record["heads"]["failed"]], [1])

    def test_the_result_as_json(self):
        found = json.loads(self.analyze(self.data, "--json", "--output_dir", "r").stdout)
        self.assertGreater(found.pop("seconds"), 0)
        self.assertEqual(found, {"schema": 1, "record": "r/head_metrics.csv.json", "measured": 12, "failed": 0})
        self.assertTrue(os.path.exists(f"{self.root}/{found['record']}"))

    def test_the_result_with_failed_heads_as_json(self):
        fixtures.write(f"{self.data}/l00h01q/data.parquet", b"x")
        found = json.loads(self.analyze(self.data, "--json", "--output_dir", "r", code=1).stdout)
        self.assertEqual((found["record"], found["measured"], found["failed"]), ("r/head_metrics.csv.json", 11, 1))

    def test_the_result_without_a_head_as_json(self):
        for name in glob.glob(f"{self.data}/l*/data.parquet"):
            fixtures.write(name, b"x")
        found = json.loads(self.analyze(self.data, "--json", "--compat", "reference").stdout)
        self.assertGreaterEqual(found.pop("seconds"), 0)
        self.assertEqual(found, {"schema": 1, "record": None, "measured": 0, "failed": 12})
        self.assertEqual(self.analyze(self.data, "--json", code=1).stdout, "")

    def test_packed_tables(self):
        self.analyze("--dataset", self.data)
        tables = [f"--{key}_csv" for key in ("output", "bucket", "component")]
        unpack = {"gz": gzip.decompress, "bz2": bz2.decompress, "xz": lzma.decompress}
        for suffix, function in unpack.items():
            names = [f"{i}.csv.{suffix}" for i in range(3)]
            self.analyze("--dataset", self.data, *(x for y in zip(tables, names) for x in y),
                         where=suffix)
            for name, plain in zip(names, FILES):
                self.assertEqual(function(read(f"{self.root}/{suffix}/{name}")),
                                 read(f"{self.root}/{plain}"))
            self.assertTrue(os.path.exists(f"{self.root}/{suffix}/0.csv.{suffix}.json"))
        self.analyze("--dataset", self.data, "--output_csv", "m.csv.zip", "--bucket_csv", "b.tar.gz",
                     where="zip")
        with zipfile.ZipFile(f"{self.root}/zip/m.csv.zip") as archive:
            self.assertEqual(archive.namelist(), ["m.csv"])
            self.assertEqual(archive.read("m.csv"), read(f"{self.root}/{FILES[0]}"))
        with tarfile.open(f"{self.root}/zip/b.tar.gz") as archive:
            self.assertEqual(archive.extractfile("b").read(), read(f"{self.root}/{FILES[1]}"))

    def test_a_name_of_another_packing_is_refused(self):
        done = self.analyze("--dataset", self.data, "--bucket_csv", "b.csv.lz4", code=1)
        self.assertIn("b.csv.lz4: expected a plain file, or one packed as .gz, .bz2, .xz, .zst, .zip, "
                      ".tar, .tar.gz, .tar.bz2 or .tar.xz, found .lz4", done.stderr)

    def test_the_record_says_where_buckets_lie(self):
        self.analyze("--dataset", self.data)
        with open(f"{self.root}/head_metrics.csv.json", encoding="utf-8") as file:
            record = json.load(file)
        self.assertEqual(record["tables"]["buckets"], "head_bucket_plasticity.csv")
        self.assertEqual(record["buckets"]["type"], "uniform")
        self.assertGreaterEqual(record["buckets"]["width"], 1)

    def test_a_folder_of_one_model_is_found(self):
        os.makedirs(f"{self.root}/hub-style")
        shutil.copytree(self.data, f"{self.root}/hub-style/Model")
        self.analyze("--dataset", f"{self.root}/hub-style")
        shutil.copytree(self.data, f"{self.root}/hub-style/Other")
        os.remove(f"{self.root}/head_metrics.csv")
        for name in FILES[1:]:
            os.remove(f"{self.root}/{name}")
        self.assert_says("model_dir: R/hub-style holds the heads of several models, Model and Other "
                         "among them: choose one", "--dataset", f"{self.root}/hub-style")

    def test_heads_that_were_not_captured_are_no_error(self):
        shutil.rmtree(f"{self.data}/l01h02q")
        shutil.rmtree(f"{self.data}/l02h00k")
        done = self.analyze("--dataset", self.data)
        self.assertIn("9 of 12 heads", done.stdout)
        self.assertIn("skipped 2 heads without keys", done.stdout)
        self.assertEqual(len(self.table("head_metrics.csv")), 9)

    def test_a_dataset_in_the_hub_cache(self):
        commit = "0123456789abcdef0123456789abcdef01234567"
        repo = f"{self.root}/hub/hub/datasets--me--heads"
        fixtures.write(f"{repo}/refs/main", commit)
        shutil.copytree(self.data, f"{repo}/snapshots/{commit}")
        self.analyze("--dataset_name", "me/heads")
        self.assertEqual(len(self.table("head_metrics.csv")), 12)

    # Errors in one head.

    def assert_one_head_fails(self, sentence, failed, *arguments):
        done = self.analyze("--dataset", self.data, *arguments, code=1)
        self.assertEqual(done.stderr.replace(self.root + "/", "R/"), sentence)
        self.assertEqual(len(self.table("head_metrics.csv")), 12 - failed)
        again = self.analyze("--dataset", self.data, "--keep-going", "--overwrite", *arguments)
        self.assertEqual(again.stderr, done.stderr)
        self.assertIn("Measured", again.stdout)

    def test_a_truncated_file_costs_its_head_only(self):
        path = f"{self.data}/l01h03q/data.parquet"
        fixtures.write(path, read(path)[:-200])
        self.assert_one_head_fails(
            "qkscope: layer 1, query head 3, key head 1: R/data/l01h03q/data.parquet: Parquet magic "
            "bytes not found in footer. Either the file is corrupted or this is not a parquet "
            "file.\n", 1)
        self.analyze("--dataset", self.data, "--compat", "reference")  # 0, as the original

    def test_damaged_pages_are_noticed(self):
        path = f"{self.data}/l00h01q/data.parquet"
        data = bytearray(read(path))
        data[len(data) // 3] ^= 0x40
        fixtures.write(path, bytes(data))
        done = self.analyze("--dataset", self.data, code=1)
        self.assertIn("layer 0, query head 1, key head 0: ", done.stderr)
        self.assertEqual(len(self.table("head_metrics.csv")), 11)

    def test_an_empty_file_of_keys_costs_its_group(self):
        fixtures.write(f"{self.data}/l00h01k/data.parquet", b"")
        reason = "R/data/l00h01k/data.parquet: the file is empty\n"
        self.assert_one_head_fails(
            f"qkscope: layer 0, query head 2, key head 1: {reason}"
            f"qkscope: layer 0, query head 3, key head 1: {reason}", 2)

    def test_rows_that_occur_twice(self):
        shutil.copy(f"{self.data}/l02h01q/data.parquet", f"{self.data}/l02h01q/more.parquet")
        done = self.analyze("--dataset", self.data, code=1)
        self.assertRegex(done.stderr, "layer 2, query head 1, key head 0: .*l02h01q: a row at position "
                         "[0-9]+ occurs twice, with the same example_id, bucket and vector\n$")
        self.analyze("--dataset", self.data, "--compat", "reference")

    def test_several_files_are_one_head(self):
        before = self.analyze("--dataset", self.data, where="one")
        os.rename(f"{self.data}/l02h01q/data.parquet", f"{self.data}/l02h01q/train-00000.parquet")
        self.analyze("--dataset", self.data, where="two")
        self.assertEqual(read(f"{self.root}/one/{FILES[0]}"), read(f"{self.root}/two/{FILES[0]}"))
        self.assertIn("Measured", before.stdout)

    def capture(self, out, *sets):
        flags = [flag for text in sets for flag in ("--set", text)]
        subprocess.run([PROGRAM, "sniff", "--quiet", "--config", self.config, "--set",
                        f"output.data_root={out}", *flags],
                       check=True, capture_output=True, timeout=300)
        return out

    def capture_with_window(self):
        """The same documents, with a model whose window is 32 tokens; buckets have 16."""
        fixtures.make_model(f"{self.root}/sliding", model_type="mistral", sliding_window=32,
                            architectures=["MistralForCausalLM"])
        return self.capture(f"{self.root}/windowed", f"model.name={self.root}/sliding")

    def test_a_window_counts_tokens(self):
        out = self.capture_with_window()
        self.analyze("--dataset", out)
        back = {int(r["q_bucket"]) - int(r["k_bucket"]) for r in self.table(FILES[1])}
        self.assertEqual(back, {1, 2})
        self.analyze("--dataset", out, "--compat", "reference")
        back = {int(r["q_bucket"]) - int(r["k_bucket"]) for r in self.table(FILES[1])}
        self.assertEqual(max(back), 7)

    def test_no_head_at_all(self):
        for name in os.listdir(self.data):
            if name.endswith("k"):
                fixtures.write(f"{self.data}/{name}/data.parquet", b"x")
        done = self.analyze("--dataset", self.data, code=1)
        self.assertTrue(done.stderr.endswith("qkscope: no head could be measured; nothing was "
                                             "written\n"))
        self.assertFalse(os.path.exists(f"{self.root}/head_metrics.csv"))

    # Errors of the whole run.

    def test_no_dataset(self):
        self.assert_says("dataset_local_root: R/nothing: there is no such folder",
                         "--dataset_local_root", f"{self.root}/nothing")
        os.makedirs(f"{self.root}/empty")
        self.assert_says("R/empty: holds no heads: it has no folder like l00h00q",
                         "--dataset", f"{self.root}/empty")
        self.assert_says("dataset: R/data/README.md: expected the dataset's folder, found a file",
                         "--dataset", f"{self.data}/README.md")
        done = self.analyze("--dataset", "me/absent", code=1)
        self.assertIn("hf download me/absent --repo-type dataset", done.stderr)

    def test_wrong_numbers_of_heads(self):
        self.assert_says("num_q_heads: expected 4, as the dataset records, found 8",
                         "--dataset", self.data, "--num_q_heads", "8")
        self.assert_says("num_k_heads: expected 2, as the dataset records, found 4",
                         "--dataset", self.data, "--num_k_heads", "4")
        self.assert_says("num_layers: expected 3, as the dataset records, found 2",
                         "--dataset", self.data, "--num_layers", "2")
        self.analyze("--dataset", self.data, "--num_layers", "2", "--compat", "reference")
        self.assertEqual(len(self.table("head_metrics.csv")), 8)

    def test_configurations(self):
        config = fixtures.write(f"{self.root}/a.yaml", f"dataset: {self.data}\nnum_layer: 3\n")
        self.assert_says("R/a.yaml:2: num_layer: unknown key; did you mean num_layers?",
                         "--config", config)
        fixtures.write(config, f"dataset: {self.data}\nseed: -1\n")
        self.assert_says("R/a.yaml:2: seed: expected an integer of at least 0, found integer -1",
                         "--config", config)
        fixtures.write(config, f"dataset: {self.data}\np_alpha: 5\n")
        self.assert_says("R/a.yaml:2: p_alpha: expected a number from 0 to 1, found integer 5",
                         "--config", config)
        self.assert_says("dataset: R/a.yaml: expected the dataset's folder, found a file; --config "
                         "reads a YAML file", config)
        fixtures.write(config, "- a\n")
        self.assert_says("R/a.yaml:1: expected a mapping of fields, found a list", "--config", config)
        self.assert_says("--max_tokens_per_head: expected an integer of at least "
                         "1, found integer 0", "--dataset", self.data, "--max_tokens_per_head", "0")
        done = self.analyze("--dataset", self.data, "--method", "linaer", code=1)
        self.assertRegex(done.stderr, "^qkscope: --method: expected bucket, counted, linear or online, found linaer; "
                         "did you mean linear\\?\n$")

    def test_outputs_that_cannot_be_written(self):
        fixtures.write(f"{self.root}/file", "x")
        done = self.analyze("--dataset", self.data, "--bucket_csv", "file/b.csv", code=1)
        self.assertRegex(done.stderr, "^qkscope: file: .*\n$")
        self.assert_says("output_csv and component_csv: expected two files, found head_metrics.csv twice",
                         "--dataset", self.data, "--component_csv", "head_metrics.csv")

    def test_outputs_are_looked_at_before_the_work(self):
        os.makedirs(f"{self.root}/folder")
        self.assert_says("folder: is a folder, expected the name of a CSV file",
                         "--dataset", self.data, "--bucket_csv", "folder")
        self.assert_says("output_csv and bucket_csv: expected two files, found head_metrics.csv twice",
                         "--dataset", self.data, "--bucket_csv", "./x/../head_metrics.csv")
        self.assert_says("--seeed: unknown option of analyze; did you mean --seed? (see qkscope "
                         "analyze --help)", "--dataset", self.data, "--seeed", "7")

    def test_files_of_an_earlier_analysis_are_not_replaced_unasked(self):
        self.analyze(self.data)
        before = {name: read(f"{self.root}/{name}") for name in FILES}
        done = self.analyze(self.data, "--method", "linear", code=1)
        self.assertEqual(done.stderr, "qkscope: head_metrics.csv: exists already: --overwrite replaces "
                                      "the files of an earlier analysis, --output_dir FOLDER writes "
                                      "others\n")
        self.assertEqual(before, {name: read(f"{self.root}/{name}") for name in FILES})
        self.analyze(self.data, "--method", "bucket", "--output-dir", "results/bucket")
        for name in FILES:
            self.assertTrue(os.path.exists(f"{self.root}/results/bucket/{name}"))
        self.analyze(self.data, "--method", "bucket", "--output-dir", "results/bucket", code=1)
        os.remove(f"{self.root}/results/bucket/{FILES[0]}")
        self.analyze(self.data, "--output-dir", "results/bucket", code=1)
        done = self.analyze(self.data, "--method", "linear", "--overwrite")
        for name in FILES:
            self.assertIn(f"Replaced  {name}\n", done.stdout)
            self.assertNotEqual(before[FILES[1]], read(f"{self.root}/{FILES[1]}"))

    def test_named_files_are_replaced_as_by_the_original(self):
        self.analyze(self.data, "--output_csv", "r/a.csv")
        for name in ("a.csv", *FILES[1:]):
            self.assertTrue(os.path.exists(f"{self.root}/r/{name}"))
        done = self.analyze(self.data, "--output_csv", "r/a.csv", "--seed", "1")
        self.assertIn("Replaced  r/a.csv\n", done.stdout)
        self.assertIn("Replaced  r/head_bucket_plasticity.csv\n", done.stdout)
        done = self.analyze(self.data, "--output_csv", "r/b.csv", code=1)  # has tables of r/a.csv
        self.assertEqual(done.stderr, "qkscope: r/head_bucket_plasticity.csv: exists already, and is "
                                      "no table of an earlier r/b.csv: --overwrite replaces it, "
                                      "--output_dir FOLDER writes another\n")
        self.assertFalse(os.path.exists(f"{self.root}/r/b.csv"))
        for _ in range(2):
            done = self.analyze(self.data, "--compat", "reference", "--output_csv", "s/a.csv")
            self.assertTrue(os.path.exists(f"{self.root}/head_component_information.csv"))
            self.assertFalse(os.path.exists(f"{self.root}/s/{FILES[1]}"))
        self.assertIn("Replaced  head_component_information.csv\n", done.stdout)

    def test_what_has_no_effect_is_said(self):
        done = self.analyze(self.data, "--method", "bucket", "--covariance", "full", "--online_reach",
                            "0.1", "--dataset_name", "o/n")
        self.assertEqual(done.stderr.splitlines(), [
            "qkscope: warning: --dataset_name: has no effect: the dataset is given by dataset",
            "qkscope: warning: --covariance: has no effect: only the method linear has a choice, and "
            "the method is bucket",
            "qkscope: warning: --online_reach: has no effect: the method is bucket, not online"])
        done = self.analyze(self.data, "--method", "linear", "--set", "min_queries=9", code=1)
        self.assertEqual(done.stderr, "qkscope: --set min_queries=9: has no effect: the method is "
                                      "linear, not bucket or online\n")

    def test_a_full_disk_leaves_the_older_files(self):
        self.analyze("--dataset", self.data)
        before = {name: read(f"{self.root}/{name}") for name in FILES}
        most = len(before[FILES[0]]) + 100
        self.assertLess(most, len(before[FILES[1]]))
        done = subprocess.run(
            [PROGRAM, "analyze", "--quiet", self.data, "--seed", "1", "--overwrite"], cwd=self.root,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
            capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "qkscope: head_bucket_plasticity.csv.tmp: cannot be written: "
                                      "File too large\n")
        self.assertEqual(before, {name: read(f"{self.root}/{name}") for name in FILES})
        self.assertFalse([name for name in os.listdir(self.root) if name.endswith(".tmp")])

    def test_two_analyses_at_once(self):
        tables = ("head_metrics.csv", "head_bucket_details.csv", "head_metrics.csv.json")
        expected = {}
        for method in ("bucket", "linear"):
            self.analyze(self.data, "--output_dir", f"alone_{method}", "--method", method)
            expected[method] = [read(f"{self.root}/alone_{method}/{name}") for name in tables[:2]]
        for number in range(5):
            runs = [subprocess.Popen(
                [PROGRAM, "analyze", "--quiet", self.data, "--output_dir", f"race{number}", "--method", method,
                 "--overwrite"], cwd=self.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                for method in expected]
            for run in runs:
                stderr = run.communicate(timeout=300)[1]
                if run.returncode != 0:
                    self.assertEqual(run.returncode, 1)
                    self.assertRegex(stderr, rf"^qkscope: race{number}/\S+: another process is writing this file\n$")
            self.assertIn(0, [run.returncode for run in runs])
            found = [read(f"{self.root}/race{number}/{name}") for name in tables]
            self.assertTrue(expected[json.loads(found[2])["method"]] == found[:2])
            self.assertFalse(glob.glob(f"{self.root}/race{number}/*.tmp"))

    def test_another_analysis_is_refused_before_it_measures(self):
        os.mkdir(f"{self.root}/held")
        with open(f"{self.root}/held/head_bucket_details.csv.tmp", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            done = self.analyze(self.data, "--output_dir", "held", code=1)
        self.assertEqual(done.stderr, "qkscope: held/head_bucket_details.csv: another process is writing this file\n")
        self.assertEqual(os.listdir(f"{self.root}/held"), ["head_bucket_details.csv.tmp"])

    def test_a_table_that_cannot_be_replaced(self):
        """What is a mixture then is not taken for an analysis."""
        if subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("unshare --mount is not allowed here")
        self.analyze(self.data, "--output_dir", "z", "--method", "linear")
        mount = 'mount --bind z/head_trends.csv z/head_trends.csv && exec "$@"'
        again = [PROGRAM, "analyze", "--quiet", self.data, "--output_dir", "z", "--overwrite"]
        done = subprocess.run(["unshare", "--mount", "sh", "-c", mount, "-", *again], cwd=self.root, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("z/head_trends.csv", done.stderr)
        report = subprocess.run([PROGRAM, "report", "z"], cwd=self.root, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(report.returncode, 1)
        self.assertIn("has not ended replacing them (head_metrics.csv.json.tmp is there)", report.stderr)
        subprocess.run(again, cwd=self.root, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([PROGRAM, "report", "z"], cwd=self.root, check=True, stdout=subprocess.DEVNULL)

    def test_rests_of_killed_runs_are_removed(self):
        for name in ("head_metrics.csv", "head_metrics_ci.csv", "head_profiles.parquet", "head_metrics.csv.json"):
            fixtures.write(f"{self.root}/{name}.tmp", "rest of a run")
        self.analyze("--dataset", self.data)
        self.assertFalse(glob.glob(f"{self.root}/*.tmp"))

    def test_the_record_counts_rows(self):
        self.analyze("--dataset", self.data)
        record = json.loads(read(f"{self.root}/head_metrics.csv.json"))
        self.assertEqual(record["rows"]["heads"], 12)
        self.assertEqual(sorted(record["rows"]), sorted(record["tables"]))
        for table, name in record["tables"].items():
            self.assertEqual(record["rows"][table], len(self.table(name)), name)

    def test_tables_of_another_run_are_pointed_out(self):
        self.analyze("--dataset", self.data)
        one = self.capture(f"{self.root}/one", "capture.min_bucket_size=128")
        done = self.analyze("--dataset", one, "--overwrite")
        self.assertIn("No rows   head_bucket_plasticity.csv", done.stdout)
        for name in ("head_bucket_plasticity.csv", "head_bucket_details.csv", "head_positions.csv",
                     "mean_curves.csv", "mean_trends.csv"):
            self.assertIn(f"qkscope: warning: {name}: not written, since this run has no rows for it; "
                          "the file of another run is removed\n", done.stderr)
            self.assertFalse(os.path.exists(f"{self.root}/{name}"))
        subprocess.run([PROGRAM, "report", self.root], check=True, stdout=subprocess.DEVNULL)

    def test_a_capture_that_is_not_finished(self):
        fixtures.write(f"{self.data}/.qkscope/journal", "x")
        done = self.analyze("--dataset", self.data)
        self.assertIn("its capture is not finished", done.stderr)
        for i in range(8):  # in a folder's order some come before the heads
            os.symlink(f"loop{i}", f"{self.data}/loop{i}")
        self.assertIn("12 of 12 heads", self.analyze("--dataset", self.data, "--overwrite").stdout)

    def test_numbers_are_finite_or_empty(self):
        self.analyze("--dataset", self.data)
        for name in FILES:
            for row in self.table(name):
                for value in row.values():
                    self.assertTrue(value == "" or math.isfinite(float(value)), row)

    # Columns of other programs: tests/data/README.md, dataset/columns.

    def head_of(self, name):
        """A dataset whose queries and keys are one fixture's rows."""
        shutil.rmtree(self.data)
        for head in ("l00h00q", "l00h00k"):
            os.makedirs(f"{self.data}/{head}")
            shutil.copy(f"{COLUMNS}/{name}.parquet", f"{self.data}/{head}/data.parquet")

    def test_columns_of_other_types_change_no_number(self):
        with open(f"{COLUMNS}/expected.json", encoding="utf-8") as file:
            names = json.load(file)["read"]
        self.head_of("id_dictionary")
        self.analyze("--dataset", self.data, where="plain")
        for name in names:
            if not name.startswith(("extra_", "window_", "vector_", "id_float")):
                continue
            self.head_of(name)
            done = self.analyze("--dataset", self.data, where=name)
            self.assertEqual(done.stderr, "", name)
            for table in FILES:
                self.assertEqual(read(f"{self.root}/{name}/{table}"),
                                 read(f"{self.root}/plain/{table}"), name)

    def test_buckets_below_zero_have_plasticity(self):
        self.head_of("id_dictionary")
        self.analyze("--dataset", self.data, where="plain")
        self.head_of("bucket_negative")
        self.analyze("--dataset", self.data, where="negative")
        rows = self.table(FILES[1], "negative")
        self.assertEqual([(row["q_bucket"], row["k_bucket"]) for row in rows],
                         [("-2", "-3"), ("-1", "-3"), ("-1", "-2")])
        self.assertEqual([row["ap_bucket"] for row in rows],
                         [row["ap_bucket"] for row in self.table(FILES[1], "plain")])
        done = self.analyze("--dataset", self.data, "--compat", "reference", where="reference")
        self.assertEqual(done.stderr, "qkscope: warning: 1 head with query buckets below 0: compat: "
                                      "reference passes over these, as the original does, so they "
                                      "have no plasticity\n")

    def test_a_column_that_is_refused_is_named(self):
        for name, sentence in (("id_null", "row 2: column example_id: expected an integer, found null"),
                               ("vector_matrix", "column vector: expected one vector in every row, found "
                                                 "tensors of shape [2, 2]")):
            self.head_of(name)
            done = self.analyze("--dataset", self.data, code=1)
            self.assertIn(f"data.parquet: {sentence}\n", done.stderr)


if __name__ == "__main__":
    unittest.main()
