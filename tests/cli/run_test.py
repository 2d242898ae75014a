#!/usr/bin/env python3
"""Complete runs of the program with a tiny checkpoint: the dataset does not depend on how it is
made, and an interrupted run leaves nothing that looks finished.

usage: run_test.py QKSCOPE"""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import fixtures
from fixtures import files_of

PROGRAM = os.path.abspath(sys.argv.pop(1))


class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = cls.folder.name
        cls.config = fixtures.make_all(cls.root)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def sniff(self, out, *flags, sets=(), program=(PROGRAM, "sniff"), code=0, variables=()):
        command = [*program, *fixtures.sniff_arguments(self.config, out, *flags, sets=sets)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300,
                              env={**os.environ, **dict(variables)})
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def out(self, name):
        return f"{self.root}/{self.id().split('.')[-1]}-{name}"

    def assert_same_files(self, a, b):
        a, b = files_of(a), files_of(b)
        self.assertEqual(sorted(a), sorted(b))
        for name, data in a.items():
            self.assertTrue(data == b[name], f"{name} differs")

    def test_a_plugin_that_does_not_work(self):
        """`auto` computes on the CPU, and says why not on a GPU; nothing else looks at the plugin."""
        plugin = fixtures.write(f"{self.root}/broken.so", "no library\n")
        variables = {"QKSCOPE_TORCH_PLUGIN": plugin}
        self.sniff(self.out("plain"), "--quiet")
        done = self.sniff(self.out("auto"), "--quiet", variables=variables)
        self.assertRegex(done.stderr, r"\Aqkscope: warning: computing on the cpu: .*/broken\.so.*\n")
        self.assert_same_files(self.out("plain"), self.out("auto"))
        done = self.sniff(self.out("cpu"), "--quiet", "--device", "cpu", variables=variables)
        self.assertNotIn("broken.so", done.stderr)
        done = self.sniff(self.out("vram"), "--vram", "1GB", code=1, variables=variables)
        self.assertRegex(done.stderr.splitlines()[-1], r"qkscope: --vram: .* computes on cpu .*/broken\.so")
        done = self.sniff(self.out("cuda"), "--device", "cuda", code=1, variables=variables)
        self.assertRegex(done.stderr, r"\Aqkscope: .*/broken\.so.*\n\Z")

    def test_debug_logging_times_the_parts(self):
        done = self.sniff(self.out("a"), "--quiet", "--device", "cpu",
                          sets=["inference.debug_logging=true"])
        self.assertTrue(done.stderr.startswith("device cpu, in float32: as --device says\n"), done.stderr)
        seconds = {name: float(value) for name, value in
                   re.findall(r"^ +([a-z]+) +([0-9.]+)$", done.stderr, re.MULTILINE)}
        parts = ("embedding", "norm", "linear", "rope", "attention", "activation", "tap")
        self.assertEqual(set(seconds), {"identify", "tokenize", "select", "forward", *parts, "journal",
                                        "write", "total"})
        rounding = 0.0005 * len(seconds)
        self.assertGreater(seconds["forward"], 0)
        self.assertLessEqual(sum(seconds[part] for part in parts),
                             seconds["forward"] + seconds["journal"] + rounding)
        self.assertLessEqual(seconds["forward"], seconds["total"] + rounding)
        self.assertRegex(done.stderr, r"\n[\d,]+ tokens computed of [\d,]+; [\d.]+ tokens/s and [\d.]+ "
                                      r"GFLOP/s in the forward pass\n")

    def test_same_bytes_however_it_is_made(self):
        self.sniff(self.out("a"))
        self.assertGreater(len(files_of(self.out("a"))), 18)
        variants = {
            "again": ([], []),
            "batch": ([], ["inference.batch_size=3"]),
            "all-in-one-batch": ([], ["inference.batch_size=100"]),
            "one-thread": (["--threads", "1"], []),
            "three-threads": (["--threads", "3"], ["inference.batch_size=2"]),
            "small-chunks": (["--chunk-tokens", "16"], ["inference.batch_size=2"]),
        }
        for name, (flags, sets) in variants.items():
            with self.subTest(name):
                self.sniff(self.out(name), *flags, sets=sets)
                self.assert_same_files(self.out("a"), self.out(name))

    def test_same_bytes_with_every_column(self):
        sets = ["capture.rope=both", "capture.capture_token_strings=true",
                "capture.max_rows_per_batch=5", "capture.head_sampling={count: 5, seed: 3}"]
        self.sniff(self.out("a"), sets=sets)
        self.sniff(self.out("b"), "--chunk-tokens", "32",
                   sets=[*sets, "inference.batch_size=4"])
        self.assert_same_files(self.out("a"), self.out("b"))

    def test_nothing_is_left_beside_the_dataset(self):
        self.sniff(self.out("a"))
        names = {name.split("/")[-1] for name in files_of(self.out("a"))}
        self.assertEqual(names, {"data.parquet", "documents.parquet", "README.md"})
        self.assertFalse(os.path.exists(self.out("a") + "/.qkscope"))

    def test_table_of_documents(self):
        self.sniff(self.out("a"))
        data = files_of(self.out("a"))["documents.parquet"]
        for name in (b"doc-0", b"doc-6"):  # the statistics' bounds; pages are compressed
            self.assertIn(name, data)
        done = subprocess.run([PROGRAM, "inspect", self.out("a")], capture_output=True, text=True)
        self.assertIn("documents  7 in documents.parquet, 0 to 128 tokens, 1 truncated, 1 without rows",
                      done.stdout)
        self.sniff(self.out("reference"), sets=["compat=reference"])
        self.assertNotIn("documents.parquet", files_of(self.out("reference")))
        self.sniff(self.out("a"), "--overwrite", sets=["compat=reference"])
        self.assertNotIn("documents.parquet", files_of(self.out("a")))

    def test_a_file_of_the_users_is_not_replaced_by_the_table(self):
        fixtures.write(f"{self.out('a')}/documents.parquet", "mine")
        for flags in ([], ["--overwrite"], ["--resume"]):
            done = self.sniff(self.out("a"), *flags, code=1)
            self.assertIn("documents.parquet: is not of a dataset, and the run would replace it",
                          done.stderr)
        self.sniff(self.out("a"), sets=["compat=reference"])
        self.assertEqual(files_of(self.out("a"))["documents.parquet"], b"mine")

    def test_shared_positions(self):
        sets = ["capture.sampler={type: uniform, base_rate: 4, positions: shared}"]
        self.sniff(self.out("a"), sets=sets)
        self.sniff(self.out("b"), "--chunk-tokens", "16", sets=[*sets, "inference.batch_size=4"])
        self.assert_same_files(self.out("a"), self.out("b"))
        report = json.loads(subprocess.run([PROGRAM, "inspect", self.out("a"), "--json"],
                                           capture_output=True, text=True).stdout)
        rows = {(head["rows"], json.dumps(head["bucket_counts"])) for head in report["heads"]}
        self.assertEqual(len(rows), 1)
        sampler = report["footer"]["qkscope.provenance"]["config"]["capture"]["sampler"]
        self.assertEqual(sampler["positions"], "shared")
        self.sniff(self.out("c"), sets=[*sets, "compat=reference"], code=1)

    def test_reference_writes_the_state_file(self):
        self.sniff(self.out("a"), sets=["compat=reference"])
        state = json.loads(files_of(self.out("a"))["_saver_state.json"])
        self.assertEqual(state["model_name"], f"{self.root}/model")

    def test_no_path_of_the_output_in_the_files(self):
        self.sniff(self.out("a"))
        for name, data in files_of(self.out("a")).items():
            self.assertNotIn(self.out("a").encode(), data, name)

    def test_closed_streams_are_no_files_of_the_run(self):
        texts = f"{self.root}/texts"
        for i in range(4):
            fixtures.write(f"{texts}/{i}.txt", fixtures.document(i, 60))
        sets = (f"dataset.path={texts}", "dataset.id_column=null")
        expected = self.out("open")
        self.sniff(expected, sets=sets)
        for streams in (">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
            out = self.out(streams.replace(" ", "").replace("<", "i").replace(">", "o"))
            done = subprocess.run(
                ["sh", "-c", f'exec "$@" {streams}', "sh", PROGRAM, "sniff", "--config", self.config,
                 *(word for text in (*sets, f"output.data_root={out}") for word in ("--set", text))],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)
            self.assertEqual(done.returncode, 0, streams)
            self.assert_same_files(expected, out)

    def test_a_reader_that_goes_away_does_not_end_the_run(self):
        out = self.out("whole")
        reading, writing = os.pipe()
        os.close(reading)
        for stream in ("stdout", "stderr"):
            done = subprocess.run(
                [PROGRAM, "sniff", "--config", self.config, "--overwrite", "--set",
                 f"output.data_root={out}"], timeout=300,
                **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: writing})
            self.assertEqual(done.returncode, 0, stream)
        os.close(writing)
        self.assertTrue(os.path.exists(f"{out}/README.md"))

    def test_alias_of_the_original(self):
        alias = os.path.join(os.path.dirname(PROGRAM), "sniff-qk")
        self.sniff(self.out("a"), program=(alias,))
        self.assertIn("README.md", files_of(self.out("a")))

    def test_max_length_that_means_no_limit(self):
        expected, out = self.out("short"), self.out("long")
        self.sniff(expected, sets=["tokenizer.max_length=1000"])
        sets = ["tokenizer.max_length=2147483647"]
        self.sniff(out, sets=sets)
        with open(f"{out}/l00h00q/data.parquet", "rb") as file:
            self.assertIn(b"2147483647", file.read())  # in the provenance; the rows are the same
        for name in ("documents", "canaries"):
            self.assertEqual(self.section(expected, name).split("`documents.parquet`")[0],
                             self.section(out, name).split("`documents.parquet`")[0])
        plan = self.sniff(self.out("none"), "--dry-run", sets=sets).stdout
        self.assertIn("expected per head in a document of 1,048,576 tokens", plan)
        self.assertIn("--ram: expected a tokenizer.max_length of at most 1048576 with it, found "
                      "2147483647", self.sniff(self.out("none"), "--ram", "1GiB", sets=sets,
                                               code=1).stderr)

    @staticmethod
    def section(out, name):
        with open(f"{out}/README.md") as file:
            return file.read().split(f"## {name.capitalize()}\n")[1].split("\n## ")[0]

    def test_dry_run_writes_nothing(self):
        done = self.sniff(self.out("a"), "--dry-run")
        self.assertFalse(os.path.exists(self.out("a")))
        self.assertIn("12 query heads and 6 key heads", done.stdout)
        self.assertIn("32.0 expected per head in a document of 128 tokens", done.stdout)

    def test_names_in_the_plan_are_printable(self):
        fixtures.write(f"{self.root}/odd\x1b\nname/a.txt", "w1 w2 w3")
        done = self.sniff(self.out("a"), "--dry-run", sets=[
            f'dataset.path="{self.root}/odd\\e\\nname"', "dataset.id_column=null",
            f'output.data_root="{self.root}/out\\e"'])
        self.assertNotIn("\x1b", done.stdout)
        self.assertIn("/odd??name, at most 128 tokens", done.stdout)
        self.assertIn("/out?\n", done.stdout)

    def test_the_result_as_json(self):
        done = self.sniff(self.out("a"), "--json", "--quiet")
        found = json.loads(done.stdout)
        self.assertGreater(found.pop("seconds"), 0)
        self.assertGreater(found.pop("peak_bytes"), 0)
        files = [name for name in files_of(self.out("a")) if name.endswith("/data.parquet")]
        size = sum(os.path.getsize(f"{self.out('a')}/{name}") for name in files)
        inspected = json.loads(subprocess.run([PROGRAM, "inspect", "--json", "--quiet", self.out("a")],
                                              capture_output=True, text=True, check=True).stdout)
        self.assertEqual(found, {
            "schema": 1, "dataset": self.out("a"), "was_finished": False, "documents": 7, "tokens": 345,
            "rows": sum(head["rows"] for head in inspected["heads"]), "heads": 18, "bytes": size})
        again = self.sniff(self.out("a"), "--json", "--resume")
        self.assertEqual(json.loads(again.stdout),
                         {"schema": 1, "dataset": self.out("a"), "was_finished": True})
        self.assertIn("--dry-run and --json: give only one of them", self.sniff(
            self.out("b"), "--json", "--dry-run", code=1).stderr)

    def test_dataset_is_not_replaced_unasked(self):
        self.sniff(self.out("a"))
        before = files_of(self.out("a"))
        done = self.sniff(self.out("a"), sets=["capture.min_bucket_size=8"], code=1)
        self.assertIn("--overwrite", done.stderr)
        self.assertEqual(before, files_of(self.out("a")))
        self.sniff(self.out("a"), "--overwrite", sets=["capture.layers=[1]"])
        self.assertEqual({name[:3] for name in files_of(self.out("a"))}, {"l01", "REA", "doc"})

    def cache_model(self, hub, revision):
        """The model in the layout of the Hub's cache; the weights are a link to a blob."""
        with open(f"{self.root}/model/model.safetensors", "rb") as file:
            data = file.read()
        digest = hashlib.sha256(data).hexdigest()
        repo, commit = f"{hub}/hub/models--org--tiny", "c" * 40
        fixtures.write(f"{repo}/refs/{revision}", commit)
        fixtures.write(f"{repo}/blobs/{digest}", data)
        for name in ("config.json", "tokenizer.json"):
            with open(f"{self.root}/model/{name}", "rb") as file:
                fixtures.write(f"{repo}/snapshots/{commit}/{name}", file.read())
        os.symlink(f"../../blobs/{digest}", f"{repo}/snapshots/{commit}/model.safetensors")
        return digest

    def test_model_of_the_hub_cache(self):
        hub = self.out("hub")
        digest = self.cache_model(hub, "v2")
        fixtures.write(f"{self.root}/.env", f"export HF_HOME='{hub}'\n")
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")}
        command = [PROGRAM, "sniff", "--config", self.config, "--quiet",
                   "--set", f"output.data_root={self.out('a')}", "--set", "model.name=org/tiny"]
        wrong = subprocess.run(command, capture_output=True, text=True, cwd=self.root,
                               env=environment)
        self.assertIn("revision main", wrong.stderr)
        done = subprocess.run([*command, "--set", "model.revision=v2"], capture_output=True,
                              text=True, cwd=self.root, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("warning: model.name: the tokenizer of org/tiny is taken from revision v2",
                      done.stderr)
        for name, data in files_of(self.out("a")).items():
            if name.endswith(".parquet"):
                self.assertIn(digest.encode(), data)

    def long_corpus(self):
        """The options of a run that takes some time: every document is synced separately."""
        corpus = f"{self.root}/long"
        if not os.path.exists(corpus):
            fixtures.make_corpus(corpus, lengths=[60] * 4000)
        return [f"dataset.path={corpus}"]

    def start(self, out, sets):
        command = [PROGRAM, "sniff", "--config", self.config, "--set", f"output.data_root={out}"]
        for text in sets:
            command += ["--set", text]
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        journal = f"{out}/.qkscope/journal"
        for _ in range(6000):
            if os.path.exists(journal) and os.path.getsize(journal) > 100_000:
                return run
            self.assertIsNone(run.poll(), "the run ended before it could be stopped")
            time.sleep(0.01)
        run.kill()
        self.fail("no journal after a minute")

    def assert_interrupted(self, out, sets):
        self.assertEqual([name for name in files_of(out) if not name.startswith(".qkscope/")], [])
        self.assertTrue(os.path.exists(f"{out}/.qkscope/journal"))
        done = self.sniff(out, sets=sets, code=1)
        self.assertIn("--overwrite", done.stderr)

    def test_a_kill_leaves_nothing_that_looks_whole(self):
        sets = self.long_corpus()
        run = self.start(self.out("a"), sets)
        run.kill()
        run.communicate()
        self.assert_interrupted(self.out("a"), sets)
        sets.append("dataset.max_samples=20")
        self.sniff(self.out("a"), "--overwrite", sets=sets)
        self.sniff(self.out("b"), sets=sets)
        self.assert_same_files(self.out("a"), self.out("b"))

    def test_ctrl_c_finishes_the_documents_in_progress(self):
        sets = self.long_corpus()
        run = self.start(self.out("a"), sets)
        run.send_signal(signal.SIGINT)
        stdout, stderr = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 75)
        self.assertEqual(stdout, "")
        self.assertRegex(stderr, r"qkscope: stopped after [\d,]+ documents with [\d,]+ rows; they are "
                                 r"kept in .*/\.qkscope/journal")
        self.assert_interrupted(self.out("a"), sets)


if __name__ == "__main__":
    unittest.main(verbosity=1)
