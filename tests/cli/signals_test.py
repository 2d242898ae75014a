#!/usr/bin/env python3
"""Signals of terminals and batch systems in every stage of a run.

usage: signals_test.py QKSCOPE"""

import glob
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
STOPPED = 75
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGXCPU)


def watches(pid, number):
    """Whether the process has a handler for the signal."""
    with open(f"/proc/{pid}/status") as file:
        caught = next(line for line in file if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


class Signals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = cls.folder.name
        cls.config = fixtures.make_all(cls.root)
        fixtures.make_corpus(f"{cls.root}/corpus", lengths=[60, 5, 90, 33] * 150)
        cls.number = 0
        cls.run_to_end(f"{cls.root}/plain")
        cls.expected = files_of(f"{cls.root}/plain")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def start(cls, out, *flags, program=(PROGRAM,)):
        return subprocess.Popen([*program, "sniff", "--quiet", "--threads", "1",
                                 *fixtures.sniff_arguments(cls.config, out, *flags)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @classmethod
    def run_to_end(cls, out, *flags):
        run = cls.start(out, *flags)
        stderr = run.communicate(timeout=300)[1]
        assert run.returncode == 0, stderr

    def new_out(self):
        Signals.number += 1
        return f"{self.root}/out{Signals.number}"

    def wait_for(self, run, condition):
        for _ in range(60_000):
            if condition():
                return
            self.assertIsNone(run.poll(), "the run ended before it could be stopped")
            time.sleep(0.001)
        self.fail("waited for a minute")

    def wait_for_handlers(self, run):
        self.wait_for(run, lambda: watches(run.pid, signal.SIGUSR1))

    def wait_for_documents(self, run, out):
        journal = f"{out}/.qkscope/journal"
        self.wait_for(run, lambda: os.path.exists(journal) and os.path.getsize(journal) > 200_000)

    def wait_for_files(self, run, out):
        self.wait_for(run, lambda: glob.glob(f"{out}/l*/data.parquet.tmp"))

    def assert_stopped(self, run, out):
        stdout, stderr = run.communicate(timeout=60)
        self.assertEqual(run.returncode, STOPPED, stderr)
        self.assertEqual(stdout, "")
        self.assertRegex(stderr, r"\nqkscope: stopped (before|after) .*; use --resume to continue\n$")
        self.assertEqual([name for name in files_of(out) if not name.startswith(".qkscope/")], [])
        return stderr

    def assert_resumes(self, out):
        self.run_to_end(out, "--resume")
        self.assertTrue(files_of(out) == self.expected)

    def test_each_signal_finishes_the_document_in_progress(self):
        for number in STOPS:
            with self.subTest(number.name):
                out = self.new_out()
                run = self.start(out)
                self.wait_for_documents(run, out)
                run.send_signal(number)
                self.assertRegex(self.assert_stopped(run, out), r"stopped after [\d,]+ documents")
                self.assert_resumes(out)

    def test_before_the_first_document(self):
        for number in STOPS:
            with self.subTest(number.name):
                out = self.new_out()
                run = self.start(out)
                self.wait_for_handlers(run)
                run.send_signal(number)
                self.assert_stopped(run, out)
                self.assert_resumes(out)

    def test_a_plain_start_after_a_stop_before_the_first_document(self):
        out = self.new_out()
        run = self.start(out)
        self.wait_for_handlers(run)
        run.terminate()
        stderr = self.assert_stopped(run, out)
        if "before the first document" in stderr and not os.path.exists(f"{out}/.qkscope/journal"):
            self.run_to_end(out)
            self.assertTrue(files_of(out) == self.expected)

    def test_while_files_are_written(self):
        for number in (signal.SIGTERM, signal.SIGUSR2):
            with self.subTest(number.name):
                out = self.new_out()
                run = self.start(out)
                self.wait_for_files(run, out)
                run.send_signal(number)
                self.assert_stopped(run, out)
                self.assert_resumes(out)

    def test_repeated_signals_do_not_kill(self):
        for number in STOPS[1:]:
            with self.subTest(number.name):
                out = self.new_out()
                run = self.start(out)
                self.wait_for_documents(run, out)
                for _ in range(20):
                    run.send_signal(number)
                    time.sleep(0.0005)
                self.assert_stopped(run, out)
                self.assert_resumes(out)

    def test_mixed_signals_do_not_kill(self):
        out = self.new_out()
        run = self.start(out)
        self.wait_for_documents(run, out)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP, signal.SIGTERM):
            run.send_signal(number)
        self.assert_stopped(run, out)
        self.assert_resumes(out)

    def test_a_second_ctrl_c_ends_at_once(self):
        out = self.new_out()
        run = self.start(out)
        self.wait_for_documents(run, out)
        run.send_signal(signal.SIGSTOP)  # so that both are handled before a document is finished
        run.send_signal(signal.SIGINT)
        run.send_signal(signal.SIGCONT)
        self.wait_for(run, lambda: run.stderr.readline() and run.stderr.readline())
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
        self.assertIn(run.returncode, (-signal.SIGINT, STOPPED))
        self.assert_resumes(out)

    def test_while_it_resumes(self):
        out = self.new_out()
        run = self.start(out)
        self.wait_for_documents(run, out)
        run.terminate()
        self.assert_stopped(run, out)
        run = self.start(out, "--resume")
        self.wait_for_handlers(run)
        run.terminate()
        self.assert_stopped(run, out)
        self.assert_resumes(out)

    def test_overwrite_that_is_stopped_early_is_resumed(self):
        out = self.new_out()
        self.run_to_end(out, "--set", "capture.layers=[2]")
        before = files_of(out)
        run = self.start(out, "--overwrite")
        self.wait_for_handlers(run)
        run.terminate()
        stderr = run.communicate(timeout=60)[1]
        self.assertEqual(run.returncode, STOPPED, stderr)
        self.assertTrue(before.items() <= files_of(out).items())
        self.assert_resumes(out)

    def test_streamed_weights(self):
        out = self.new_out()
        wide = {"hidden_size": 256, "intermediate_size": 8192, "num_hidden_layers": 3}
        fixtures.make_wide_model(f"{self.root}/wide", **wide)
        sets = ("--set", f"model.name={self.root}/wide",
                "--set", f"tokenizer.name={self.root}/model",
                "--set", "capture.head_sampling={count: 3, seed: 1}",
                "--set", "dataset.max_samples=40")
        plain = self.new_out()
        # The least memory of a run, with which weights are streamed; sanitizers need more.
        refused = self.start(plain, *sets, "--ram", "2MB").communicate(timeout=60)[1]
        sets += ("--ram", re.search(r"give --ram (\d+MB)", refused).group(1))
        self.run_to_end(plain, *sets)
        run = self.start(out, *sets)
        self.wait_for_handlers(run)
        run.send_signal(signal.SIGUSR1)
        run.send_signal(signal.SIGUSR1)
        self.assert_stopped(run, out)
        self.run_to_end(out, "--resume", *sets)
        self.assertTrue(files_of(out) == files_of(plain))

    def test_the_end_of_the_process_that_started_it(self):
        """A shell that is killed, as Python by the kernel, cannot pass on anything."""
        out = self.new_out()
        words = [PROGRAM, "sniff", "--quiet", "--threads", "1", *fixtures.sniff_arguments(self.config, out)]
        code = ("import os, subprocess, sys; os.environ['QKSCOPE_STOP_WITH'] = str(os.getpid())\n"
                "run = subprocess.Popen(sys.argv[1:]); print(run.pid, flush=True); run.wait()")
        parent = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        pid = int(parent.stdout.readline())
        self.wait_for_documents(parent, out)
        with open(f"/proc/{pid}/environ", "rb") as file:
            self.assertIn(f"QKSCOPE_STOP_WITH={parent.pid}".encode(), file.read())
        parent.kill()
        self.assertIn("they are kept in", parent.communicate(timeout=60)[1])  # until the last writer has ended
        self.assertFalse(os.path.exists(f"{out}/README.md"))
        self.run_to_end(out, "--resume")
        self.assertEqual(files_of(out), self.expected)

    def test_another_process_is_not_waited_for(self):
        """The one that started it ends, the one that the variable names lives on."""
        out = self.new_out()
        words = [PROGRAM, "sniff", "--quiet", "--threads", "1", *fixtures.sniff_arguments(self.config, out)]
        parent = subprocess.Popen(["sh", "-c", '"$@" & read -r _', "sh", *words], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  env={**os.environ, "QKSCOPE_STOP_WITH": str(os.getpid())})
        self.wait_for_documents(parent, out)
        self.assertFalse(os.path.exists(f"{out}/README.md"))
        self.assertEqual(parent.communicate(timeout=300)[1], "")  # until the last writer has ended
        self.assertTrue(files_of(out) == self.expected)

    def test_nohup(self):
        out = self.new_out()
        run = self.start(out, program=("nohup", PROGRAM))
        self.wait_for_documents(run, out)
        run.send_signal(signal.SIGHUP)
        stderr = run.communicate(timeout=300)[1]
        self.assertEqual(run.returncode, 0, stderr)
        self.assertTrue(files_of(out) == self.expected)

    def test_analyze_writes_nothing(self):
        results = f"{self.root}/results"
        for number in STOPS:
            with self.subTest(number.name):
                run = subprocess.Popen(
                    [PROGRAM, "analyze", "--dataset", f"{self.root}/plain", "--threads", "1",
                     "--bootstrap", "2000", "--output_csv", f"{results}/h.csv"],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                self.wait_for_handlers(run)
                run.send_signal(number)
                if number != signal.SIGINT:
                    run.send_signal(number)
                stderr = run.communicate(timeout=300)[1]
                self.assertEqual(run.returncode, 1, stderr)
                self.assertRegex(stderr, r"qkscope: stopped after \d+ heads?; nothing was written, "
                                         r"start it again\n$")
                self.assertEqual(files_of(results), {})
        said = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, timeout=60).stdout
        self.assertRegex(said, r"\n +75 .*\(analyze: 1, since nothing of it is kept\)\n")


if __name__ == "__main__":
    unittest.main(verbosity=1)
