"""`qkscope sniff` under real launchers and MPI libraries, with ranks that are killed: the others go on or
stop, later starts compute what is missing, and the dataset has the bytes of one process. argv: qkscope.

QK_CLUSTER_SEED repeats the random moments of an earlier run, which printed its seed; QK_CLUSTER_KILLS
changes the number of starts that are killed at random moments."""

import contextlib
import glob
import os
import random
import signal
import sys
import time
import unittest

import journals
import ranks_case
from ranks_case import HOST, MANY_LENGTHS, PMI2, PMIX, RanksCase, dataset
from slurm_cluster import MPICH, OPEN_MPI

SEED = int(os.environ.get("QK_CLUSTER_SEED", random.SystemRandom().randrange(10**6)))
KILLS = int(os.environ.get("QK_CLUSTER_KILLS", "3"))
KILLED = 128 + signal.SIGKILL  # srun's exit code


class RankKillsTest(RanksCase):
    LENGTHS = MANY_LENGTHS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.random = random.Random(SEED)

    def sizes_by_rank(self, out):
        return {int(name.rsplit(".", 1)[1]): size for name, size in self.journal_sizes(out).items()}

    def assert_others_go_on(self, launcher, num_ranks, env):
        """The last rank is killed. All others compute until the dataset is finished, with one warning;
        srun's exit code tells of the killed one."""
        out, killed = self.out(), num_ranks - 1
        run = self.start([*launcher, f"-n{num_ranks}"], out, env=env)
        self.wait_for_journals(out, run, 0.2)
        self.kill_ranks(out, [killed])
        at_kill = latest = self.sizes_by_rank(out)
        while run.poll() is None:
            latest = latest | self.sizes_by_rank(out)
            time.sleep(0.01)
        stdout, stderr = run.communicate()
        self.assertEqual(dataset(out), self.expected, stdout + stderr)
        self.assertEqual(run.returncode, KILLED, stdout + stderr)
        self.assertEqual(stdout.count("Dataset   "), 1, stdout)
        self.assertEqual(self.sentences(stderr), [])
        warnings = [line for line in stderr.splitlines() if "not heard of" in line]
        self.assertEqual(len(warnings), 1, stderr)
        self.assertRegex(warnings[0], rf"^qkscope: warning: {HOST} \(rank {killed}\): not heard of for 2 s; "
                         r"its (task is given to another|\d+ tasks are given to others)$")
        grown = {rank for rank, size in latest.items() if size > at_kill.get(rank, 0)}
        self.assertEqual(grown - {killed}, set(range(killed)), (at_kill, latest))

    def test_a_killed_worker_of_open_mpi(self):
        """One rank a node: pmix of Slurm 22.05 ends the others of the node too."""
        self.need("openmpi")
        self.assert_others_go_on([*PMIX, "-N2"], 2, OPEN_MPI)

    def test_a_killed_worker_of_mpich(self):
        self.need("mpich")
        self.assert_others_go_on([*PMI2, "-N2"], 3, MPICH)

    def assert_others_stop(self, launcher, num_ranks, env):
        """Rank 0 is killed. Each of the others finishes what it has begun and ends with exit code 75; one
        of them says why."""
        out = self.out()
        run = self.start([*launcher, f"-n{num_ranks}"], out, env=env)
        self.wait_for_journals(out, run, 0.2)
        self.kill_ranks(out, [0])
        stdout, stderr = run.communicate(timeout=90)
        self.assertEqual(stdout, "")
        self.assertEqual(self.sentences(stderr),
                         ["rank 0: not heard of for 2 s; use --resume to continue"], stderr)
        self.assertEqual(run.returncode, KILLED, stderr)
        stopped = [line for line in stderr.splitlines() if line.endswith("xited with exit code 75")]
        self.assertEqual(len(stopped), 1 if num_ranks == 2 else 2, stderr)
        self.assertGreater(self.assert_finishes(out), 0)

    def test_a_killed_rank_0_of_open_mpi(self):
        self.need("openmpi")
        self.assert_others_stop([*PMIX, "-N2"], 2, OPEN_MPI)

    def test_a_killed_rank_0_of_mpich(self):
        self.need("mpich")
        self.assert_others_stop([*PMI2, "-N2"], 3, MPICH)

    def test_killed_ranks_and_resumes(self):
        """Killed at random moments, then with 3 ranks, then as a shard, then alone: each start goes on
        from the others."""
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
                done = self.sniff([], out, "--shard", "1/3")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(len(journals.of_starts(out)), 3)
                self.assertEqual(journals.computed_twice(out), set())
                self.assert_finishes(out)

    def test_a_rank_killed_before_mpi_has_begun(self):
        """The others wait for it in MPI_Init."""
        self.need("mpich")
        for killed in (0, 1):
            with self.subTest(killed=killed):
                out = self.out()
                script = self.script(f"early{killed}", "kill -9 $$", rank=killed)
                run = self.cluster.start([*PMI2, "-N2", "-n3", script, self.QKSCOPE, *self.words(out)],
                                         env=MPICH | {"QKSCOPE_START_SECONDS": "3"})
                stderr = run.communicate(timeout=90)[1]
                self.assertEqual(self.sentences(stderr),
                                 ["MPI_Init still waits for other ranks, one of which was killed or did not begin; "
                                  "use --resume to continue"], stderr)
                self.assertEqual(run.returncode, KILLED, stderr)
                self.assertRegex(stderr, f"tasks? (2|{1 - killed})[^\n]*: Exited with exit code 75")
                self.assert_finishes(out)

    # At any moment.

    def wait_for_start(self, out, run):
        """Some time after the last rank has begun."""
        while len(self.pids(out)) < 3 and run.poll() is None:
            time.sleep(0.01)
        time.sleep(self.random.uniform(0, 0.6))

    def wait_for_documents(self, out, run):
        begun = sum(self.journal_sizes(out).values()) / self.journal_bytes
        self.wait_for_journals(out, run, self.random.uniform(begun, begun + 0.6))

    def wait_for_files(self, out, run):
        while not glob.glob(f"{out}/l*/data.parquet*") and run.poll() is None:
            time.sleep(0.002)
        time.sleep(self.random.uniform(0, 0.1))

    def test_kills_at_random_moments(self):
        """One folder after another: each start goes on from the killed ones, until a dataset is there."""
        ways = [(launcher, env) for flavour, launcher, env in (
            ("openmpi", PMIX, OPEN_MPI), ("mpich", PMI2, MPICH)) if ranks_case.mpi_installations.mpirun(flavour)]
        if not ways:
            self.skipTest("no MPI is installed")
        moments = (self.wait_for_start, self.wait_for_documents, self.wait_for_files)
        out = self.out()
        for kill in range(KILLS):
            launcher, env = self.random.choice(ways)
            moment = moments[kill % len(moments)]
            with self.subTest(kill=kill, moment=moment.__name__, launcher=launcher, seed=SEED):
                run = self.start([*launcher, "-N2", "-n3"], out, "--resume", env=env)
                moment(out, run)
                pids = list(self.pids(out).values())
                # While they begin, all: the others might wait in MPI_Init.
                if moment != self.wait_for_start:
                    pids = self.random.sample(pids, self.random.randint(min(1, len(pids)), len(pids)))
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):  # it has just ended
                        os.kill(pid, signal.SIGKILL)
                stderr = run.communicate(timeout=90)[1]
                for sentence in self.sentences(stderr):
                    self.assertRegex(sentence, "^rank 0: not heard of for 2 s; use --resume to continue$", stderr)
                if os.path.exists(f"{out}/README.md") and not journals.of_starts(out):
                    self.assertEqual(dataset(out), self.expected)
                    out = self.out()
        self.assert_finishes(out, [*ways[0][0], "-N2", "-n2"], ways[0][1])


if __name__ == "__main__":
    ranks_case.main()
    print(f"seed {SEED}", file=sys.stderr)
    unittest.main()
