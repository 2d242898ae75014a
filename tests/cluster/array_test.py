#!/usr/bin/env python3
"""The scripts of configs/slurm/, as they are, on a Slurm of virtual nodes: whatever happens to the jobs,
the dataset is that of one plain run.

usage: array_test.py QKSCOPE WRITE_FAULTS_LIBRARY"""

import glob
import os
import re
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/tests/cli")
import fixtures  # noqa: E402
import private_machine  # noqa: E402
import slurm_cluster  # noqa: E402
from fixtures import files_of  # noqa: E402
from slurm_cluster import SlurmCluster  # noqa: E402

PROGRAM, FAULTS = (os.path.abspath(path) for path in sys.argv[1:3])
SCRIPTS = f"{ROOT}/configs/slurm"
STOPPED = 75
HAS_OPEN_MPI = bool(glob.glob("/usr/lib/*/libmpi.so.40"))
needs_open_mpi = unittest.skipUnless(HAS_OPEN_MPI, "Open MPI is not installed")
LENGTHS = [90, 5, 0, 41, 100, 17, 64, 128, 1, 77, 33, 110] * 3
# Jobs in `main` give way to those in `urgent`. Only jobs that ask for it may be requeued.
OPTIONS = "PreemptType=preempt/partition_prio\nPreemptMode=REQUEUE\nJobRequeue=0"
PARTITIONS = """PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2"""
MPI_STOPPED = r"qkscope: stopped after \d+ documents[^\n]*use --resume to continue\n"
# The program on a slow disk; in the jobs that are to be slow only once, fast after a requeue.
SLOW = """#!/bin/sh
if [ -n "{once}" ] && [ -n "$SLURM_RESTART_COUNT" ]; then exec {program} "$@"; fi
exec env ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD={faults} QK_FAULT_FOLDER={out} QK_FAULT_MS={ms} {program} "$@" {options}
"""


