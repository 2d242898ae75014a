"""`qkscope sniff` under real launchers and MPI libraries: the bytes of one process, whoever computes
them and whoever is killed meanwhile. argv: qkscope.

QK_CLUSTER_SEED repeats the random moments of an earlier run, which printed its seed."""

import contextlib
import glob
import os
import random
import re
import signal
import subprocess
import sys
import time
import unittest

import ranks_case
from ranks_case import HOST, PMI2, PMIX, STOPPED, RanksCase, dataset
from slurm_cluster import MPICH, OPEN_MPI

SEED = int(os.environ.get("QK_CLUSTER_SEED", random.SystemRandom().randrange(10**6)))


class RunTest(RanksCase):
    LENGTHS = [400, 90, 5, 0, 300, 41, 100, 17, 350, 64, 128, 1, 77, 33, 110, 380] * 20

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.random = random.Random(SEED)
        cls.journal_bytes = sum(map(len, cls.expected.values()))  # about

    def assert_same_bytes(self, launcher, env, *more):
        out = self.out()
        start = time.monotonic()
        done = self.sniff(launcher, out, *more, env=env)
        print(f"{' '.join(os.path.basename(word) for word in launcher)}: "
              f"{time.monotonic() - start:.1f} s", file=sys.stderr)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("Dataset   "), 1, done.stdout)  # rank 0 alone reports
        self.assertEqual(dataset(out), self.expected)
        self.assertFalse(os.path.exists(f"{out}/.qkscope"), os.listdir(out))
        again = self.sniff(launcher, out, "--resume", env=env)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("is finished already", again.stdout)
        return done

    def test_srun_with_open_mpi(self):
        self.need("openmpi")
        self.assert_same_bytes([*PMIX, "-N2", "-n4"], OPEN_MPI)

    def test_srun_with_mpich(self):
        self.need("mpich")
        self.assert_same_bytes([*PMI2, "-N2", "-n3"], MPICH)

    def test_mpirun(self):
        for name, env in (("openmpi", OPEN_MPI), ("mpich", MPICH)):
            with self.subTest(name=name):
                mpirun = self.need(name)
                self.assert_same_bytes([mpirun, "-n", "2"], env)

    def test_weights_in_memory(self):
        """One rank copies them, the others map its copy."""
        self.need("openmpi")
        done = self.assert_same_bytes([*PMIX, "-N2", "-n3"], OPEN_MPI, "--stage", "ram")
        self.assertRegex(done.stdout, "Weights .* in memory")
        warnings = [line for line in done.stderr.splitlines() if "warning" in line]
        self.assertEqual(len(warnings), 1, done.stderr)
        self.assertIn("documents without tokens", warnings[0])

    def test_one_error_sentence(self):
        self.need("openmpi")
        out = self.out()
        done = self.sniff([*PMIX, "-N2", "-n3"], out, "--set", "model.name=/nowhere", env=OPEN_MPI)
        lines = [line for line in done.stderr.splitlines() if line.startswith("qkscope: ")]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertIn("/nowhere", lines[0])
        self.assertEqual(done.returncode, 1)

    def test_dry_run(self):
        self.need("openmpi")
        out = self.out()
        done = self.sniff([*PMIX, "-N2", "-n3"], out, "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ranks     3 on 1 node, by srun, over Open MPI 4", done.stdout)
        self.assertEqual(len(re.findall(r"MB/s", done.stdout)), 1, done.stdout)
        self.assertFalse(os.path.exists(out))

    def test_a_folder_that_is_not_shared(self):
        """Rank 1 has another file system there, as if the folder were on a local disk."""
        self.need("openmpi")
        out = self.out()
        os.makedirs(out)
        script = self.script(
            "apart", f"exec unshare -m sh -c 'mount -t tmpfs none {out} && exec \"$@\"' - \"$@\"")
        done = self.sniff([*PMIX, "-N2", "-n2", script], out,
                          env=OPEN_MPI | {"QKSCOPE_LOST_SECONDS": "1"})
        self.assertEqual(self.sentences(done.stderr),
                         [f"{HOST} (rank 1) does not see what {HOST} (rank 0) wrote: is {out} the same "
                          "folder on both?"], done.stderr)
        self.assertEqual(done.returncode, 1)

    # Kills.

    def start(self, launcher, out, *more, env=None):
        return self.cluster.start([*launcher, self.QKSCOPE, *self.words(out, *more)],
                                  env=(env or OPEN_MPI) | {"QKSCOPE_LOST_SECONDS": "2"})

    def pids(self, out):
        """{rank: pid} of the copies that write into this folder."""
        found = {}
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    words = file.read().decode(errors="replace").split("\0")
                with open(f"{os.path.dirname(path)}/environ", "rb") as file:
                    variables = dict(item.split("=", 1)
                                     for item in file.read().decode(errors="replace").split("\0")
                                     if "=" in item)
            except OSError:
                continue
            if words[:1] == [self.QKSCOPE] and f"output.data_root={out}" in words:
                found[int(variables.get("SLURM_PROCID", -1))] = int(path.split("/")[2])
        return found

    def wait_for_journals(self, out, process, part):
        """Until the journals have about this part of all documents."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            size = 0
            for path in glob.glob(f"{out}/.qkscope/journal.*"):
                with contextlib.suppress(FileNotFoundError):
                    size += os.path.getsize(path)
            if size > part * self.journal_bytes:
                return
            time.sleep(0.01)

    def kill_ranks(self, out, ranks):
        pids = self.pids(out)
        for rank in ranks:
            self.assertIn(rank, pids, "the run ended before the kill")
            os.kill(pids[rank], signal.SIGKILL)
        self.assertFalse(os.path.exists(f"{out}/README.md"))

    def test_a_killed_worker(self):
        """The others go on to the end, with a warning; srun's exit code tells of the killed one."""
        self.need("openmpi")
        out = self.out()
        run = self.start([*PMIX, "-N2", "-n2"], out)
        self.wait_for_journals(out, run, 0.2)
        self.kill_ranks(out, [1])
        stdout, stderr = run.communicate(timeout=90)
        self.assertEqual(dataset(out), self.expected, stdout + stderr)
        self.assertEqual(run.returncode, 128 + signal.SIGKILL, stdout + stderr)
        self.assertEqual(stdout.count("Dataset   "), 1, stdout)
        self.assertEqual(self.sentences(stderr), [])
        warnings = [line for line in stderr.splitlines() if "not heard of" in line]
        self.assertEqual(len(warnings), 1, stderr)
        self.assertRegex(warnings[0], rf"^qkscope: warning: {HOST} \(rank 1\): not heard of for 2 s; "
                         r"its (task is given to another|\d+ tasks are given to others)$")

    def test_killed_ranks_and_resumes(self):
        """Killed at random moments, then with 3 ranks, then as a shard, then alone."""
        self.need("openmpi")
        for ranks in ([0], [0, 1, 2, 3]):
            with self.subTest(killed=ranks, seed=SEED):
                out = self.out()
                run = self.start([*PMIX, "-N2", "-n4"], out)
                self.wait_for_journals(out, run, self.random.uniform(0.05, 0.4))
                self.kill_ranks(out, ranks)
                run.communicate(timeout=90)
                run = self.start([*PMIX, "-N2", "-n3"], out, "--resume")
                self.wait_for_journals(out, run, self.random.uniform(0.45, 0.7))
                self.kill_ranks(out, range(3))
                run.communicate(timeout=90)
                done = subprocess.run([self.QKSCOPE, *self.words(out, "--shard", "1/3")], check=False,
                                      text=True, capture_output=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                done = subprocess.run([self.QKSCOPE, *self.words(out, "--resume")], check=False, text=True,
                                      capture_output=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(dataset(out), self.expected)

    def test_a_stop(self):
        self.need("openmpi")
        out = self.out()
        run = self.start([*PMIX, "-N2", "-n3"], out)
        self.wait_for_journals(out, run, 0.2)
        os.kill(self.pids(out)[2], signal.SIGUSR1)
        _, stderr = run.communicate(timeout=90)
        self.assertEqual(run.returncode, STOPPED, stderr)
        self.assertEqual(stderr.count("use --resume to continue"), 1, stderr)
        done = self.sniff([*PMIX, "-N2", "-n2"], out, "--resume")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(dataset(out), self.expected)


if __name__ == "__main__":
    ranks_case.main()
    print(f"seed {SEED}", file=sys.stderr)
    unittest.main()
