#!/usr/bin/env python3
"""Captures in shards: whatever was computed where, killed, done twice or damaged, `--finish` writes the
bytes of one plain run, or says what is missing.

usage: shards_test.py QKSCOPE WRITE_FAULTS_LIBRARY

QK_TORTURE_SEED repeats the random moments of an earlier run, which printed its seed. QK_TORTURE_KILLS
sets the number of kills (default: 40; 8 with sanitizers, which make the program slower)."""

import glob
import os
import random
import re
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
SANITIZED = "QK_SANITIZED" in os.environ
SEED = int(os.environ.get("QK_TORTURE_SEED", random.SystemRandom().randrange(10**6)))
KILLS = int(os.environ.get("QK_TORTURE_KILLS", "8" if SANITIZED else "40"))
# Documents 6 and 18 have one id and one length, so that a record of one fits in the place of the other's.
LENGTHS = [90, 5, 0, 41, 100, 17, 64, 128, 1, 77, 33, 110] * 3
TWINS = (6, 18)
STOPPED = 75


def whole_tree(folder):
    """Every name below a folder, with the bytes of files."""
    folders = glob.glob(f"{folder}/**/", recursive=True, include_hidden=True)
    return {**{os.path.relpath(path, folder): None for path in folders}, **files_of(folder)}


def records(data):
    """{(document, number in it): (offset, bytes)} of a journal's records: docs/dataset-format.md."""
    at = (16 + struct.unpack_from("<I", data, 12)[0] + 7) // 8 * 8 + 8
    found = {}
    while at + 40 <= len(data) and data[at:at + 4] == b"QKJR":
        document, number = struct.unpack_from("<qI", data, at + 8)
        size = 48 + struct.unpack_from("<Q", data, at + 24)[0]
        found[document, number] = (at, size)
        at += size
    return found


