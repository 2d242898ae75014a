"""What tests of `qkscope sniff` under real launchers share: a Slurm of two virtual nodes, a corpus, and
the dataset that one process makes of it."""

import contextlib
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import fixtures
import journals
import mpi_installations
import private_machine
import processes
import slurm_cluster
from slurm_cluster import OPEN_MPI, SlurmCluster

HOST = private_machine.HOST
STOPPED = 75
MAX_LENGTH = 128  # tokens of a document, in the configuration of fixtures.py
PMIX = ["srun", "-Q", "--mpi=pmix", "--kill-on-bad-exit=0", "--overcommit"]
PMI2 = ["srun", "-Q", "--mpi=pmi2", "--kill-on-bad-exit=0", "--overcommit"]


def dataset(folder):
    return {name: data for name, data in fixtures.files_of(folder).items()
            if not name.startswith(".qkscope/")}
MANY_LENGTHS = [400, 90, 5, 0, 300, 41, 100, 17, 350, 64, 128, 1, 77, 33, 110, 380] * 20


class RanksCase(unittest.TestCase):
    QKSCOPE = None  # the program
    LENGTHS = []    # of the documents, in words

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="qk-run-"))
        cls.config = fixtures.make_all(cls.folder)
        fixtures.make_corpus(f"{cls.folder}/corpus", cls.LENGTHS)
        cls.cluster = cls.enterClassContext(SlurmCluster(f"{cls.folder}/slurm", num_nodes=2))
        slurm_cluster.report_start(cls.cluster)
        cls.number = 0
        start = time.monotonic()
        done = subprocess.run([cls.QKSCOPE, *cls.words(f"{cls.folder}/alone")], check=False, text=True,
                              capture_output=True)
        print(f"alone: {time.monotonic() - start:.1f} s", file=sys.stderr)
        assert done.returncode == 0, done.stderr
        cls.expected = dataset(f"{cls.folder}/alone")
        cls.journal_bytes = sum(map(len, cls.expected.values()))  # about
        cls.num_tokens = sum(min(length, MAX_LENGTH) for length in cls.LENGTHS)

    @classmethod
    def words(cls, out, *more):
        return ["sniff", cls.config, "--set", f"output.data_root={out}", "--threads", "1", *more]

    def out(self):
        type(self).number += 1
        return f"{self.folder}/out{self.number}"

    def sniff(self, launcher, out, *more, env=None, timeout=90):
        return self.cluster.run([*launcher, self.QKSCOPE, *self.words(out, *more)], check=False,
                                env=env or OPEN_MPI, timeout=timeout)

    def start(self, launcher, out, *more, env=None):
        """A Popen. Its ranks take each other for lost after two seconds, once they have begun."""
        return self.cluster.start([*launcher, self.QKSCOPE, *self.words(out, *more)],
                                  env=(env or OPEN_MPI) | {"QKSCOPE_LOST_SECONDS": "2"})

    def pids(self, out):
        """{rank: pid} of the copies under srun that write into this folder."""
        return {int(environment.get("SLURM_PROCID", -1)): pid
                for pid, (words, environment) in processes.find(self.QKSCOPE).items()
                if f"output.data_root={out}" in words}

    def kill_ranks(self, out, ranks):
        pids = self.pids(out)
        for rank in ranks:
            self.assertIn(rank, pids, "the run ended before the kill")
            os.kill(pids[rank], signal.SIGKILL)
        self.assertFalse(os.path.exists(f"{out}/README.md"))

    def journal_sizes(self, out):
        """{name: bytes}"""
        sizes = {}
        for path in glob.glob(f"{out}/.qkscope/journal*"):
            with contextlib.suppress(FileNotFoundError):
                sizes[os.path.basename(path)] = os.path.getsize(path)
        return sizes

    def wait_for_journals(self, out, process, part):
        """Until the journals have about this part of all documents."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if sum(self.journal_sizes(out).values()) > part * self.journal_bytes:
                return
            time.sleep(0.01)

    def assert_finishes(self, out, launcher=(), env=None):
        """--resume computes what no journal has, and nothing else, and makes the dataset."""
        before = sum(journals.of_folder(out).values())
        done = self.sniff(launcher, out, "--resume", "--set", "inference.debug_logging=true", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(dataset(out), self.expected)
        computed, of = re.findall(r"^([\d,]+) tokens? computed of ([\d,]+);", done.stderr, re.M)[-1]
        self.assertEqual(int(of.replace(",", "")), self.num_tokens - before, done.stderr)
        self.assertLessEqual(int(computed.replace(",", "")), self.num_tokens - before, done.stderr)
        return before

    def need(self, flavour):
        """mpirun of this MPI."""
        program = mpi_installations.mpirun(flavour)
        if program is None:
            self.skipTest(f"{flavour} is not installed")
        return program

    def sentences(self, stderr):
        """What the program says, without its name and without warnings."""
        said = [line.removeprefix("qkscope: ") for line in stderr.splitlines()
                if line.startswith("qkscope: ")]
        return [sentence for sentence in said if not sentence.startswith("warning: ")]

    def script(self, name, command, rank=1):
        """The path of a program that starts its arguments; on this rank of srun with this shell command."""
        path = fixtures.write(f"{self.folder}/{name}.sh", f"""#!/bin/sh
if [ "$SLURM_PROCID" = {rank} ]; then
  {command}
fi
exec "$@"
""")
        os.chmod(path, 0o755)
        return path


def main():
    slurm_cluster.need_slurm()
    private_machine.enter()
    RanksCase.QKSCOPE = os.path.abspath(sys.argv.pop(1))
