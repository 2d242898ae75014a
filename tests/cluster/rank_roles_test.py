"""What one rank does for all of them: rank 0 reads the corpus and says what is to be said, the first rank of a
node stages the weights. argv: qkscope."""

import os
import signal
import subprocess
import unittest

import ranks_case
from ranks_case import HOST, MANY_LENGTHS, PMIX, STOPPED, RanksCase, dataset
from slurm_cluster import OPEN_MPI


class RankRolesTest(RanksCase):
    LENGTHS = MANY_LENGTHS

    def test_rank_0_alone_reads_the_corpus(self):
        """Rank 1 has an empty folder there."""
        self.need("openmpi")
        out, corpus = self.out(), f"{self.folder}/corpus"
        script = self.script(
            "corpus", f"exec unshare -m sh -c 'mount -t tmpfs none {corpus} && exec \"$@\"' - \"$@\"")
        done = self.sniff([*PMIX, "-N2", "-n2", script], out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(dataset(out), self.expected)

    def stop(self, ranks):
        """What is said on stderr if these of three ranks get SIGUSR1."""
        self.need("openmpi")
        out = self.out()
        run = self.start([*PMIX, "-N2", "-n3"], out)
        self.wait_for_journals(out, run, 0.2)
        pids = self.pids(out)
        for rank in ranks:
            os.kill(pids[rank], signal.SIGUSR1)
        _, stderr = run.communicate(timeout=90)
        self.assertEqual(run.returncode, STOPPED, stderr)
        return stderr

    def assert_said_once(self, stderr, rank):
        said = [line for line in stderr.splitlines() if "signal" in line]
        self.assertEqual(len(said), 1, stderr)
        self.assertRegex(said[0], rf"^qkscope: warning: {HOST} \(rank {rank}\): received a signal; all ranks "
                         r"finish the work in progress, then stop$")

    def test_a_signal_to_all_ranks_is_said_once(self):
        self.assert_said_once(self.stop(range(3)), "[012]")

    def test_a_signal_to_one_rank_is_said_with_its_name(self):
        self.assert_said_once(self.stop([2]), 2)

    def has_open(self, pid, folder):
        """Whether the process has a file without a name of this folder."""
        found = []
        for number in os.listdir(f"/proc/{pid}/fd"):
            try:
                found.append(os.readlink(f"/proc/{pid}/fd/{number}"))
            except OSError:
                continue
        return any(path.startswith(f"{folder}/") and path.endswith(" (deleted)") for path in found)

    def test_a_staged_copy_outlives_the_rank_that_made_it(self):
        """Rank 0 is killed; rank 1, which computes with its copy, ends in order, and nothing stays behind."""
        self.need("openmpi")
        out, scratch = self.out(), f"{self.folder}/scratch"
        os.makedirs(scratch)
        run = self.start([*PMIX, "-N2", "-n2"], out, "--stage", scratch)
        self.wait_for_journals(out, run, 0.2)
        self.assertTrue(self.has_open(self.pids(out)[1], scratch))
        self.kill_ranks(out, [0])
        _, stderr = run.communicate(timeout=90)
        self.assertEqual(self.sentences(stderr),
                         ["rank 0: not heard of for 2 s; use --resume to continue"], stderr)
        self.assertEqual(run.returncode, 128 + signal.SIGKILL, stderr)
        self.assertEqual(os.listdir(scratch), [])
        done = self.sniff([*PMIX, "-N2", "-n2"], out, "--resume", "--stage", scratch)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"staged in {scratch}", done.stdout)
        self.assertEqual(dataset(out), self.expected)

    def test_copies_of_one_shard_are_warned_of_once(self):
        command = [self.QKSCOPE, *self.words(self.out(), "--shard")]
        srun = ["srun", "-Q", "-n3", "--overcommit"]
        done = self.cluster.run([*srun, *command, "3/32"], check=False, env=OPEN_MPI, timeout=90)
        self.assertEqual(done.returncode, 0, done.stderr)
        warning = "srun started 3 copies: if all of them have --shard 3/32"
        self.assertEqual(done.stderr.count(warning), 1, done.stderr)
        # Shards that are counted by rank.
        apart = subprocess.list2cmdline(command) + ' "$SLURM_PROCID/3"'
        done = self.cluster.run([*srun, "sh", "-c", apart], check=False, env=OPEN_MPI, timeout=90)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("copies", done.stderr)

    def test_copies_of_finish(self):
        """The first one does it, also without MPI."""
        out = self.out()
        done = self.sniff([], out, "--shard", "0/1")
        self.assertEqual(done.returncode, 0, done.stderr)
        srun = ["srun", "-Q", "-n3", "--overcommit"]
        done = self.sniff(srun, out, "--finish")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count("--finish is left to the first of the 3 copies that srun started"), 2,
                         done.stderr)
        self.assertEqual(self.sentences(done.stderr), [])
        self.assertEqual(done.stdout.count("Dataset   "), 1, done.stdout)
        self.assertEqual(dataset(out), self.expected)


if __name__ == "__main__":
    ranks_case.main()
    unittest.main()
