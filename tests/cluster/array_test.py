#!/usr/bin/env python3
"""The scripts of configs/slurm/, as they are, on a Slurm of virtual nodes: whatever happens to the jobs,
the dataset is that of one plain run.

usage: array_test.py QKSCOPE WRITE_FAULTS_LIBRARY"""

import glob
import os
import re
import signal
import unittest

import jobs_case
import journals
from fixtures import files_of, write
from jobs_case import NUM_TOKENS, SCRIPTS, JobsCase

HAS_OPEN_MPI = bool(glob.glob("/usr/lib/*/libmpi.so.40"))
needs_open_mpi = unittest.skipUnless(HAS_OPEN_MPI, "Open MPI is not installed")
MPI_STOPPED = r"qkscope: stopped after \d+ documents[^\n]*use --resume to continue\n"
SHARD_STOPPED = r"qkscope: stopped (before|after) [^\n]*run the same shard again to continue\n"
SIGNAL = "(?:signal received|received a signal)"  # what a process says, and rank 0 for all ranks


class Array(JobsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start_with_limits()
        cls.start_preemptions()

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
    def start_preemptions(cls):
        """The program is suspended in the middle of a document until the time of grace has ended, which
        may take half a minute: these too run beside the other tests."""
        cls.preempted = cls.make_folder("preempted_late")
        slow = cls.slow(cls.preempted, ms=60, once="yes")
        cls.preempted_job = cls.submit_array(cls.preempted, 1, "--nodelist=n11", program=slow)
        jobs, nodes = [(cls.preempted, cls.preempted_job, 1)], ["n11"]
        if HAS_OPEN_MPI:
            cls.mpi_preempted = cls.make_folder("mpi_preempted_late")
            slow = cls.slow(cls.mpi_preempted, ms=60, once="yes")
            cls.mpi_preempted_job = cls.submit_mpi(cls.mpi_preempted, "--nodelist=n12,n13", program=slow,
                                                   RESTARTS=0)
            jobs.append((cls.mpi_preempted, cls.mpi_preempted_job, 2))
            nodes.append("n13")
        for folder, _, num_ranks in jobs:
            cls.wait_for_journals(folder, 3_000, count=num_ranks)
        cls.submit_urgent(*nodes)
        for folder, job, _ in jobs:
            cls.wait_until(folder, lambda folder=folder: re.search(SIGNAL, cls.logs(folder)))
            for pid in cls.processes(SLURM_JOB_ID=job):
                os.kill(pid, signal.SIGSTOP)

    def kill(self, **variables):
        pid, = self.processes(**variables)
        os.kill(pid, signal.SIGKILL)

    def assert_went_on(self, said, before):
        """A start that computed what the journals did not have, and nothing else."""
        self.assertGreater(len(before), 0)
        computed, of = re.findall(r"^([\d,]+) tokens? computed of ([\d,]+);", said, re.M)[-1]
        self.assertEqual(int(of.replace(",", "")), NUM_TOKENS - sum(before.values()))
        self.assertLessEqual(int(computed.replace(",", "")), NUM_TOKENS - sum(before.values()))

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
        self.assertEqual(self.restarts(finish), 0)
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
        self.assertRegex(self.log(folder, f"qkscope-{job}_1.log"), SHARD_STOPPED)
        self.assert_dataset(folder)

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
                write(f"{folder}/slow.sh", f'#!/bin/sh\nexec {self.QKSCOPE} "$@"\n')
            states = self.cluster.wait_for(str(job))
            self.assertEqual(set(states.values()), {"COMPLETED" if job == last else "FAILED"},
                             self.logs(folder))
        self.finish(folder)

    def test_preemption(self):
        """Each task stops in the time of grace and requeues itself."""
        folder = self.make_folder("preempted")
        job = self.submit_array(folder, 2, "--nodelist=n4", program=self.slow(folder, ms=60, once="yes"))
        self.wait_for_journals(folder, 3_000, count=2)
        urgent = self.submit_urgent("n4")
        self.assertEqual(self.cluster.wait_for(urgent), {urgent: "COMPLETED"})
        self.assert_states(folder, self.cluster.finish_with_requeues(job), job, 2)
        self.assertEqual(self.starts(job), {0: 1, 1: 1}, self.logs(folder))
        for task in (0, 1):
            self.assertRegex(self.log(folder, f"qkscope-{job}_{task}.log"), SHARD_STOPPED)
        self.assertEqual(journals.computed_twice(f"{folder}/out"), set())
        self.finish(folder)

    def test_preemption_of_the_finish_job(self):
        """It stops in the time of grace, and its script requeues it."""
        folder = self.make_folder("finish_preempted")
        array = self.submit_array(folder, 1, "--nodelist=n4")
        self.assert_states(folder, self.cluster.wait_for(array), array, 1)
        job = self.submit(folder, "finish.sh", "--nodelist=n4", program=self.slow(folder, ms=100, once="yes"))
        self.wait_until(folder, lambda: any("parquet" in name for name in files_of(f"{folder}/out")))
        urgent = self.submit_urgent("n4")
        self.assertEqual(self.cluster.wait_for(urgent), {urgent: "COMPLETED"})
        self.assertEqual(self.cluster.finish_with_requeues(job), {job: "COMPLETED"}, self.logs(folder))
        self.assertEqual(self.restarts(job), 1, self.logs(folder))
        self.assertRegex(self.log(folder, f"qkscope-finish-{job}.log"), r"qkscope: stopped [^\n]*use --finish again\n")
        self.assert_dataset(folder)

    def test_a_killed_shard(self):
        """The script requeues its task."""
        folder = self.make_folder("killed")
        job = self.submit_array(folder, 3, program=self.slow(folder, ms=40, once="yes"))
        self.wait_for_journals(folder, 3_000, count=3)
        self.kill(SLURM_ARRAY_JOB_ID=job, SLURM_ARRAY_TASK_ID="1")
        self.assert_states(folder, self.cluster.finish_with_requeues(job), job, 3)
        self.assertEqual(self.starts(job), {0: 0, 1: 1, 2: 0}, self.logs(folder))
        self.assertRegex(self.log(folder, f"qkscope-{job}_1.log"), r"srun: error: n\d+: task 0: Killed\n")
        self.assertEqual(journals.computed_twice(f"{folder}/out"), set())
        self.finish(folder)

    @needs_open_mpi
    def test_a_killed_rank(self):
        """The other one finishes the dataset. Then the script starts the job again, which ends at once."""
        folder = self.make_folder("mpi_killed")
        job = self.submit_mpi(folder, program=self.slow(folder, ms=30, once="yes"), QKSCOPE_LOST_SECONDS=2)
        self.wait_for_journals(folder, 3_000, count=2)
        self.kill(SLURM_JOB_ID=job, SLURM_PROCID="1")
        self.assert_mpi_job(folder, job, num_restarts=1)
        said = self.log(folder, f"qkscope-{job}.log")
        self.assertEqual(said.count("(rank 1): not heard of for 2 s"), 1, said)
        self.assertRegex(said, r"(?s)Dataset   .* is finished already; there is nothing to resume\n$")

    @needs_open_mpi
    def test_mpi_script(self):
        """A capture by four ranks, which divide the cores of their nodes, stopped by a signal and requeued by
        its script."""
        folder = self.make_folder("mpi")
        job = self.submit_mpi(folder, "--ntasks-per-node=2", "--exclude=n1", cpus=None,
                              program=self.slow(folder, ms=30, once="yes"))
        self.wait_for_journals(folder, 10_000, count=2)
        self.cluster.run(["scancel", "-s", "USR1", job])
        self.assert_mpi_job(folder, job, num_restarts=1)
        self.assertRegex(self.log(folder, f"qkscope-{job}.log"), MPI_STOPPED)

    @needs_open_mpi
    def test_mpi_preemption(self):
        """One node of two is taken away: all ranks stop in the time of grace."""
        folder = self.make_folder("mpi_preempted")
        job = self.submit_mpi(folder, "--nodelist=n3,n4", program=self.slow(folder, ms=60, once="yes"))
        self.wait_for_journals(folder, 3_000, count=2)
        urgent = self.submit_urgent("n4")
        self.assertEqual(self.cluster.wait_for(urgent), {urgent: "COMPLETED"})
        self.assert_mpi_job(folder, job, num_restarts=1)
        self.assertRegex(self.log(folder, f"qkscope-{job}.log"), MPI_STOPPED)

    def assert_stopped_late(self, said, stopped):
        """By the signals that Slurm sends when the time of grace has ended: TERM, CONT, TERM. A process
        that dies of one of them says nothing."""
        self.assertRegex(said, f"(?s){SIGNAL}.*DUE TO PREEMPTION.*{stopped}")

    def test_z_preemption_with_repeated_signals(self):
        states = self.cluster.finish_with_requeues(self.preempted_job)
        self.assert_states(self.preempted, states, self.preempted_job, 1)
        self.assertEqual(self.starts(self.preempted_job), {0: 1}, self.logs(self.preempted))
        self.assert_stopped_late(self.log(self.preempted, f"qkscope-{self.preempted_job}_0.log"),
                                 SHARD_STOPPED)
        self.assertEqual(journals.computed_twice(f"{self.preempted}/out"), set())
        self.finish(self.preempted)

    @needs_open_mpi
    def test_z_mpi_preemption_with_repeated_signals(self):
        """Slurm itself starts the job again: its script may not."""
        self.assert_mpi_job(self.mpi_preempted, self.mpi_preempted_job, num_restarts=1)
        self.assert_stopped_late(self.log(self.mpi_preempted, f"qkscope-{self.mpi_preempted_job}.log"),
                                 MPI_STOPPED)

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
        before = journals.of_folder(f"{self.timeout}/out")
        again = self.submit_array(self.timeout, 1)
        self.assert_states(self.timeout, self.cluster.wait_for(again), again, 1)
        self.assert_went_on(self.log(self.timeout, f"qkscope-{again}_0.log"), before)
        self.assertEqual(journals.computed_twice(f"{self.timeout}/out"), set())
        self.finish(self.timeout)

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
        before = journals.of_folder(f"{self.mpi_timeout}/out")
        again = self.submit_mpi(self.mpi_timeout)
        self.assert_mpi_job(self.mpi_timeout, again, num_restarts=0)
        self.assert_went_on(self.log(self.mpi_timeout, f"qkscope-{again}.log"), before)



if __name__ == "__main__":
    jobs_case.main()
