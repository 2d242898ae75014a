"""What tests of the scripts of configs/slurm/ share: a Slurm of virtual nodes on which jobs are
preempted, a slow program, and the dataset that one plain run makes."""

import os
import re
import sys
import tempfile
import time
import unittest

import private_machine
import processes
import slurm_cluster
from slurm_cluster import SlurmCluster

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/tests/cli")
import fixtures  # noqa: E402
from fixtures import files_of  # noqa: E402

SCRIPTS = f"{ROOT}/configs/slurm"
LENGTHS = [90, 5, 0, 41, 100, 17, 64, 128, 1, 77, 33, 110] * 3
NUM_TOKENS = sum(LENGTHS)
# Jobs in `main` give way to those in `urgent`, after a time of grace. Only jobs that ask for it may be
# requeued.
# A second after the first task of a step the others are ended, unless srun says --wait.
OPTIONS = "PreemptType=preempt/partition_prio\nPreemptMode=REQUEUE\nJobRequeue=0\nWaitTime=1"
PARTITIONS = """PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=5
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2"""
# The program on a slow disk; in the jobs that are to be slow only once, fast after a requeue.
SLOW = """#!/bin/sh
if [ -n "{once}" ] && [ -n "$SLURM_RESTART_COUNT" ]; then exec {program} "$@"; fi
exec env ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD={faults} QK_FAULT_FOLDER={out} QK_FAULT_MS={ms} {program} "$@" {options}
"""


class JobsCase(unittest.TestCase):
    QKSCOPE = FAULTS = None  # the program, the library write_faults

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="qk-array-"))
        cls.root = os.path.realpath(cls.folder)
        fixtures.make_all(cls.root)
        fixtures.make_corpus(f"{cls.root}/corpus", LENGTHS)
        cls.cluster = cls.enterClassContext(SlurmCluster(
            f"{cls.root}/slurm", num_nodes=13, cpus_per_node=2, options=OPTIONS, partitions=PARTITIONS))
        slurm_cluster.report_start(cls.cluster)
        cls.cluster.environment |= {"HF_HUB_OFFLINE": "1", **slurm_cluster.OPEN_MPI}
        plain = cls.make_folder("plain")
        cls.cluster.run([cls.QKSCOPE, "sniff", "run.yaml", "--quiet"], cwd=plain)
        cls.expected = files_of(f"{plain}/out")

    @classmethod
    def make_folder(cls, name):
        folder = f"{cls.root}/{name}"
        config = fixtures.CONFIG.format(root=cls.root).replace(f"{cls.root}/out", f"{folder}/out")
        # So that a run says how much it has computed.
        config = config.replace("inference: {}", "inference: {debug_logging: true}")
        fixtures.write(f"{folder}/run.yaml", config)
        return folder

    @classmethod
    def slow(cls, folder, ms, once="", options=""):
        path = fixtures.write(f"{folder}/slow.sh", SLOW.format(
            once=once, program=cls.QKSCOPE, faults=cls.FAULTS, out=f"{folder}/out", ms=ms,
            options=options))
        os.chmod(path, 0o755)
        return path

    @classmethod
    def submit(cls, folder, script, *options, program=None, cpus="--cpus-per-task=1", **variables):
        given = {"CONFIG": "run.yaml", "QKSCOPE": program or cls.QKSCOPE, **variables}
        export = ",".join(["ALL", *(f"{name}={value}" for name, value in given.items())])
        return cls.cluster.submit(f"{SCRIPTS}/{script}", *([cpus] if cpus else []), f"--export={export}",
                                  *options, cwd=folder)

    @classmethod
    def submit_array(cls, folder, shards, *options, **others):
        return cls.submit(folder, "array.sh", f"--array=0-{shards - 1}%4", *options, SHARDS=shards,
                          **others)

    @classmethod
    def submit_mpi(cls, folder, *options, **others):
        return cls.submit(folder, "mpi.sh", "--nodes=2", *options, **others)

    @classmethod
    def submit_urgent(cls, *nodes):
        """A job that takes all of these nodes, from whoever has them."""
        return cls.cluster.submit(f"#!/bin/sh\n#SBATCH -N{len(nodes)} -n{2 * len(nodes)}\nsleep 1\n",
                                  f"--nodelist={','.join(nodes)}", "--partition=urgent")

    @classmethod
    def processes(cls, **variables):
        return processes.find(cls.QKSCOPE, **variables)

    @staticmethod
    def log(folder, name):
        with open(f"{folder}/{name}") as file:
            return file.read()

    @classmethod
    def logs(cls, folder):
        text = "".join(f"--- {name}\n{cls.log(folder, name)}" for name in sorted(os.listdir(folder))
                       if name.endswith(".log"))
        with open(f"{cls.root}/slurm/slurmctld.log") as file:
            return text + "".join(line for line in file if "JobId=" in line)

    @classmethod
    def wait_until(cls, folder, condition):
        deadline = time.monotonic() + 60
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited for a minute\n{cls.logs(folder)}")
            time.sleep(0.05)

    @classmethod
    def wait_for_journals(cls, folder, size, count=1):
        cls.wait_until(folder, lambda: sum(
            len(data) > size for name, data in files_of(f"{folder}/out").items()
            if "/journal" in name) >= count)

    def assert_states(self, folder, states, job, num_tasks, but=()):
        expected = {f"{job}_{i}": "COMPLETED" for i in range(num_tasks)} | dict(but)
        self.assertEqual(states, expected, self.logs(folder))

    def assert_dataset(self, folder):
        self.assertTrue(files_of(f"{folder}/out") == self.expected, self.logs(folder))

    def finish(self, folder, *options):
        job = self.submit(folder, "finish.sh", *options)
        self.assertEqual(self.cluster.wait_for(job), {job: "COMPLETED"}, self.logs(folder))
        self.assert_dataset(folder)

    def starts(self, job):
        """How often each task was started again."""
        said = self.cluster.run(["scontrol", "show", "job", "-o", job]).stdout
        return {int(task): int(restarts) for task, restarts in
                re.findall(r"ArrayTaskId=(\d+) .*?Restarts=(\d+)", said)}

    def assert_mpi_job(self, folder, job, num_restarts):
        """It is over, after so many restarts, and has made the dataset."""
        self.assertEqual(self.cluster.finish_with_requeues(job, 150), {job: "COMPLETED"}, self.logs(folder))
        self.assertEqual(self.restarts(job), num_restarts, self.logs(folder))
        self.assert_dataset(folder)

    def restarts(self, job):
        """How often a job that is no array was started again."""
        said = self.cluster.run(["scontrol", "show", "job", "-o", job]).stdout
        return int(re.search(r" Restarts=(\d+) ", said)[1])


def main():
    """argv: qkscope, write_faults library."""
    slurm_cluster.need_slurm()
    private_machine.enter()
    JobsCase.QKSCOPE, JobsCase.FAULTS = (os.path.abspath(path) for path in sys.argv[1:3])
    del sys.argv[1:3]
    unittest.main(verbosity=1)