class Shards(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = os.path.realpath(cls.folder.name)
        cls.config = fixtures.make_all(cls.root)
        corpus = fixtures.make_corpus(f"{cls.root}/corpus", LENGTHS)
        with open(f"{corpus}/train.jsonl") as file:
            text = file.read().replace(f'"doc-{TWINS[1]}"', f'"doc-{TWINS[0]}"')
        fixtures.write(f"{corpus}/train.jsonl", text)
        cls.random = random.Random(SEED)
        start = time.monotonic()
        run = cls.start(f"{cls.root}/plain")
        stderr = run.communicate()[1]
        assert run.returncode == 0, stderr
        cls.seconds = time.monotonic() - start
        cls.expected = whole_tree(f"{cls.root}/plain")
        cls.number = 0

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def start(cls, out, *flags, fault=None):
        command = [PROGRAM, "sniff", "--quiet", "--threads", "1",
                   *fixtures.sniff_arguments(cls.config, out, *flags)]
        environment = dict(os.environ)
        if fault is not None:
            environment.update(fault, LD_PRELOAD=FAULTS, QK_FAULT_FOLDER=out,
                               ASAN_OPTIONS="verify_asan_link_order=0:" +
                               os.environ.get("ASAN_OPTIONS", ""))
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=environment)

    def run_once(self, out, *flags, code=0, **options):
        run = self.start(out, *flags, **options)
        stderr = run.communicate(timeout=300)[1]
        self.assertEqual(run.returncode, code, f"{flags}: {stderr} (seed {SEED})")
        return stderr

    def new_out(self):
        Shards.number += 1
        return f"{self.root}/out{Shards.number}"

    def run_shards(self, out, count, indices=None):
        for i in range(count) if indices is None else indices:
            self.run_once(out, "--shard", f"{i}/{count}")

    def journals(self, out):
        return sorted(glob.glob(f"{out}/.qkscope/journal*"))

    def assert_only_journals(self, out):
        """Nothing of the dataset, no temporary and no owner file."""
        names = set(files_of(out)) - {os.path.relpath(path, out) for path in self.journals(out)}
        self.assertLessEqual(names, {".qkscope/lock"})

    def assert_expected(self, out):
        found = whole_tree(out)
        self.assertEqual(sorted(found), sorted(self.expected))
        for name, data in found.items():
            self.assertTrue(data == self.expected[name], f"{name} differs (seed {SEED})")
        shutil.rmtree(out)

    def finish(self, out):
        self.run_once(out, "--finish")
        self.assert_expected(out)

    # Shards.

    def test_shards_in_any_order(self):
        out = self.new_out()
        order = list(range(5))
        self.random.shuffle(order)
        self.run_shards(out, 5, order)
        self.assertEqual(len(self.journals(out)), 5)
        self.assert_only_journals(out)
        self.finish(out)

    def test_shards_at_once(self):
        out = self.new_out()
        runs = [self.start(out, "--shard", f"{i}/5") for i in range(5)]
        for run in runs:
            stderr = run.communicate(timeout=300)[1]
            self.assertEqual(run.returncode, 0, stderr)
        self.assert_only_journals(out)
        self.finish(out)

    def test_a_shard_again_does_nothing(self):
        out = self.new_out()
        self.run_shards(out, 3)
        before = {path: os.path.getsize(path) for path in self.journals(out)}
        self.run_shards(out, 3)
        self.run_shards(out, 7, [6])
        self.assert_only_journals(out)
        now = {path: os.path.getsize(path) for path in self.journals(out)}
        self.assertEqual({path: now.get(path) for path in before}, before)
        self.assertLess(max([now[path] for path in now if path not in before], default=0),
                        min(before.values()))
        self.finish(out)

    def test_many_starts_with_nothing_to_do(self):
        """Each leaves an empty journal, and removes those of the others."""
        out = self.new_out()
        self.run_shards(out, 1)
        for _ in range(4):
            runs = [self.start(out, "--shard", f"{i}/8") for i in range(8)]
            for run in runs:
                stderr = run.communicate(timeout=300)[1]
                self.assertEqual(run.returncode, 0, stderr)
        self.finish(out)

    def test_other_numbers_of_shards(self):
        out = self.new_out()
        self.run_shards(out, 2, [1])
        self.run_shards(out, 3, [2, 0])
        self.run_shards(out, 36, range(36))
        self.finish(out)

    def test_one_shard_is_all_of_it(self):
        out = self.new_out()
        self.run_shards(out, 1)
        self.finish(out)

    def test_resume_is_a_finish_as_well(self):
        out = self.new_out()
        self.run_shards(out, 3, [1])
        self.run_once(out, "--resume")
        self.assert_expected(out)

    def test_more_shards_than_documents(self):
        out = self.new_out()
        self.run_shards(out, 100, [99])
        self.run_shards(out, 1)
        self.finish(out)

    def test_after_the_end(self):
        out = self.new_out()
        self.run_shards(out, 2)
        self.run_once(out, "--finish")
        self.run_once(out, "--finish")
        self.run_shards(out, 2)
        self.run_once(out, "--resume")
        self.assert_expected(out)

    def test_missing_documents_are_named(self):
        out = self.new_out()
        self.run_shards(out, 4, [0, 2, 3])
        stderr = self.run_once(out, "--finish", code=STOPPED)
        self.assertRegex(stderr, r"^qkscope: [^\n]*documents 1, 5, 9, [^\n]* missing[^\n]*"
                                 r"shard 1 of 4[^\n]*\n$")
        self.assert_only_journals(out)
        self.run_shards(out, 4, [1])
        self.finish(out)

    def test_finish_before_everything(self):
        out = self.new_out()
        stderr = self.run_once(out, "--finish", code=1)
        self.assertEqual(stderr, f"qkscope: --finish: {out} holds no journal and no finished dataset: "
                                 "run the shards first\n")

    # Kills.

    def any_start(self, out):
        flags = self.random.choice([("--resume",), ("--finish",), None, None, None, None])
        if flags is None:
            count = self.random.randrange(1, 6)
            flags = ("--shard", f"{self.random.randrange(count)}/{count}")
        return flags, self.start(out, *flags)

    def test_kills_at_random_moments(self):
        kills = 0
        while kills < KILLS:
            out = self.new_out()
            while kills < KILLS and not os.path.exists(f"{out}/README.md"):
                runs = [self.any_start(out) for _ in range(self.random.choice([1, 1, 2, 3]))]
                time.sleep(self.random.uniform(0, 1.3 * self.seconds))
                for flags, run in runs:
                    number = self.random.choice([signal.SIGKILL] * 3 + [signal.SIGTERM])
                    kills += run.poll() is None
                    run.send_signal(number)
                    stderr = run.communicate(timeout=300)[1]
                    self.assertIn(run.returncode, (0, 1, STOPPED, -number), stderr)
                    if run.returncode == 1:  # two that exclude each other
                        self.assertRegex(stderr, r"another run|is writing|holds no journal", flags)
                    if run.returncode == STOPPED:
                        self.assertRegex(stderr, r"stopped|missing", flags)
            self.run_shards(out, 3)
            self.finish(out)
        print(f"\n{kills} kills; seed {SEED}")

    def test_finish_killed_at_chosen_writes(self):
        whole = self.new_out()
        self.run_shards(whole, 2)
        count = f"{self.root}/count"
        out = self.new_out()
        shutil.copytree(whole, out)
        self.run_once(out, "--finish", fault={"QK_FAULT_AT": "0", "QK_FAULT_COUNT": count})
        self.assert_expected(out)
        with open(count) as file:
            writes = int(file.read())
        moments = {1, 2, writes - 2, writes - 1, writes, *self.random.sample(range(3, writes - 2), 15)}
        for at in sorted(moments):
            with self.subTest(at=at, of=writes, seed=SEED):
                shutil.copytree(whole, out)
                self.run_once(out, "--finish", fault={"QK_FAULT_AT": str(at), "QK_FAULT": "kill"},
                              code=-signal.SIGKILL)
                self.run_once(out, self.random.choice(["--finish", "--resume"]))
                self.assert_expected(out)

    def test_torn_journals_of_shards(self):
        """What a start leaves is never changed by a later one."""
        for _ in range(5):
            out = self.new_out()
            self.run_shards(out, 2)
            for path in self.journals(out):
                size = os.path.getsize(path)
                os.truncate(path, self.random.randrange(size // 4, size))
            before = {path: files_of(out)[os.path.relpath(path, out)] for path in self.journals(out)}
            self.run_shards(out, 3)
            for path, data in before.items():
                with open(path, "rb") as file:
                    self.assertTrue(file.read() == data, f"{path} was changed")
            self.finish(out)

    def test_a_disk_that_fills_up(self):
        out = self.new_out()
        full = {"QK_FAULT_AT": "60", "QK_FAULT": "28", "QK_FAULT_ROOM": "1"}
        kept = r"^qkscope: [^\n]*No space left on device; [^\n]* of the journal (is|are) kept: {}\n$"
        stderr = self.run_once(out, "--shard", "0/2", code=1, fault=full)
        self.assertRegex(stderr, kept.format("run the same shard again to continue"))
        self.run_shards(out, 2)
        stderr = self.run_once(out, "--finish", code=1, fault=full)
        self.assertRegex(stderr, kept.format("use --finish again"))
        self.finish(out)

    def test_stopped(self):
        out = self.new_out()
        while True:
            run = self.start(out, "--shard", "0/1")
            time.sleep(self.random.uniform(0.1, 1.0) * self.seconds)
            run.terminate()
            stderr = run.communicate(timeout=300)[1]
            if run.returncode == STOPPED:
                break
            self.assertIn(run.returncode, (0, -signal.SIGTERM), stderr)
            shutil.rmtree(out, ignore_errors=True)
        self.assertRegex(stderr, r"\nqkscope: stopped (before|after) [^\n]*; run the same shard again to "
                                 r"continue\n$")
        self.assert_only_journals(out)
        self.run_shards(out, 1)
        self.finish(out)

    # Two journals with the same document.

    def two_journals(self):
        out = self.new_out()
        self.run_shards(out, 1)
        journal = self.journals(out)[0]
        with open(journal, "rb") as file:
            data = bytearray(file.read())
        return out, journal, data

    def test_equal_copies_count_once(self):
        out, journal, data = self.two_journals()
        fixtures.write(f"{journal}.copy", bytes(data))
        fixtures.write(f"{out}/.qkscope/journal.0", bytes(data[:len(data) // 2]))
        self.finish(out)

    def test_damage_in_one_copy(self):
        for changed in ("first", "second"):
            out, journal, data = self.two_journals()
            fixtures.write(f"{journal}.copy", bytes(data))
            at, size = self.random.choice(list(records(data).values()))
            data[at + self.random.randrange(size)] ^= 1 << self.random.randrange(8)
            fixtures.write(journal if changed == "first" else f"{journal}.copy", bytes(data))
            with self.subTest(changed, seed=SEED):
                self.finish(out)

    def test_damage_in_the_only_copy(self):
        out, journal, data = self.two_journals()
        document = TWINS[0]
        at, size = records(data)[document, 0]
        data[at + 50] ^= 1
        fixtures.write(journal, bytes(data))
        self.assertRegex(self.run_once(out, "--finish", code=STOPPED), rf"document {document} ")
        self.run_shards(out, 5)
        self.finish(out)

    def test_copies_that_differ_are_refused(self):
        """Twins have payloads of one size, each with its own correct checksum: one takes the place of
        the other in a second journal."""
        out, journal, data = self.two_journals()
        places = records(data)
        numbers = sorted(number for document, number in places if document == TWINS[0])
        self.assertGreater(len(numbers), 3)
        other = bytearray(data)
        for number in numbers:
            (to, size), (source, same) = (places[twin, number] for twin in TWINS)
            self.assertEqual(size, same)
            other[to + 40:to + size] = data[source + 40:source + size]
        self.assertNotEqual(other, data)
        fixtures.write(f"{journal}.other", bytes(other))
        before = whole_tree(out)
        for flags in (("--finish",), ("--resume",), ("--shard", "0/2")):
            stderr = self.run_once(out, *flags, code=1)
            self.assertRegex(stderr, rf"^qkscope: [^\n]*document {TWINS[0]}\b[^\n]*\n$")
            self.assertNotIn("--resume", stderr)
            for name in (journal, f"{journal}.other"):
                self.assertIn(os.path.basename(name), stderr)
        self.assertEqual(set(before) - set(whole_tree(out)), set())
        os.remove(f"{journal}.other")
        self.finish(out)

    # Refusals.

    def test_shards_that_are_none(self):
        out = self.new_out()
        for text in ("3/3", "4/3", "0/0", "3", "", "/", "1/", "/3", "-1/3", "1/-3", "a/3", "1/3x", "1/2/3",
                     " 1/3", "1.0/3", "99999999999999999999/3", "0/99999999999999999999"):
            with self.subTest(text):
                stderr = self.run_once(out, f"--shard={text}", code=1)
                self.assertRegex(stderr, r"^qkscope: [^\n]*--shard[^\n]*\n$")
                self.assertFalse(os.path.exists(out))

    def test_options_that_exclude_each_other(self):
        out = self.new_out()
        for flags in (("--shard", "0/2", "--overwrite"), ("--shard", "0/2", "--finish"),
                      ("--finish", "--overwrite")):
            with self.subTest(flags):
                stderr = self.run_once(out, *flags, code=1)
                self.assertRegex(stderr, rf"^qkscope: [^\n]*{flags[0]}[^\n]*\n$")
                self.assertIn(flags[-1], stderr)
                self.assertFalse(os.path.exists(out))
        self.run_once(out, "--shard", "0/2", "--resume")
        self.run_shards(out, 2)
        self.finish(out)

    def stopped_start(self, out, *flags):
        run = self.start(out, *flags)
        while not glob.glob(f"{out}/.qkscope/owner.*") + glob.glob(f"{out}/.qkscope/shard.*"):
            self.assertIsNone(run.poll(), "the run ended before it could be looked at")
            time.sleep(0.001)
        os.kill(run.pid, signal.SIGSTOP)
        return run

    def go_on(self, run):
        os.kill(run.pid, signal.SIGCONT)
        stderr = run.communicate(timeout=300)[1]
        self.assertEqual(run.returncode, 0, stderr)

    def test_a_plain_run_while_a_shard_writes(self):
        out = self.new_out()
        run = self.stopped_start(out, "--shard", "0/2")
        try:
            for flags in ((), ("--resume",), ("--overwrite",), ("--finish",)):
                with self.subTest(flags):
                    stderr = self.run_once(out, *flags, code=1)
                    self.assertRegex(stderr, rf"^qkscope: {re.escape(out)}: [^\n]*\n$")
                    self.assertRegex(stderr, r"another run|is writing")
            self.run_shards(out, 2, [1])
        finally:
            self.go_on(run)
        self.finish(out)

    def test_a_shard_while_a_plain_run_writes(self):
        out = self.new_out()
        run = self.stopped_start(out)
        try:
            for flags in (("--shard", "0/2"), ("--finish",)):
                stderr = self.run_once(out, *flags, code=1)
                self.assertRegex(stderr, rf"^qkscope: {re.escape(out)}: [^\n]*\n$")
                self.assertRegex(stderr, r"another run|is writing")
        finally:
            self.go_on(run)
        self.assert_expected(out)

    # Owners on other nodes. Another name makes this machine one.

    def start_elsewhere(self, out, *flags):
        command = [PROGRAM, "sniff", "--quiet", "--threads", "1", *fixtures.sniff_arguments(self.config, out, *flags)]
        faults = ["env", f"LD_PRELOAD={FAULTS}", f"QK_FAULT_FOLDER={out}", "QK_FAULT_MS=50",
                  "ASAN_OPTIONS=verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")]
        return subprocess.Popen(
            ["unshare", "--uts", "sh", "-c", 'hostname node17; exec "$@"', "-", *faults, *command],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def killed_elsewhere(self, *flags):
        """A folder with the owner file that kill -9 has left, which is 50 s old now."""
        if subprocess.run(["unshare", "--uts", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("unshare --uts is not allowed here")
        out = self.new_out()
        run = self.start_elsewhere(out, *flags)
        while not any(os.path.getsize(path) > 3000 for path in self.journals(out)):
            self.assertIsNone(run.poll(), "the run ended before it could be killed")
            time.sleep(0.005)
        run.kill()
        run.communicate()
        owner, = glob.glob(f"{out}/.qkscope/owner.*") + glob.glob(f"{out}/.qkscope/shard.*")
        os.utime(owner, (time.time() - 50,) * 2)
        return out, owner

    WAITS = (r"qkscope: warning: {out}: process \d+ on node17 was writing into this folder and may have ended: "
             r"waiting for a sign of life, 60 s at most\n")

    def test_a_run_killed_on_another_node(self):
        for killed, flags in ((), ("--resume",)), ((), ("--shard", "0/1")), (("--shard", "0/1"), ("--resume",)):
            with self.subTest(killed=killed, flags=flags):
                out, _ = self.killed_elsewhere(*killed)
                stderr = self.run_once(out, *flags)
                self.assertRegex(stderr, "^" + self.WAITS.format(out=re.escape(out)))
                if "--shard" in flags:
                    self.finish(out)
                else:
                    self.assert_expected(out)

    def test_a_run_that_lives_on_another_node(self):
        out, owner = self.killed_elsewhere()
        run = self.start(out, "--resume")
        self.assertRegex(run.stderr.readline(), self.WAITS.format(out=re.escape(out)))
        os.utime(owner)
        stderr = run.communicate(timeout=30)[1]
        self.assertEqual(run.returncode, 1, stderr)
        self.assertRegex(stderr, r"^qkscope: [^\n]*: another run is writing into this folder: process \d+ on node17\n$")
        run = self.start(out, "--resume")
        self.assertRegex(run.stderr.readline(), "waiting for a sign of life")
        begin = time.monotonic()
        run.terminate()
        stderr = run.communicate(timeout=30)[1]
        self.assertEqual(run.returncode, STOPPED, stderr)
        self.assertLess(time.monotonic() - begin, 10)
        self.assertTrue(os.path.exists(owner))
        os.utime(owner, (time.time() - 61,) * 2)
        self.run_once(out, "--resume")
        self.assert_expected(out)

    def test_another_configuration(self):
        out = self.new_out()
        self.run_shards(out, 2, [0])
        for flags in (("--shard", "1/2"), ("--finish",)):
            stderr = self.run_once(out, *flags, "--set", "capture.min_bucket_size=8", code=1)
            self.assertRegex(stderr, r"is the journal of another run: config\.capture\.min_bucket_size")
            self.assertRegex(stderr, r"; to begin anew, remove the output folder, or run once with "
                             r"--overwrite and without --shard\n$" if flags[0] == "--shard" else
                             r"; --overwrite discards it\n$")
        self.run_shards(out, 2, [1])
        self.finish(out)

    def test_a_journal_of_a_plain_run(self):
        """Begun plainly and stopped, it goes on in shards."""
        out = self.new_out()
        self.run_once(out, fault={"QK_FAULT_AT": "70", "QK_FAULT": "kill"}, code=-signal.SIGKILL)
        self.assertTrue(os.path.exists(f"{out}/.qkscope/journal"))
        self.run_shards(out, 3)
        stderr = self.run_once(out, code=1)
        self.assertRegex(stderr, r"an interrupted run left this journal")
        self.finish(out)

    # Time limits.

    def test_time_limit(self):
        """A second is kept free, so one second is enough for nothing, and two not for everything."""
        fixtures.make_corpus(f"{self.root}/long/corpus", [60, 5, 90, 33] * 600)
        sets = ("--set", f"dataset.path={self.root}/long/corpus")
        plain, out = self.new_out(), self.new_out()
        self.run_once(plain, *sets)
        stopped = 0
        for start in range(500):
            flags = ("--shard", f"{start % 2}/2") if start % 3 else ("--resume",)
            limit = ["1s", "2s", "2s"][start] if start < 3 else "1h"
            run = self.start(out, *sets, *flags, "--time-limit", limit)
            stderr = run.communicate(timeout=300)[1]
            if run.returncode == STOPPED:
                stopped += 1
                self.assertRegex(stderr, r"^qkscope: [^\n]*time limit[^\n]*\n$")
                continue
            self.assertEqual(run.returncode, 0, stderr)
            if os.path.exists(f"{out}/README.md"):
                break
        self.assertGreater(stopped, 0)
        self.assertTrue(whole_tree(plain) == whole_tree(out))

    def test_time_limits_that_are_none(self):
        out = self.new_out()
        for text in ("", "soon", "-1s", "0", "3h55", "1s2h"):
            with self.subTest(text):
                stderr = self.run_once(out, f"--time-limit={text}", code=1)
                self.assertRegex(stderr, r"^qkscope: [^\n]*--time-limit[^\n]*\n$")
                self.assertFalse(os.path.exists(out))


if __name__ == "__main__":
    unittest.main(verbosity=1)
