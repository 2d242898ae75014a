"""Ranks under real launchers that must not compute together, launchers that started something else, and a
disk that is full for one rank: one sentence, from rank 0, and exit code 1. argv: qkscope, write_faults
library."""

import errno
import hashlib
import json
import os
import re
import shutil
import struct
import sys
import unittest

import ranks_case
from fixtures import files_of, make_model
from ranks_case import HOST, PMIX, RanksCase, dataset
from slurm_cluster import MPICH, OPEN_MPI

FAULTS = None
NO_SPACE = os.strerror(errno.ENOSPC)


class RankFaultsTest(RanksCase):
    LENGTHS = [100, 90, 5, 0, 41, 17, 64, 128, 1, 77, 33, 110] * 5

    # A disk that is full for one rank.

    def assert_full(self, launcher, rank, env=None, folder="", at=1):
        """Writes of this rank below out/folder fail from the at-th on. Returns the sentence about it."""
        out = self.out()
        faults = {"LD_PRELOAD": FAULTS, "QK_FAULT_FOLDER": f"{out}{folder}", "QK_FAULT_AT": at,
                  "QK_FAULT": errno.ENOSPC, "QK_FAULT_RANK": rank}
        program = ["env", *(f"{name}={value}" for name, value in faults.items())]
        done = self.sniff([*launcher, *program], out, env=env)
        said = self.sentences(done.stderr)
        self.assertEqual(len(said), 1, done.stdout + done.stderr)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertNotIn("README.md", files_of(out))
        again = self.sniff(launcher, out, "--resume", env=env)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(dataset(out), self.expected)
        self.assertFalse(os.path.exists(f"{out}/.qkscope"), os.listdir(out))
        return said[0].replace(out, "OUT")

    def test_a_disk_that_is_full_for_one_rank(self):
        journal = r"OUT/\.qkscope/journal\.[^ ]*\.{}: cannot be written: " + NO_SPACE
        for flavour, rank, env in (("openmpi", 0, OPEN_MPI), ("mpich", 1, MPICH)):
            with self.subTest(flavour=flavour):
                mpirun = self.need(flavour)
                self.assertRegex(self.assert_full([mpirun, "-n", "2"], rank, env=env, at=20),
                                 rf"^{HOST} \(rank {rank}\): {journal.format(rank)}")
        self.need("openmpi")
        self.assertRegex(
            self.assert_full([*PMIX, "-N2", "-n3"], 1, at=20),
            rf"^{HOST} \(rank 1\): {journal.format(1)}; the \d+ whole documents of the journals are kept: "
            "use --resume to continue$")

    def test_a_disk_that_is_full_when_the_files_are_written(self):
        self.need("openmpi")
        self.assertRegex(
            self.assert_full([*PMIX, "-N2", "-n2"], 1, folder="/l", at=2),
            rf"^{HOST} \(rank 1\): OUT/l\d+h\d+[qk]/data\.parquet[^ ]*\.tmp: cannot be written: {NO_SPACE}; "
            f"the {len(self.LENGTHS)} whole documents of the journal are kept: use --resume to continue$")

    # Ranks that must not compute together.

    def assert_says_once(self, done, out, sentence):
        self.assertEqual(self.sentences(done.stderr), [sentence], done.stdout + done.stderr)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertEqual(files_of(out), {})

    def assert_refused(self, name, rank1, sentence, ways=([], ["--dry-run"])):
        """With rank 1 started by this shell command; OUT is the output folder."""
        self.need("openmpi")
        out = self.out()
        script = self.script(name, rank1.replace("OUT", out))
        for more in ways:
            with self.subTest(more=more):
                done = self.sniff([*PMIX, "-N2", "-n3", script], out, *more,
                                  env=OPEN_MPI | {"QKSCOPE_LOST_SECONDS": "2"})
                self.assert_says_once(done, out, sentence.replace("OUT", out))

    def test_a_folder_that_is_not_shared(self):
        """Rank 1 has another file system there, as if the folder were on a local disk."""
        self.assert_refused(
            "apart", "mkdir -p OUT; exec unshare -m sh -c 'mount -t tmpfs none OUT && exec \"$@\"' - \"$@\"",
            f"{HOST} (rank 1) does not see what {HOST} (rank 0) wrote: is OUT the same folder on both?")

    def test_another_configuration(self):
        self.assert_refused(
            "configuration", 'exec "$@" --set capture.min_bucket_size=8',
            f"{HOST} (rank 1) has another configuration than {HOST} (rank 0): capture.min_bucket_size is "
            "8 there and 16 here")

    def version(self, program):
        return self.cluster.run([program, "--version"]).stdout.splitlines()[0]

    def test_another_build(self):
        """A copy of the program with another commit in it. (Eight digits of it: a compiler may have put
        the rest elsewhere.)"""
        ours = self.version(self.QKSCOPE)
        commit = re.search(r"\(([0-9a-f]{8})[0-9a-f]{4}(-dirty)?\)$", ours)
        if commit is None:
            self.skipTest(f"no commit in {ours}")
        other = f"{self.folder}/other"
        with open(self.QKSCOPE, "rb") as file:
            data = file.read()
        with open(other, "wb") as file:
            file.write(data.replace(commit[1].encode(), b"00000000"))
        shutil.copymode(self.QKSCOPE, other)
        theirs = self.version(other)
        self.assertEqual(theirs, ours.replace(commit[1], "00000000"))
        self.assert_refused(
            "build", f'shift; exec {other} "$@"',
            f"{HOST} (rank 1) runs {theirs} and {HOST} (rank 0) {ours}: expected one build everywhere")

    def assert_other_weights_are_refused(self, name, change):
        """Rank 1 has another file of the same size, change(bytes), under the same path."""
        here, there = f"{self.folder}/model", make_model(f"{self.folder}/{name}")
        digests = {}
        for folder in (here, there):
            with open(f"{folder}/model.safetensors", "r+b") as file:
                data = bytearray(file.read())
                if folder == there:
                    change(data)
                    file.seek(0)
                    file.write(data)
            digests[folder] = hashlib.sha256(data).hexdigest()
        self.assert_refused(
            name, f"exec unshare -m sh -c 'mount --bind {there} {here} && exec \"$@\"' - \"$@\"",
            f"{HOST} (rank 1) reads another model.safetensors than {HOST} (rank 0): its SHA-256 is "
            f"{digests[there]} there and {digests[here]} here", ways=([],))

    def test_weights_of_another_end(self):
        """Of the last norm, so that the values that the ranks compare at the start are the same."""
        def change(data):
            data[-1] ^= 1
        self.assert_other_weights_are_refused("end", change)

    def test_weights_of_other_queries(self):
        """With these the ranks compute other values, for which no hardware is to blame."""
        def change(data):
            size, = struct.unpack_from("<Q", data)
            header = json.loads(data[8:8 + size])
            begin, _ = header["model.layers.0.self_attn.q_proj.weight"]["data_offsets"]
            data[8 + size + begin + 2] ^= 64
        self.assert_other_weights_are_refused("queries", change)


    # Launchers.

    def test_srun_without_mpi(self):
        out = self.out()
        for flavour, library, sentence in (
                ("openmpi", "libmpi.so.40",
                 "srun started 3 copies without PMIx, which Open MPI 4.1.4 needs: --mpi=pmix is missing, or "
                 "another MPI is meant (--mpi FILE names it)"),
                ("mpich", "libmpich.so.12",
                 "srun started 3 copies, but MPI sees 1: --mpi=pmix is missing, or the MPI is another one "
                 "(found: MPICH 4.0.2)")):
            with self.subTest(flavour=flavour):
                self.need(flavour)
                done = self.sniff(["srun", "-Q", "--mpi=none", "--overcommit", "-N2", "-n3"], out, "--mpi", library)
                self.assert_says_once(done, out, sentence)

    def test_errors_before_mpi_are_said_once(self):
        self.need("openmpi")
        out, lost = self.out(), "QKSCOPE_LOST_SECONDS"
        for more, environment, sentence in (
                (["--resum"], {},
                 "--resum: unknown option of sniff; did you mean --resume? (see qkscope sniff --help)"),
                ([], {lost: "abc"}, f"{lost}: expected at least 1, found abc"),
                ([], {"QKSCOPE_START_SECONDS": "0"}, "QKSCOPE_START_SECONDS: expected at least 1, found 0"),
                (["--time-limit", "soon"], {}, None)):
            with self.subTest(more=more, environment=environment):
                done = self.sniff([*PMIX, "-N2", "-n3"], out, *more, env=OPEN_MPI | environment)
                self.assert_says_once(done, out, sentence or self.sentences(done.stderr)[0])
        done = self.cluster.run([*PMIX, "-N2", "-n3", self.QKSCOPE, "sniff"], check=False, env=OPEN_MPI)
        self.assert_says_once(done, out, "sniff: no run was given: type `qkscope sniff run.yaml` (see qkscope sniff "
                                         "--help)")

    def test_the_library_of_another_mpirun(self):
        self.need("openmpi")
        out = self.out()
        done = self.sniff([self.need("mpich"), "-n", "2"], out, env=OPEN_MPI | {"QKSCOPE_MPI_LIB": "libmpi.so.40"})
        library = re.search(r"Open MPI 4\.1\.4, (/[^)]*)\)", done.stderr)
        self.assertIsNotNone(library, done.stderr)
        self.assert_says_once(
            done, out, "mpirun started 2 copies, but MPI sees 1: the MPI is another one (found: Open MPI 4.1.4, "
            f"{library[1]}); --mpi FILE or QKSCOPE_MPI_LIB names the launcher's own")

    def test_a_folder_in_which_other_ranks_write(self):
        self.need("openmpi")
        out = self.out()
        slow = ["env", f"LD_PRELOAD={FAULTS}", f"QK_FAULT_FOLDER={out}", "QK_FAULT_MS=30"]
        run = self.start([*PMIX, "-N2", "-n2", *slow], out)
        self.wait_for_journals(out, run, 0.05)
        done = self.sniff([*PMIX, "-N2", "-n2"], out, "--resume")
        self.assertEqual(self.sentences(done.stderr), [f"{out}: another run is writing into this folder"],
                         done.stdout + done.stderr)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertEqual(run.communicate(timeout=90)[1].count("qkscope: warning"), 1)
        self.assertEqual(run.returncode, 0)
        self.assertEqual(dataset(out), self.expected)


def main():
    global FAULTS
    FAULTS = os.path.abspath(sys.argv[2])
    ranks_case.main()
    del sys.argv[1]
    unittest.main()


if __name__ == "__main__":
    main()
