#!/usr/bin/env python3
"""The commands that name a repository, end to end against the test Hub: fetch, hub status, inspect,
check, analyze, and a run whose model and corpus come from the Hub and whose dataset goes there.

usage: commands_test.py QKSCOPE"""

import os
import shutil
import signal
import time
import unittest

from hub_case import STOPPED, HubCase, fixtures, make_capture, published_files, start
from test_hub import TOKEN, Account, TestHub

RUN = """dataset:
  path: org/corpus
  split: train
  id_column: id
model:
  name: org/model
  revision: v1
tokenizer:
  max_length: 128
capture:
  sampler: {type: uniform, base_rate: 4}
  min_bucket_size: 16
output:
  data_root: out
  hf_repo_id: org/qk
  hf_branch: model/v1
"""


class Commands(HubCase):
    @classmethod
    def setUpClass(cls):
        cls.inputs = cls.enterClassContext(TestHub()).root
        cls.capture = make_capture(cls.inputs)
        cls.files = published_files(cls.capture)
        cls.model = fixtures.files_of(f"{cls.inputs}/model")
        cls.corpus = fixtures.files_of(f"{cls.inputs}/corpus")

    def setUp(self):
        super().setUp()
        self.hub.add_repo("dataset", "org/cap", {"README.md": b"# one branch per model\n"})
        self.hub.branch("dataset", "org/cap", "some/model", self.files)

    def downloaded(self):
        """Names of the files whose bytes were sent."""
        objects = {f"/cdn/{file.sha256}": path for repo in self.hub.repos.values()
                   for commit in repo.commits.values() for path, file in commit.files.items()}
        paths = {objects.get(e.path.split("?")[0], e.path.split("?")[0].rsplit("/", 1)[-1])
                 for e in self.hub.seen("^GET /(cdn/|.*resolve)", answered=True)}
        return paths - {".gitattributes"}

    # --- reading a published capture

    def test_fetch_in_part_and_whole(self):
        self.run_program("fetch", "org/cap@some/model", "--heads", "l0[01]h*q", "--to", "here")
        heads = {path for path in self.files if path.endswith("q/data.parquet") and path < "l02"}
        self.assertEqual({path for path in self.downloaded() if path.startswith("l0")}, heads)
        there = set(fixtures.files_of(f"{self.root}/here"))
        self.assertLessEqual({"README.md", *heads}, there)
        self.assertFalse([path for path in there if path.startswith("l02")])
        self.hub.log.clear()
        self.run_program("fetch", "org/cap@some/model", "--to", "here")
        self.assertEqual(self.downloaded() & heads, set())
        there = fixtures.files_of(f"{self.root}/here")
        self.assertTrue({path: there.get(path) for path in self.files} == self.files)
        self.run_program("check", "here")

    def test_fetch_names_what_it_does_not_find(self):
        for name, words in (("org/nothing", "no dataset of this name"),
                            ("org/cap@nothing", "no branch, tag or commit 'nothing'"),
                            ("org//cap", "org//cap")):
            done = self.run_program("fetch", name, code=1)
            self.assertIn(words, done.stderr)
        done = self.run_program("fetch", "org/cap@some/model", "--heads", "l77*", code=1)
        self.assertIn("l77*", done.stderr)

    def test_a_repository_in_place_of_a_folder(self):
        for command, more_lines in (("inspect",), 1), (("check",), 1), (("inspect", "--json"), 5):
            done = self.run_program(*command, "org/cap@some/model")
            local = self.run_program(*command, self.capture)
            self.assertEqual(len(done.stdout.splitlines()),
                             len(local.stdout.splitlines()) + more_lines)
        self.assertIn("l02h03q/data.parquet", self.downloaded())
        os.makedirs(f"{self.root}/org/cap@some")  # a path of that very name wins
        shutil.copytree(self.capture, f"{self.root}/org/cap@some/model")
        self.hub.log.clear()
        self.run_program("check", "org/cap@some/model")
        self.assertEqual(self.hub.log, [])

    def test_analyze_downloads_the_heads_that_it_measures(self):
        self.hub.branch("dataset", "org/cap", "some/model", {
            **self.files, "notes.txt": b"unwanted", "weights.safetensors": b"unwanted",
            "other/l00h00q/data.parquet": self.files["l00h00q/data.parquet"] + b" "})
        self.analyze("first", "--dataset_name", "org/cap", "--dataset_revision", "some/model",
                     "--download_max_workers", "2")
        heads = {path for path in self.files if path.endswith("/data.parquet")}
        self.assertLessEqual(heads, self.downloaded())
        self.assertLessEqual(self.downloaded(), set(self.files))
        self.hub.log.clear()
        self.analyze("again", "org/cap@some/model")
        self.assertEqual(self.downloaded(), set())
        self.analyze("local", self.capture)
        self.hub.log.clear()
        self.analyze("offline", "org/cap@some/model", HF_HUB_OFFLINE=1)
        self.assertEqual(self.hub.log, [])
        tables = [self.tables(name) for name in ("first", "again", "local", "offline")]
        self.assertTrue(tables[0] == tables[1] == tables[2] == tables[3])

    def analyze(self, name, *arguments, **env):
        os.mkdir(f"{self.root}/{name}")
        self.run_program("analyze", "--quiet", "--threads", "1", *arguments,
                         cwd=f"{self.root}/{name}", **env)

    def tables(self, name):
        return {path: data for path, data in fixtures.files_of(f"{self.root}/{name}").items()
                if path.endswith(".csv")}

    # --- hub status

    def test_status(self):
        done = self.run_program("hub", "status", "org/cap@some/model", "--type", "dataset")
        self.assertIn("org", done.stdout)
        self.assertIn(self.hub.head("dataset", "org/cap", "some/model")[:7], done.stdout)
        self.assertLessEqual(self.downloaded(), {"README.md"})
        self.hub.accounts[TOKEN] = Account("reader", "read", {"company": "write"})
        done = self.run_program("hub", "status", "org/cap", "--type", "dataset")
        for word in ("reader", "company", "read"):
            self.assertIn(word, done.stdout)
        done = self.run_program("hub", "status", "org/cap", "--type", "dataset", token=None)
        self.assertRegex(done.stdout, "no token|without a token|not logged in|HF_TOKEN")
        done = self.run_program("hub", "status", "org/nothing", "--type", "dataset", code=1)
        self.assertIn("org/nothing", done.stdout + done.stderr)

    # --- a run

    def prepare_run(self, text=RUN):
        self.hub.add_repo("model", "org/model", {"README.md": b"# main has no weights\n"})
        self.hub.branch("model", "org/model", "v1", {
            **self.model, "pytorch_model.bin": b"x" * 99, "original/x.pth": b"x" * 99,
            "model.gguf": b"x" * 99})
        self.hub.add_repo("dataset", "org/corpus", {**self.corpus, "test.jsonl": b"unwanted"})
        return fixtures.write(f"{self.root}/run.yaml", text)

    def sniff(self, *arguments, **options):
        return self.run_program("sniff", "run.yaml", "--quiet", "--threads", "1", *arguments,
                                **options)

    def test_from_the_hub_to_the_hub(self):
        self.prepare_run()
        self.sniff()
        self.assertEqual(self.downloaded(), {"config.json", "tokenizer.json", "model.safetensors",
                                             "train.jsonl"})
        on_branch = self.hub.files("dataset", "org/qk", "model/v1")
        del on_branch[".gitattributes"]
        self.assertTrue(on_branch == published_files(f"{self.root}/out"))
        self.run_program("check", "org/qk@model/v1")

    def test_a_dry_run_downloads_no_weights_and_sends_nothing(self):
        self.prepare_run()
        done = self.sniff("--dry-run")
        self.assertNotIn("model.safetensors", self.downloaded())
        self.assertEqual([e.line for e in self.hub.seen("^(PUT|DELETE) |/commit/|/branch/|/create")],
                         [])
        self.assertIn("org/qk", done.stdout)
        self.assertFalse(os.path.exists(f"{self.root}/out"))

    def test_no_upload(self):
        self.prepare_run()
        self.sniff("--no-upload")
        self.assertEqual(self.hub.seen("^(PUT|POST) "), [])
        self.assertNotIn(("dataset", "org/qk"), self.hub.repos)

    def test_what_would_fail_a_day_later_fails_at_once(self):
        self.prepare_run()
        for change, account, token, words in (
                ("output.hf_branch=a..b", None, TOKEN, "a..b"),
                ("output.hf_repo_id=org/q--k", None, TOKEN, "org/q--k"),
                ("output.hf_repo_id=other/qk", None, TOKEN, "other"),
                ("output.private=true", Account("org", "read"), TOKEN, "write"),
                ("output.private=true", None, None, "HF_TOKEN"),
                ("output.private=true", None, "hf_unknown", "token")):
            with self.subTest(change, token=token):
                self.hub.accounts[TOKEN] = account or Account("org")
                done = self.sniff("--set", change, code=1, token=token)
                self.assertIn(words, done.stderr)
                self.assertNotIn("model.safetensors", self.downloaded())
                self.assertFalse(os.path.exists(f"{self.root}/out"))
                done = self.sniff("--set", change, "--dry-run", code=1, token=token)
                self.assertIn(words, done.stderr + done.stdout)

    def test_a_dataset_that_could_not_be_published(self):
        self.prepare_run()
        self.hub.fail("403", on="^POST .*/preupload/", times=float("inf"), skip=1)
        self.hub.fail("403", on="^POST .*/commit/", times=float("inf"))
        done = self.sniff(code=1)
        self.assertIn("publish", done.stderr)
        before = published_files(f"{self.root}/out")
        self.run_program("check", f"{self.root}/out")
        self.hub.heal()
        self.sniff("--resume")
        on_branch = self.hub.files("dataset", "org/qk", "model/v1")
        del on_branch[".gitattributes"]
        self.assertTrue(on_branch == before == published_files(f"{self.root}/out"))

    def test_a_token_in_the_configuration(self):
        self.prepare_run(RUN + f"  hf_token: {TOKEN}\n")
        done = self.hub_sniff_that_fails()
        self.assertIn("token", done.stderr)
        self.prepare_run(RUN.replace("org/qk", TOKEN))
        self.hub_sniff_that_fails()

    def hub_sniff_that_fails(self):
        done = start(self.hub, "sniff", "run.yaml")
        stdout, stderr = done.communicate(timeout=60)
        self.assertEqual(done.returncode, 1, stderr)
        self.assertNotIn(TOKEN, stdout + stderr)
        self.assertEqual(self.hub.log, [])
        os.remove(f"{self.root}/run.yaml")
        done.stderr = stderr
        return done

    def test_tokens_from_other_places(self):
        self.prepare_run()
        env = self.hub.env(token=None)
        for place in (".env", "home/token"):
            fixtures.write(f"{self.root}/{place}",
                           f'export HF_TOKEN="{TOKEN}"\n' if place == ".env" else f"{TOKEN}\n")
            process = start(self.hub, "publish", self.capture, "--repo", "org/new", "--branch",
                            place.replace("/", "-").strip("."), env=env)
            stdout, stderr = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, stderr)
            self.assertNotIn(TOKEN, stdout + stderr)
            os.remove(f"{self.root}/{place}")

    def test_the_process_shows_no_token(self):
        self.prepare_run()
        seen = []

        def look(_handler):
            for name in ("cmdline", "comm", "status"):
                with open(f"/proc/{process.pid}/{name}", "rb") as file:
                    seen.append(file.read())

        self.hub.before("GET /cdn/|^PUT", look, times=3)
        process = start(self.hub, "sniff", "run.yaml", "--quiet")
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertTrue(seen)
        self.assertFalse([text for text in seen if TOKEN.encode() in text])

    # --- Ctrl-C

    def interrupt(self, pattern):
        """Ctrl-C when a request arrives, which is never answered."""
        running = []
        self.hub.before(pattern, lambda _: running[0].send_signal(signal.SIGINT))
        self.hub.fail("silent", on=pattern)
        running.append(start(self.hub, "sniff", "run.yaml", "--quiet", "--resume"))
        begin = time.monotonic()
        _, stderr = running[0].communicate(timeout=60)
        self.assertEqual(running[0].returncode, STOPPED, stderr)
        self.assertLess(time.monotonic() - begin, 8)
        self.hub.heal()

    def test_interrupts(self):
        self.prepare_run()
        for pattern in ("GET .*/revision/", "GET .*/resolve/.*safetensors", "GET /cdn/",
                        "POST .*/preupload/", "^PUT ", "POST .*/commit/"):
            with self.subTest(pattern):
                shutil.rmtree(f"{self.root}/home", ignore_errors=True)
                shutil.rmtree(f"{self.root}/out", ignore_errors=True)
                self.hub.repos.pop(("dataset", "org/qk"), None)
                self.interrupt(pattern)
                self.sniff("--resume")
                on_branch = self.hub.files("dataset", "org/qk", "model/v1")
                del on_branch[".gitattributes"]
                self.assertTrue(on_branch == published_files(f"{self.root}/out"))


if __name__ == "__main__":
    unittest.main()
