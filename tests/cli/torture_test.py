#!/usr/bin/env python3
"""Captures that are killed, stopped, starved of resources and damaged: once resumed, they give the
same bytes as an undisturbed capture.

usage: torture_test.py QKSCOPE WRITE_FAULTS_LIBRARY

QK_TORTURE_SEED repeats the random moments of an earlier run, which printed its seed. QK_TORTURE_KILLS
sets the number of kills (default: 50; 8 with sanitizers, which make the program slower)."""

import errno
import glob
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import fixtures
from fixtures import files_of

PROGRAM = os.path.abspath(sys.argv.pop(1))
FAULTS = os.path.abspath(sys.argv.pop(1))
for needed in (PROGRAM, FAULTS):
    if not os.path.exists(needed):
        sys.exit(f"{needed} is not there: build the tests first")
SEED = int(os.environ.get("QK_TORTURE_SEED", random.SystemRandom().randrange(10**6)))
KILLS = int(os.environ.get("QK_TORTURE_KILLS", "8" if "QK_SANITIZED" in os.environ else "50"))
LENGTHS = [90, 5, 0, 41, 200, 17, 64, 128, 1, 77, 33, 150] * 3
KEPT = (r"(; the (\d+ whole documents|whole document) of the journal (are|is) kept: "
        r"use --resume to continue)?")