class Array(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="qk-array-"))
        cls.root = os.path.realpath(cls.folder)
        fixtures.make_all(cls.root)
        fixtures.make_corpus(f"{cls.root}/corpus", LENGTHS)
        cls.cluster = cls.enterClassContext(SlurmCluster(
            f"{cls.root}/slurm", num_nodes=10, cpus_per_node=2, options=OPTIONS, partitions=PARTITIONS))
        slurm_cluster.report_start(cls.cluster)
        cls.cluster.environment |= {"HF_HUB_OFFLINE": "1", **slurm_cluster.OPEN_MPI}
        plain = cls.make_folder("plain")
        cls.cluster.run([PROGRAM, "sniff", "run.yaml", "--quiet"], cwd=plain)
        cls.expected = files_of(f"{plain}/out")
        cls.start_with_limits()

    @classmethod
    def start_with_limits(cls):
        """A limit is a minute at least: these run beside the other tests, on nodes of their own. Signal 28
        means nothing to them."""
        limits = ("--time=1", "--signal=28@1", "--partition=urgent")
        cls.timeout = cls.make_folder("timeout")
        slow = cls.slow(cls.timeout, ms=450, options="--time-limit 1d")
        cls.timeout_job = cls.submit_array(cls.timeout, 1, *limits, "--nodelist=n1", program=slow)
        cls.limited = cls.make_folder("limited")
        slow = cls.slow(cls.limited, ms=300, once="yes")
        cls.limited_job = cls.submit_array(cls.limited, 1, *limits, "--nodelist=n1", program=slow)
        if not HAS_OPEN_MPI:
            return
        cls.mpi_timeout = cls.make_folder("mpi_timeout")
        slow = cls.slow(cls.mpi_timeout, ms=450, options="--time-limit 1d")
        cls.mpi_timeout_job = cls.submit_mpi(cls.mpi_timeout, *limits, "--nodelist=n5,n6", program=slow)
        cls.mpi_limited = cls.make_folder("mpi_limited")
        slow = cls.slow(cls.mpi_limited, ms=300, once="yes")
        cls.mpi_limited_job = cls.submit_mpi(cls.mpi_limited, *limits, "--nodelist=n7,n8", program=slow)
        cls.mpi_signal = cls.make_folder("mpi_signal")
        slow = cls.slow(cls.mpi_signal, ms=300, once="yes", options="--time-limit 1d")
        cls.mpi_signal_job = cls.submit_mpi(cls.mpi_signal, *limits, "--signal=USR1@30",
                                            "--nodelist=n9,n10", program=slow)

    @classmethod
    def make_folder(cls, name):
        folder = f"{cls.root}/{name}"
        config = fixtures.CONFIG.format(root=cls.root).replace(f"{cls.root}/out", f"{folder}/out")
        fixtures.write(f"{folder}/run.yaml", config)
        return folder

    @classmethod
    def slow(cls, folder, ms, once="", options=""):
        path = fixtures.write(f"{folder}/slow.sh", SLOW.format(
            once=once, program=PROGRAM, faults=FAULTS, out=f"{folder}/out", ms=ms, options=options))
        os.chmod(path, 0o755)
        return path

    @classmethod
    def submit(cls, folder, script, *options, program=PROGRAM, **variables):
        given = {"CONFIG": "run.yaml", "QKSCOPE": program, **variables}
        export = ",".join(["ALL", *(f"{name}={value}" for name, value in given.items())])
        return cls.cluster.submit(f"{SCRIPTS}/{script}", "--cpus-per-task=1", f"--export={export}",
                                  *options, cwd=folder)

    @classmethod
    def submit_array(cls, folder, shards, *options, **others):
        return cls.submit(folder, "array.sh", f"--array=0-{shards - 1}%4", *options, SHARDS=shards,
                          **others)

    @classmethod
    def submit_mpi(cls, folder, *options, **others):
        return cls.submit(folder, "mpi.sh", "--nodes=2", *options, **others)

    def log(self, folder, name):
        with open(f"{folder}/{name}") as file:
            return file.read()

    def logs(self, folder):
        text = "".join(f"--- {name}\n{self.log(folder, name)}" for name in sorted(os.listdir(folder))
                       if name.endswith(".log"))
        with open(f"{self.root}/slurm/slurmctld.log") as file:
            return text + "".join(line for line in file if "JobId=" in line)

    def assert_states(self, folder, states, job, num_tasks, but=()):
        expected = {f"{job}_{i}": "COMPLETED" for i in range(num_tasks)} | dict(but)
        self.assertEqual(states, expected, self.logs(folder))

    def finish(self, folder, *options):
        job = self.submit(folder, "finish.sh", *options)
        self.assertEqual(self.cluster.wait_for(job), {job: "COMPLETED"}, self.logs(folder))
        self.assertTrue(files_of(f"{folder}/out") == self.expected, self.logs(folder))

    def wait_for_journals(self, folder, size, count=1):
        deadline = time.monotonic() + 60
        while True:
            found = [data for name, data in files_of(f"{folder}/out").items() if "/journal" in name]
            if sum(len(data) > size for data in found) >= count:
                return
            self.assertLess(time.monotonic(), deadline, self.logs(folder))
            time.sleep(0.05)

    def starts(self, job):
        """How often each task was started again."""
        said = self.cluster.run(["scontrol", "show", "job", "-o", job]).stdout
        return {int(task): int(restarts) for task, restarts in
                re.findall(r"ArrayTaskId=(\d+) .*?Restarts=(\d+)", said)}

    def assert_mpi_job(self, folder, job, num_restarts):
        """It is over, after so many restarts, and has made the dataset."""
        self.assertEqual(self.cluster.finish_with_requeues(job, 150), {job: "COMPLETED"}, self.logs(folder))
        self.assertEqual(self.restarts(job), num_restarts, self.logs(folder))
        self.assertTrue(files_of(f"{folder}/out") == self.expected, self.logs(folder))

    def restarts(self, job):
        """How often a job that is no array was started again."""
        said = self.cluster.run(["scontrol", "show", "job", "-o", job]).stdout
        return int(re.search(r" Restarts=(\d+) ", said)[1])

    # Tests.

    def test_array_and_finish(self):
        folder = self.make_folder("array")
        job = self.submit_array(folder, 8)
        self.finish(folder, f"--dependency=afterany:{job}")
        self.assert_states(folder, self.cluster.wait_for(job), job, 8)

    def test_a_shard_that_never_ran(self):
        folder = self.make_folder("missing")
        job = self.submit_array(folder, 6, "--array=0-2,4,5")
        finish = self.submit(folder, "finish.sh", f"--dependency=afterany:{job}")
        self.assertEqual(self.cluster.wait_for(finish), {finish: "FAILED"})
        self.assertRegex(self.log(folder, f"qkscope-finish-{finish}.log"),
                         r"qkscope: documents 3, 9, [^\n]* are missing \(shard 3 of 6\): run it again\n")
        self.assertEqual([name for name in files_of(f"{folder}/out") if "parquet" in name], [])
        again = self.submit_array(folder, 6, "--array=3")
        self.finish(folder, f"--dependency=afterany:{again}")

    def test_requeue_of_one_task(self):
        """Stopped by a signal, one task requeues itself alone; what depends on the array waits."""
        folder = self.make_folder("requeue")
        job = self.submit_array(folder, 3, program=self.slow(folder, ms=40, once="yes"))
        finish = self.submit(folder, "finish.sh", f"--dependency=afterany:{job}")
        self.wait_for_journals(folder, 20_000, count=3)
        self.cluster.run(["scancel", "-s", "USR1", f"{job}_1"])
        self.assert_states(folder, self.cluster.finish_with_requeues(job), job, 3)
        self.assertEqual(self.cluster.wait_for(finish), {finish: "COMPLETED"}, self.logs(folder))
        self.assertEqual(self.starts(job), {0: 0, 1: 1, 2: 0})
        self.assertRegex(self.log(folder, f"qkscope-{job}_1.log"),
                         r"qkscope: stopped (before|after) [^\n]*run the same shard again to continue\n")
        self.assertTrue(files_of(f"{folder}/out") == self.expected)

    def test_signal_before_the_limit(self):
        """Slurm's own signal, and the requeue by the script, until all is done."""
        folder = self.make_folder("signal")
        job = self.submit_array(folder, 1, "--time=1", "--signal=USR1@45",
                                program=self.slow(folder, ms=100, once="yes", options="--time-limit 1d"))
        self.assert_states(folder, self.cluster.finish_with_requeues(job, 90), job, 1)
        self.assertEqual(self.starts(job), {0: 1})
        self.assertRegex(self.log(folder, f"qkscope-{job}_0.log"), r"qkscope: stopped (before|after) ")
        self.finish(folder)

    def test_no_more_requeues_than_allowed(self):
        folder = self.make_folder("chain")
        slow = self.slow(folder, ms=100)
        said = self.cluster.run(
            [f"{SCRIPTS}/chain.sh", "3", "--cpus-per-task=1", "--array=0", "--export=ALL,CONFIG=run.yaml,"
             f"SHARDS=1,RESTARTS=0,QKSCOPE={slow}", f"{SCRIPTS}/array.sh"], cwd=folder).stdout
        last = int(said)
        for job in range(last - 2, last + 1):
            if job < last:
                self.wait_for_journals(folder, 20_000, count=job - last + 3)
                self.cluster.run(["scancel", "-s", "USR1", f"{job}_0"])
            else:
                fixtures.write(f"{folder}/slow.sh", f'#!/bin/sh\nexec {PROGRAM} "$@"\n')
            states = self.cluster.wait_for(str(job))
            self.assertEqual(set(states.values()), {"COMPLETED" if job == last else "FAILED"},
                             self.logs(folder))
        self.finish(folder)

    def test_preemption(self):
        folder = self.make_folder("preempted")
        where = "--nodelist=n4"
        job = self.submit_array(folder, 2, where, program=self.slow(folder, ms=60, once="yes"))
        self.wait_for_journals(folder, 20_000, count=2)
        urgent = self.cluster.submit("#!/bin/sh\n#SBATCH -N1 -n2\nsleep 1\n", where, "--partition=urgent")
        self.assertEqual(self.cluster.wait_for(urgent), {urgent: "COMPLETED"})
        self.assert_states(folder, self.cluster.finish_with_requeues(job), job, 2)
        self.assertEqual(self.starts(job), {0: 1, 1: 1}, self.logs(folder))
        self.finish(folder)

    @needs_open_mpi
    def test_mpi_script(self):
        """A capture by four ranks, stopped by a signal and requeued by its script."""
        folder = self.make_folder("mpi")
        job = self.submit_mpi(folder, "--ntasks-per-node=2", "--exclude=n1",
                              program=self.slow(folder, ms=30, once="yes"))
        self.wait_for_journals(folder, 10_000, count=2)
        self.cluster.run(["scancel", "-s", "USR1", job])
        self.assert_mpi_job(folder, job, num_restarts=1)
        self.assertRegex(self.log(folder, f"qkscope-{job}.log"), MPI_STOPPED)

    @needs_open_mpi
    def test_mpi_preemption(self):
        """One node of two is taken away: Slurm itself starts the whole job again."""
        folder = self.make_folder("mpi_preempted")
        job = self.submit_mpi(folder, "--nodelist=n3,n4", program=self.slow(folder, ms=60, once="yes"),
                              RESTARTS=0)
        self.wait_for_journals(folder, 20_000, count=2)
        urgent = self.cluster.submit("#!/bin/sh\n#SBATCH -N1 -n2\nsleep 1\n", "--nodelist=n4",
                                     "--partition=urgent")
        self.assertEqual(self.cluster.wait_for(urgent), {urgent: "COMPLETED"})
        self.assert_mpi_job(folder, job, num_restarts=1)
        self.assertIn("DUE TO PREEMPTION", self.log(folder, f"qkscope-{job}.log"))

    def test_wrong_numbers(self):
        folder = self.make_folder("numbers")
        job = self.submit_array(folder, 2, "--array=1-2")
        self.assert_states(folder, self.cluster.wait_for(job), job, 0,
                           {f"{job}_1": "COMPLETED", f"{job}_2": "FAILED"})
        self.assertIn("--shard: expected I/N", self.log(folder, f"qkscope-{job}_2.log"))

    def test_zz_time_limit_with_requeue_to_the_end(self):
        """Nothing is cut off: the program asks Slurm, stops in time, and the script requeues it."""
        states = self.cluster.finish_with_requeues(self.limited_job, 150)
        self.assert_states(self.limited, states, self.limited_job, 1)
        self.assertEqual(self.starts(self.limited_job), {0: 1})
        self.assertRegex(self.log(self.limited, f"qkscope-{self.limited_job}_0.log"),
                         r"qkscope: no document is begun that would not end before the time limit")
        self.finish(self.limited)

    def test_zzz_timeout_and_resume(self):
        """A limit that the program does not know of: Slurm does not start the job again."""
        states = self.cluster.wait_for(self.timeout_job, 150)
        self.assertEqual(states, {f"{self.timeout_job}_0": "TIMEOUT"}, self.logs(self.timeout))
        self.assertEqual(self.starts(self.timeout_job), {0: 0})
        again = self.submit_array(self.timeout, 1)
        self.finish(self.timeout, f"--dependency=afterany:{again}")

    @needs_open_mpi
    def test_zz_mpi_signal_before_the_limit(self):
        """Slurm's own signal, as the script asks for it."""
        self.assert_mpi_job(self.mpi_signal, self.mpi_signal_job, num_restarts=1)
        said = self.log(self.mpi_signal, f"qkscope-{self.mpi_signal_job}.log")
        self.assertRegex(said, MPI_STOPPED)

    @needs_open_mpi
    def test_zz_mpi_time_limit_with_requeue_to_the_end(self):
        """Nothing is cut off: rank 0 asks Slurm, all stop in time, and the script requeues them."""
        self.assert_mpi_job(self.mpi_limited, self.mpi_limited_job, num_restarts=1)
        self.assertRegex(self.log(self.mpi_limited, f"qkscope-{self.mpi_limited_job}.log"),
                         r"qkscope: no document is begun that would not end before the time limit")

    @needs_open_mpi
    def test_zzz_mpi_timeout_and_resume(self):
        """A limit that the program does not know of: Slurm does not start the job again."""
        states = self.cluster.wait_for(self.mpi_timeout_job, 150)
        self.assertEqual(states, {self.mpi_timeout_job: "TIMEOUT"}, self.logs(self.mpi_timeout))
        self.assertEqual(self.restarts(self.mpi_timeout_job), 0)
        again = self.submit_mpi(self.mpi_timeout)
        self.assert_mpi_job(self.mpi_timeout, again, num_restarts=0)


if __name__ == "__main__":
    slurm_cluster.need_slurm()
    private_machine.enter()
    del sys.argv[1:3]
    unittest.main(verbosity=1)
