"""`qkscope sniff` under real launchers and MPI libraries: the bytes of one process, whoever
computes them. argv: qkscope."""

import os
import re
import signal
import sys
import time
import unittest

import journals
import ranks_case
from ranks_case import HOST, MANY_LENGTHS, PMI2, PMIX, STOPPED, RanksCase, dataset
from slurm_cluster import MPICH, OPEN_MPI


class RunTest(RanksCase):
    LENGTHS = MANY_LENGTHS

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
        """What a user sends us: a row for each rank."""
        self.need("openmpi")
        out = self.out()
        # A cgroup may leave fewer than all of the cores.
        shared = [[max(1, cores // 3 + (i < cores % 3)) for i in range(3)]
                  for cores in range(1, len(os.sched_getaffinity(0)) + 1)]
        for more, threads in (([], shared), (["--threads", "5"], [[5] * 3])):
            done = self.cluster.run([*PMIX, "-N2", "-n3", self.QKSCOPE, "sniff", self.config, "--set",
                                     f"output.data_root={out}", "--dry-run", *more], check=False, env=OPEN_MPI)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"\nranks     3 on 1 node, by srun, over Open MPI 4[^\n]*; they see "
                             r"one output folder\n  rank  node  +device  +threads +memory +reads weights\n")
            rows = re.findall(r"^  (\d) +(\S+) +(\S+) +(\d+) of (\d+) +(\d+) GB( +\d+ MB/s)?$", done.stdout,
                              re.M)
            self.assertEqual([(*row[:3], row[4]) for row in rows],
                             [(str(rank), HOST, "cpu", str(os.cpu_count())) for rank in range(3)], done.stdout)
            self.assertIn([int(row[3]) for row in rows], threads, done.stdout)
            # Each rank has its share of a node's memory, which a cgroup may limit; one reads weights.
            self.assertEqual(len({row[5] for row in rows}), 1, done.stdout)
            self.assertLessEqual(float(rows[0][5]), self.gigabytes(3), done.stdout)
            self.assertEqual([bool(row[6]) for row in rows], [True, False, False], done.stdout)
            self.assertFalse(os.path.exists(out))

    @staticmethod
    def gigabytes(num_ranks):
        """A rank's share of this machine's memory, as it is printed."""
        return float(f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') // num_ranks / 1e9:.0f}")

    # Starts that go on from others.

    def test_a_stop(self):
        self.need("openmpi")
        out = self.out()
        run = self.start([*PMIX, "-N2", "-n3"], out)
        self.wait_for_journals(out, run, 0.2)
        os.kill(self.pids(out)[2], signal.SIGUSR1)
        _, stderr = run.communicate(timeout=90)
        self.assertEqual(run.returncode, STOPPED, stderr)
        self.assertEqual(stderr.count("use --resume to continue"), 1, stderr)
        self.assertGreater(self.assert_finishes(out, [*PMIX, "-N2", "-n2"]), 0)

    def test_ranks_after_a_shard(self):
        self.need("openmpi")
        out = self.out()
        done = self.sniff([], out, "--shard", "1/3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(journals.of_folder(out)), list(range(1, len(self.LENGTHS), 3)))
        self.assert_finishes(out, [*PMIX, "-N2", "-n2"])

    def test_ranks_after_a_plain_run(self):
        """It was killed."""
        self.need("openmpi")
        out = self.out()
        run = self.start([], out)
        self.wait_for_journals(out, run, 0.2)
        run.kill()
        run.communicate(timeout=90)
        self.assertEqual(list(self.journal_sizes(out)), ["journal"])
        self.assertGreater(self.assert_finishes(out, [*PMIX, "-N2", "-n2"]), 0)


if __name__ == "__main__":
    ranks_case.main()
    unittest.main()