class Torture(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = os.path.realpath(cls.folder.name)
        cls.config = fixtures.make_all(cls.root)
        fixtures.make_corpus(f"{cls.root}/corpus", LENGTHS)
        with open(cls.config, "a") as file:
            file.write("compat: null\n")
        cls.random = random.Random(SEED)
        start = time.monotonic()
        done = cls.start(f"{cls.root}/plain")
        stderr = done.communicate()[1]
        assert done.returncode == 0, stderr
        cls.seconds = time.monotonic() - start
        cls.expected = files_of(f"{cls.root}/plain")
        cls.number = 0

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def start(cls, out, *flags, fault=None, sets=(), limit=None, config=None):
        arguments = fixtures.sniff_arguments(config or cls.config, out, *flags, sets=sets)
        command = [PROGRAM, "sniff", "--quiet", "--threads", "2", *arguments]
        environment = dict(os.environ)
        if fault is not None:
            environment.update(fault, LD_PRELOAD=FAULTS, QK_FAULT_FOLDER=out,
                               ASAN_OPTIONS="verify_asan_link_order=0:" +
                               os.environ.get("ASAN_OPTIONS", ""))
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=environment, preexec_fn=limit)

    def run_once(self, out, *flags, code=0, **options):
        run = self.start(out, *flags, **options)
        stdout, stderr = run.communicate(timeout=300)
        self.assertEqual(run.returncode, code, stderr)
        return stdout + stderr if code == 0 else stderr

    def new_out(self):
        Torture.number += 1
        return f"{self.root}/out{Torture.number}"

    def assert_expected(self, out):
        found = files_of(out)
        self.assertEqual(sorted(found), sorted(self.expected))
        for name, data in found.items():
            self.assertTrue(data == self.expected[name], f"{name} differs (seed {SEED})")
        shutil.rmtree(out)

    def finish(self, out):
        """Resumes until the run is finished, and compares the dataset."""
        self.run_once(out, "--resume")
        self.assert_expected(out)

    # Kills.

    def test_kill_at_random_moments(self):
        kills = while_finishing = 0
        while kills < KILLS:
            out = self.new_out()
            while True:
                run = self.start(out, "--resume")
                try:
                    run.wait(self.random.uniform(0, 1.1 * self.seconds))
                except subprocess.TimeoutExpired:
                    run.kill()
                stderr = run.communicate()[1]
                if run.returncode != -signal.SIGKILL:
                    break
                kills += 1
                while_finishing += bool(glob.glob(f"{out}/l*"))
            self.assertEqual(run.returncode, 0, stderr)
            self.assert_expected(out)
        print(f"\n{kills} kills, {while_finishing} of them while the files were written; seed {SEED}")

    def count_writes(self):
        out = self.new_out()
        count = f"{self.root}/count"
        self.run_once(out, fault={"QK_FAULT_AT": "0", "QK_FAULT_COUNT": count})
        self.assert_expected(out)
        with open(count) as file:
            return int(file.read())

    def test_kill_before_chosen_writes(self):
        """Kills in every stage of finishing, however fast it is."""
        writes = self.count_writes()
        last = max(writes - 60, 1)
        moments = sorted({1, 2, 3, writes, writes - 1, *self.random.sample(range(1, last), 12),
                          *self.random.sample(range(last, writes), 18)})
        for at in moments:
            with self.subTest(at=at, of=writes, seed=SEED):
                out = self.new_out()
                self.run_once(out, fault={"QK_FAULT_AT": str(at), "QK_FAULT": "kill"},
                              code=-signal.SIGKILL)
                self.assertFalse(os.path.exists(f"{out}/README.md") and
                                 not os.path.exists(f"{out}/.qkscope") and
                                 files_of(out) != self.expected, "it looks whole and is not")
                self.finish(out)

    def test_analysis_killed_while_it_replaces_files(self):
        """Its record goes first and comes last: what is there without one is refused."""
        def analyze(out, *flags, code=0, **environment):
            done = subprocess.run([PROGRAM, "analyze", "--quiet", f"{self.root}/plain", "--output_dir", out, *flags],
                                  capture_output=True, text=True, timeout=300, env={**os.environ, **environment})
            self.assertEqual(done.returncode, code, done.stderr)

        def others(out, *arguments):
            done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300)
            shutil.rmtree(f"{out}-made", ignore_errors=True)
            return done.returncode, done.stderr

        out, log = f"{self.root}/analysis", f"{self.root}/log"
        faults = {"LD_PRELOAD": FAULTS, "QK_FAULT_FOLDER": out,
                  "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")}
        analyze(out, "--method", "linear")
        old = files_of(out)
        analyze(out, "--overwrite", QK_FAULT_AT="0", QK_FAULT_LOG=log, **faults)
        new = files_of(out)
        with open(log) as file:
            calls = file.read().splitlines()
        removed = calls.index("unlink /head_metrics.csv.json")
        self.assertLess(removed, next(i for i, call in enumerate(calls) if call.startswith("rename")))
        self.assertEqual(calls[removed + 1], "fsync ")
        self.assertEqual([call for call in calls if call.startswith("rename")][-1], "rename /head_metrics.csv.json")
        halves = 0
        for at in range(removed, len(calls) + 1):
            with self.subTest(at=at, call=calls[at - 1]):
                shutil.rmtree(out)
                for name, data in old.items():
                    fixtures.write(f"{out}/{name}", data)
                analyze(out, "--overwrite", code=-signal.SIGKILL, QK_FAULT_AT=str(at), QK_FAULT="kill", **faults)
                found = {name: data for name, data in files_of(out).items() if not name.endswith(".tmp")}
                commands = (["compare", out, out, "--output_dir", f"{out}-made"],
                            ["report", out, "-o", f"{out}-made/page.html"],
                            ["plot", "heatmap", "--bucket_csv", f"{out}/head_bucket_plasticity.csv", "--output",
                             f"{out}-made/h.svg"])
                for command in commands:
                    code, stderr = others(out, *command)
                    if found in (old, new):
                        self.assertEqual(code, 0, stderr)
                    else:
                        self.assertEqual(code, 1)
                        self.assertIn("expected the tables of one analysis, found those of an analysis that has not "
                                      "ended replacing them (head_metrics.csv.json.tmp is there)", stderr)
                halves += found not in (old, new)
                analyze(out, "--overwrite")
                self.assertEqual(files_of(out), new)
        self.assertGreater(halves, 10)

    def test_terminate_at_random_moments(self):
        for _ in range(8):
            out = self.new_out()
            stops = 0
            while True:
                run = self.start(out, "--resume")
                try:
                    run.wait(self.random.uniform(0, 1.1 * self.seconds) if stops < 6 else 300)
                except subprocess.TimeoutExpired:
                    run.terminate()
                stderr = run.communicate()[1]
                if run.returncode == 0:
                    break
                stops += 1
                if run.returncode == 75:
                    self.assertRegex(stderr, r"stopped (after|before) .*; use --resume to continue\n$")
                else:  # before the program handles the signal
                    self.assertEqual(run.returncode, -signal.SIGTERM)
            self.assert_expected(out)

    def test_order_of_syncs(self):
        """What a power cut may lose: no name without its contents, no card without its files, and the
        journal until all is on the disk."""
        out = self.new_out()
        log = f"{self.root}/log"
        self.run_once(out, fault={"QK_FAULT_AT": "0", "QK_FAULT_LOG": log})
        with open(log) as file:
            calls = [tuple(line.split(" ", 1)) for line in file.read().splitlines()]

        def first(*call):
            return calls.index(call)

        def last(*call):
            return len(calls) - 1 - calls[::-1].index(call)

        renames = [i for i, (function, _) in enumerate(calls) if function == "rename"]
        for i in renames:
            name = calls[i][1]
            temporary = f"{name}.tmp"
            writes = [k for k, (function, of) in enumerate(calls)
                      if of == temporary and function in ("write", "pwrite")]
            self.assertLess(max(writes), last("fsync", temporary), name)
            self.assertLess(last("fsync", temporary), i, name)
            self.assertEqual(calls[i + 1], ("fsync", os.path.dirname(name).rstrip("/")), name)
        journal = "/.qkscope/journal"
        self.assertEqual(calls[renames[0]][1], journal)
        self.assertEqual(calls[renames[-1]][1], "/README.md")
        self.assertLess(last("pwrite", journal), last("fdatasync", journal))
        files = [calls[i][1] for i in renames[1:-1]]
        self.assertEqual(len(files), len([n for n in self.expected if n.endswith(".parquet")]))
        for name in files:
            self.assertLess(last("fdatasync", journal), first("write", f"{name}.tmp"), name)
            self.assertLess(first("fsync", f"{name}.tmp"), renames[1], name)
        self.assertLess(renames[-1] + 1, first("unlink", journal))
        self.assert_expected(out)

    # Disks.

    def test_write_errors(self):
        writes = self.count_writes()
        codes = [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.ESTALE, errno.ENOTCONN]
        for i in range(24):
            code = codes[i % len(codes)]
            at = self.random.randrange(3, writes - 1)
            with self.subTest(error=errno.errorcode[code], at=at, of=writes, seed=SEED):
                out = self.new_out()
                stderr = self.run_once(
                    out, fault={"QK_FAULT_AT": str(at), "QK_FAULT": str(code)}, code=1)
                self.assertRegex(stderr, rf"^qkscope: [^\n]*{re.escape(os.strerror(code))}{KEPT}\n$")
                self.finish(out)

    def mount(self, size):
        disk = f"{self.root}/disk"
        os.makedirs(disk, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", disk],
                              capture_output=True)
        if done.returncode != 0:
            self.skipTest("no tmpfs can be mounted")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        return disk

    def test_full_disk_until_there_is_room(self):
        """Another program fills it after the run has begun."""
        disk = self.mount("100k")
        sizes = [200, 300, 400, 600, 2000, 8000]
        room = {"QK_FAULT_ROOM": "1"}
        stderr = self.run_once(f"{disk}/out", code=1, fault=room)
        for size in sizes:
            self.assertRegex(stderr, r"^qkscope: [^\n]*: No space left on device" + KEPT + r"\n$")
            self.assertFalse(os.path.exists(f"{disk}/out/README.md"))
            subprocess.run(["mount", "-o", f"remount,size={size}k", disk], check=True)
            run = self.start(f"{disk}/out", "--resume", fault=room)
            stderr = run.communicate()[1]
            if run.returncode == 0:
                return self.assert_expected(f"{disk}/out")
        self.fail("no room in the end")

    def test_read_only_disk(self):
        disk = self.mount("8m")
        out = f"{disk}/out"
        self.run_once(out, fault={"QK_FAULT_AT": "60", "QK_FAULT": "kill"}, code=-signal.SIGKILL)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        stderr = self.run_once(out, "--resume", code=1)
        self.assertRegex(stderr, r"^qkscope: [^\n]*: Read-only file system\n$")
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        self.finish(out)

    def test_file_size_limit(self):
        out = self.new_out()
        stderr = self.run_once(out, code=1, limit=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (40000, 40000)))
        self.assertRegex(stderr, r"^qkscope: [^\n]*: File too large" + KEPT + r"\n$")
        self.finish(out)

    @unittest.skipIf(os.environ.get("QK_SANITIZED"), "the sanitizers need descriptors of their own")
    def test_file_descriptor_limit(self):
        """Running out of them at any moment ends the run with a sentence."""
        refused = 0
        for limit in range(4, 24):
            out = self.new_out()
            run = self.start(out, limit=lambda limit=limit: resource.setrlimit(
                resource.RLIMIT_NOFILE, (limit, limit)))
            stderr = run.communicate()[1]
            if run.returncode == 0:
                self.assert_expected(out)
            elif run.returncode == 1:
                refused += "Too many open files" in stderr
                self.assertEqual(stderr.count("\n"), 1, stderr)
                self.finish(out)
            else:  # the libraries could not be loaded
                self.assertEqual(run.returncode, 127, stderr)
        self.assertGreater(refused, 0)

    def test_weights_that_vanish(self):
        root = f"{self.root}/vanish"
        config = fixtures.make_all(root)
        fixtures.make_corpus(f"{root}/corpus", [60] * 4000)
        out = self.new_out()
        run = self.start(out, config=config)
        journal = f"{out}/.qkscope/journal"
        while not os.path.exists(journal) or os.path.getsize(journal) < 50000:
            self.assertIsNone(run.poll())
            time.sleep(0.01)
        with open(f"{root}/model/model.safetensors", "rb") as file:
            data = file.read()
        with open(f"{root}/model/model.safetensors", "r+b") as file:
            file.truncate(1000)
        stderr = run.communicate(timeout=60)[1]
        self.assertEqual(run.returncode, 1, stderr)
        self.assertRegex(stderr, r"qkscope: [^\n]*/model.safetensors: can no longer be read")
        fixtures.write(f"{root}/model/model.safetensors", data)
        sets = ["dataset.max_samples=4000"]
        self.assertIn("config.dataset.max_samples was null, now it is 4000",
                      self.run_once(out, "--resume", config=config, sets=sets, code=1))
        shutil.rmtree(root)

    # The journal.

    def interrupted(self, at=160):
        out = self.new_out()
        self.run_once(out, fault={"QK_FAULT_AT": str(at), "QK_FAULT": "kill"}, code=-signal.SIGKILL)
        return out, f"{out}/.qkscope/journal"

    def records(self, data):
        """(offset, document, bytes) of the journal's records: docs/dataset-format.md."""
        at = (16 + struct.unpack_from("<I", data, 12)[0] + 7) // 8 * 8 + 8
        while at + 40 <= len(data) and data[at:at + 4] == b"QKJR":
            document, payload = struct.unpack_from("<q", data, at + 8)[0], \
                struct.unpack_from("<Q", data, at + 24)[0]
            yield at, document, 48 + payload
            at += 48 + payload

    def test_damage_inside_costs_one_document(self):
        for number in (2, None, None, None, None):  # document 2 has no tokens, only an end
            out, journal = self.interrupted()
            with open(journal, "rb") as file:
                data = bytearray(file.read())
            records = list(self.records(data))
            last = records[-1][1]
            at, document, size = self.random.choice(
                [r for r in records if r[1] < last - 1 and number in (None, r[1])])
            data[at + self.random.randrange(size)] ^= 1 << self.random.randrange(8)
            fixtures.write(journal, bytes(data))
            with self.subTest(document=document, seed=SEED):
                said = self.run_once(out, "--resume")
                self.assertRegex(said, rf"journal: damaged at byte \d+; document {document} is "
                                       r"computed again")
                self.assert_expected(out)

    def test_torn_tail_is_cut(self):
        for _ in range(6):
            out, journal = self.interrupted()
            size = os.path.getsize(journal)
            os.truncate(journal, size - self.random.randrange(1, size // 2))
            with open(journal, "ab") as file:
                file.write(bytes(self.random.choice([0, 100])))
            self.assertNotIn("damaged", self.run_once(out, "--resume"))
            self.assert_expected(out)

    def test_damaged_header_is_refused(self):
        out, journal = self.interrupted()
        with open(journal, "r+b") as file:
            file.seek(40)
            file.write(b"\0")
        self.assertRegex(self.run_once(out, "--resume", code=1), r"journal: its header is damaged; "
                         r"remove this file, or discard all with --overwrite \(without --shard\)\n$")
        self.run_once(out, "--overwrite")
        self.assert_expected(out)

    # Which runs may be resumed.

    def assert_refused(self, out, sentence, sets=()):
        def files():
            locks = (".qkscope/lock", ".qkscope/owner.")
            return {name: data for name, data in files_of(out).items()
                    if not name.startswith(locks)}

        before = files()
        stderr = self.run_once(out, "--resume", sets=sets, code=1)
        self.assertRegex(stderr, r"journal: is the journal of another run: " + sentence +
                         r".*; --overwrite discards it\n$")
        self.assertTrue(before == files(), "the refused run changed something")

    def test_another_run_is_refused(self):
        out, _ = self.interrupted()
        self.assert_refused(out, r"config\.capture\.min_bucket_size was 16, now it is 8",
                            ["capture.min_bucket_size=8"])
        self.assert_refused(out, r"config\.tokenizer\.max_length was 128, now it is 64",
                            ["tokenizer.max_length=64"])
        other = f"{self.root}/other"
        fixtures.make_tokenizer(other, fixtures.WORDS[::-1])
        self.assert_refused(out, r"tokenizer\.name was", [f"tokenizer.name={other}"])
        for path, name in ((f"{self.root}/corpus/train.jsonl", r"corpus\.sha256 was"),
                           (f"{self.root}/model/tokenizer.json", r"tokenizer\.sha256 was"),
                           (f"{self.root}/model/model.safetensors",
                            r"model\.files\[1\]\.sha256 was")):
            with open(path, "rb") as file:
                data = file.read()
            changed = data.replace(b"w1 ", b"w2 ") if path.endswith("jsonl") else \
                data.replace(b'"w1": 2', b'"w1" : 2') if path.endswith("json") else \
                data[:-4] + struct.pack("<f", 1.5)
            fixtures.write(path, changed)
            self.assert_refused(out, name)
            fixtures.write(path, data)
        self.finish(out)

    def test_what_has_no_influence_may_change(self):
        out, _ = self.interrupted()
        self.run_once(out, "--resume", "--chunk-tokens", "16", sets=["inference.batch_size=5"])
        moved = self.new_out()
        os.rename(out, moved)
        self.assert_expected(moved)

    def test_plain_start_names_both_ways(self):
        out, journal = self.interrupted()
        self.assertEqual(self.run_once(out, code=1),
                         f"qkscope: {journal}: an interrupted run left this journal: --resume "
                         "continues it, --overwrite discards it\n")
        self.assertIn("--overwrite and --resume: give only one of them",
                      self.run_once(out, "--resume", "--overwrite", code=1))
        self.run_once(out, "--overwrite")
        self.assert_expected(out)

    def test_resume_of_a_finished_dataset(self):
        out = self.new_out()
        self.run_once(out, "--resume")
        self.assertIn("is finished already", self.run_once(out, "--resume"))
        self.assertRegex(self.run_once(out, "--resume", sets=["capture.min_bucket_size=8"], code=1),
                         r"finished dataset of another run: config\.capture\.min_bucket_size was 16")
        self.assert_expected(out)

    def test_resume_of_a_finished_dataset_that_lacks_a_file(self):
        out = self.new_out()
        self.run_once(out)
        with open(f"{out}/l01h01k/data.parquet", "ab") as file:
            file.write(b"x")
        self.assertRegex(self.run_once(out, "--resume", code=1),
                         r"finished dataset of this run, of which l01h01k/data\.parquet has \d+ bytes")
        os.remove(f"{out}/l01h01k/data.parquet")
        self.assertRegex(self.run_once(out, "--resume", code=1),
                         r"of which l01h01k/data\.parquet is missing: --overwrite captures it again")
        self.run_once(out, "--overwrite")
        self.assert_expected(out)

    def test_overwrite_that_is_interrupted_keeps_the_old_dataset(self):
        out = self.new_out()
        self.run_once(out, sets=["capture.layers=[2]"])
        before = files_of(out)
        self.run_once(out, "--overwrite", fault={"QK_FAULT_AT": "100", "QK_FAULT": "kill"},
                      code=-signal.SIGKILL)
        after = files_of(out)
        self.assertEqual(before, {name: after[name] for name in before})
        self.finish(out)

    def test_second_run_is_refused(self):
        out = self.new_out()
        first = self.start(out)
        lock = f"{out}/.qkscope/lock"
        while not os.path.exists(lock):
            self.assertIsNone(first.poll())
            time.sleep(0.001)
        os.kill(first.pid, signal.SIGSTOP)
        try:
            for flag in ("--resume", "--overwrite"):
                self.assertEqual(self.run_once(out, flag, code=1),
                                 f"qkscope: {out}: another run is writing into this folder\n")
        finally:
            os.kill(first.pid, signal.SIGCONT)
        stderr = first.communicate()[1]
        self.assertEqual(first.returncode, 0, stderr)
        self.assert_expected(out)


if __name__ == "__main__":
    unittest.main(verbosity=1)
