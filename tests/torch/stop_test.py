#!/usr/bin/env python3
"""Captures on torch:cpu that are killed or stopped: once resumed, they give the same bytes as an
undisturbed capture. What --resume refuses.

usage: stop_test.py QKSCOPE PLUGIN

QK_TORTURE_SEED repeats the random moments of an earlier run, which printed its seed; QK_TORTURE_KILLS
sets the number of kills (default: 4)."""

import glob
import os
import random
import signal
import subprocess
import time
import unittest

from torch_case import CPU, PROGRAM, TORCH, TorchCase, environment, fixtures

SEED = int(os.environ.get("QK_TORTURE_SEED", random.SystemRandom().randrange(10**6)))
KILLS = int(os.environ.get("QK_TORTURE_KILLS", "4"))
STOPPED = 75
TRIES = 20


class Stop(TorchCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        fixtures.make_corpus(f"{cls.root}/corpus", lengths=[60, 5, 90, 33] * 25)
        cls.random = random.Random(SEED)

    def start(self, out, *flags, **options):
        return subprocess.Popen([PROGRAM, *self.command(out, *flags, **options)], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=environment())

    def expected(self, **options):
        begin = time.monotonic()
        out = self.sniff(**options)
        return out, time.monotonic() - begin

    def wait_for_journal(self, run, out, size=10_000):
        journal = f"{out}/.qkscope/journal"
        for _ in range(60_000):
            if run.poll() is not None or (os.path.exists(journal) and os.path.getsize(journal) > size):
                return
            time.sleep(0.001)
        self.fail("no journal after a minute")

    def stop(self, number, **options):
        """A capture that was stopped by a signal in its middle; begun again if it ended before that."""
        for _ in range(TRIES):
            out = self.new_out()
            run = self.start(out, **options)
            self.wait_for_journal(run, out)
            run.send_signal(number)
            stderr = run.communicate(timeout=60)[1]
            if run.returncode != 0:
                break
        self.assertEqual(run.returncode, STOPPED, stderr)
        self.assertIn("use --resume to continue", stderr)
        self.assertEqual(glob.glob(f"{out}/*"), [])
        return out

    def test_kills_at_random_moments(self):
        for dtype in ("float32", "bfloat16"):
            expected, seconds = self.expected(dtype=dtype)
            kills = 0
            while kills < KILLS // 2:
                out = self.new_out()
                while True:
                    run = self.start(out, "--resume", dtype=dtype)
                    try:
                        run.wait(self.random.uniform(0, 1.1 * seconds))
                    except subprocess.TimeoutExpired:
                        run.kill()
                    stderr = run.communicate()[1]
                    if run.returncode != -signal.SIGKILL:
                        break
                    kills += 1
                self.assertEqual(run.returncode, 0, stderr)
                self.assert_same_files(expected, out)
        print(f"\nseed {SEED}")

    def test_signals_finish_the_documents_in_progress(self):
        expected, _ = self.expected(dtype="bfloat16")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            with self.subTest(number.name):
                out = self.stop(number, dtype="bfloat16")
                self.sniff("--resume", dtype="bfloat16", out=out, sets=["inference.batch_size=3"])
                self.assert_same_files(expected, out)

    def test_resume_on_another_device_is_refused(self):
        for begun, resumed in ((TORCH, CPU), (CPU, TORCH)):
            with self.subTest(begun):
                out = self.stop(signal.SIGTERM, device=begun)
                said = self.sniff("--resume", out=out, device=resumed, code=1)
                self.assertEqual(said.count("\n"), 1, said)
                self.assertIn(f"it was computed on {begun}", said)

    def test_resume_with_other_numbers_is_refused(self):
        out = self.stop(signal.SIGTERM)
        for flags, dtype, name in (((), "bfloat16", "computed_in was"),
                                   (("--chunk-tokens", "64"), "float32", "chunk"),
                                   (("--threads", str(2 * os.cpu_count() + 1)), "float32", "threads")):
            with self.subTest(name):
                said = self.sniff("--resume", *flags, out=out, dtype=dtype, code=1)
                self.assertEqual(said.count("\n"), 1, said)
                self.assertIn(name, said)
        self.sniff("--resume", out=out)
        self.assert_same_files(self.sniff(), out)


if __name__ == "__main__":
    unittest.main(verbosity=1)
