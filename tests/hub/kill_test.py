#!/usr/bin/env python3
"""Transfers that are killed at random moments: the same command goes on, and moves what is missing.

usage: kill_test.py QKSCOPE

QK_HUB_KILLS: how many kills (default: 6; 30 in the test hub.kill_long). QK_HUB_SEED repeats the moments of an
earlier run, which printed its seed."""

import hashlib
import os
import pathlib
import random
import re
import signal
import threading
import time
import unittest

from hub_case import Done, HubCase, faults_of_a_run, fixtures, make_capture, published_files, start
from test_hub import TestHub

KILLS = int(os.environ.get("QK_HUB_KILLS", "6"))
SEED = int(os.environ.get("QK_HUB_SEED", random.SystemRandom().randrange(10**6)))
LAYERS, HEADS, KEYS = 36, 32, 8
WORKERS = 8


class Kills(HubCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(TestHub()).root
        cls.capture = make_capture(cls.folder, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                                   num_key_value_heads=KEYS, hidden_size=64)
        cls.files = published_files(cls.capture)

    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)

    def message(self, number):
        return f"kill {number}; QK_HUB_SEED={SEED}"

    def kill(self, process):
        process.send_signal(signal.SIGKILL)
        process.communicate()

    # --- publishing

    def publish(self):
        return start(self.hub, "publish", self.capture, "--repo", "org/qk", "--branch", "b/1")

    def kill_before(self, pattern, skip):
        """Starts publishing and kills it when a request arrives, which is then answered to nobody.
        False: it ended before that."""
        process, came = self.publish(), threading.Event()

        def action(_handler):
            process.send_signal(signal.SIGKILL)
            came.set()

        self.hub.before(pattern, action, skip=skip)
        process.communicate(timeout=120)
        self.hub.heal()
        return came.is_set()

    def branch_files(self):
        repo = self.hub.repos.get(("dataset", "org/qk"))
        if repo is None or "b/1" not in repo.branches:
            return None
        files = self.hub.files("dataset", "org/qk", "b/1")
        files.pop(".gitattributes")
        return files

    def heads_on_branch(self):
        files = self.branch_files()
        return files and len(files)

    def test_publishing_1440_files(self):
        heads = [path for path in self.files if path.endswith("/data.parquet")]
        self.assertEqual(len(heads), LAYERS * (HEADS + KEYS))
        self.assertEqual(len(heads), 1440)
        # Rare moments first, then anywhere among the bytes; the last two follow them.
        moments = [("POST /api/repos/create", 0), ("POST .*/preupload/", 2),
                   ("POST .*/objects/batch", 0)][:max(1, KILLS // 6)]
        last = [("POST .*/branch/", 0), ("POST .*/commit/", 0)]
        puts = KILLS - len(moments) - len(last)
        share = 1440 // puts - WORKERS  # of the files, for each kill
        moments += [("^PUT ", self.random.randrange(share)) for _ in range(puts)] + last
        for number, (pattern, skip) in enumerate(moments):
            self.assertTrue(self.kill_before(pattern, skip), self.message(number))
            if pattern != "POST .*/commit/":  # that one was done, though its client was dead
                self.assertIsNone(self.heads_on_branch(), self.message(number))
        self.assertTrue(self.branch_files() in (None, self.files), self.message(len(moments)))
        process = self.publish()
        self.finish(process)
        self.assertTrue(self.branch_files() == self.files, self.message("none"))
        puts = [re.search("[0-9a-f]{64}", e.path)[0] for e in self.hub.seen("^PUT ", answered=True)]
        stored = self.hub.repos[("dataset", "org/qk")].find("b/1").files.values()
        self.assertEqual(set(puts), {file.sha256 for file in stored if file.is_lfs})
        self.assertLess(len(puts), len(set(puts)) + KILLS * WORKERS)
        self.assertEqual(len(self.hub.history("dataset", "org/qk", "b/1")),
                         1 + len(self.hub.history("dataset", "org/qk", "main")))
        self.assertEqual(set(self.hub.repos[("dataset", "org/qk")].branches), {"main", "b/1"})
        self.hub.log.clear()
        self.finish(self.publish())
        self.assertEqual(self.hub.seen("^PUT |/commit/"), [])

    def finish(self, process):
        done = Done(process, *process.communicate(timeout=300))
        self.assertEqual(done.code, 0, done.stderr)
        self.assertEqual(faults_of_a_run(self.hub, done), [])

    # --- downloading

    def check_blobs(self, number):
        """Whatever has the name of its content is that content."""
        for path in pathlib.Path(self.root, "home/hub").glob("*/blobs/*"):
            data = path.read_bytes()
            if re.fullmatch("[0-9a-f]{64}", path.name):
                self.assertEqual(hashlib.sha256(data).hexdigest(), path.name, self.message(number))
            elif re.fullmatch("[0-9a-f]{40}", path.name):
                blob = b"blob %d\0" % len(data) + data
                self.assertEqual(hashlib.sha1(blob).hexdigest(), path.name, self.message(number))

    def test_fetching_a_capture(self):
        self.hub.add_repo("dataset", "org/qk", self.files)
        for number in range(KILLS):
            process = start(self.hub, "fetch", "org/qk", "--to", f"{self.root}/here")
            self.kill_at_request(process, "GET ", self.random.randrange(3 * 1440 // KILLS // 2))
            self.check_folder(f"{self.root}/here", number)
        self.finish(start(self.hub, "fetch", "org/qk", "--to", f"{self.root}/here"))
        self.check_folder(f"{self.root}/here", "none", is_whole=True)
        self.assertLess(self.hub.count("GET /cdn/", answered=True), 1440 + 2 * KILLS * WORKERS)

    def kill_at_request(self, process, pattern, skip):
        self.hub.before(pattern, lambda _: process.send_signal(signal.SIGKILL), skip=skip)
        process.communicate(timeout=120)
        self.hub.heal()

    def check_folder(self, folder, number, is_whole=False):
        there = {path: data for path, data in fixtures.files_of(folder).items()
                 if not path.startswith(".cache/") and path != ".gitattributes"}
        for path, data in there.items():
            self.assertTrue(data == self.files.get(path), f"{path}; {self.message(number)}")
        if is_whole:
            self.assertEqual(set(there), set(self.files), self.message(number))

    def test_downloading_a_model(self):
        """One large file, which goes on where it stood."""
        fixtures.make_wide_model(f"{self.root}/model", hidden_size=256, intermediate_size=2048)
        fixtures.make_tokenizer(f"{self.root}/model")
        fixtures.make_corpus(f"{self.root}/corpus", lengths=[9])
        contents = fixtures.files_of(f"{self.root}/model")
        size = len(contents["model.safetensors"])
        self.hub.add_repo("model", "org/wide", contents)
        self.hub.fail("slow", on="GET /cdn/", times=float("inf"), rate=size / 4)
        config = fixtures.write(f"{self.root}/run.yaml", fixtures.CONFIG.format(root=self.root).replace(
            f"name: {self.root}/model", "name: org/wide"))
        for number in range(KILLS):
            process = start(self.hub, "sniff", "--config", config, "--resume")
            time.sleep(0.3 + self.random.random() * 4 / KILLS)
            self.kill(process)
            self.check_blobs(number)
        self.finish(start(self.hub, "sniff", "--config", config, "--resume"))
        self.check_blobs("none")
        time.sleep(0.5)  # the Hub notices that the last killed client is gone
        asked = [int(e.range[6:-1] or 0) for e in self.hub.seen("GET /cdn/") if e.range]
        self.assertEqual(asked, sorted(asked))
        self.assertGreater(asked[-1], 0)
        sent = sum(e.sent for e in self.hub.seen("GET /cdn/"))
        self.assertLess(sent, size * 1.5 + KILLS * size / 4)


if __name__ == "__main__":
    print(f"QK_HUB_SEED={SEED}", flush=True)
    unittest.main()
