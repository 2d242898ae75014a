"""The Slurm of the tests: steps, arrays, requeues and signals as the tests of the program expect them."""

import os
import tempfile
import time
import unittest

import private_machine
import slurm_cluster
from slurm_cluster import SlurmCluster


class SlurmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="qk-slurm-"))
        cls.cluster = cls.enterClassContext(SlurmCluster(cls.folder, num_nodes=2))
        slurm_cluster.report_start(cls.cluster)

    def read(self, name):
        with open(f"{self.folder}/{name}", encoding="utf-8") as file:
            return file.read()

    def test_a_step_on_two_nodes(self):
        said = self.cluster.run(["srun", "-N2", "-n3", "-l", "bash", "-c",
                                 "echo $SLURMD_NODENAME $SLURM_STEP_NUM_TASKS $SLURM_LOCALID "
                                 "$SLURM_STEP_TASKS_PER_NODE"]).stdout
        self.assertEqual(sorted(said.splitlines()),
                         ["0: n1 3 0 2,1", "1: n1 3 1 2,1", "2: n2 3 0 2,1"])

    def test_the_batch_script_has_no_step(self):
        job = self.cluster.submit("#!/bin/bash\n#SBATCH -n3 -N2 -o batch.txt\n"
                                  "echo ${SLURM_NTASKS:-none} ${SLURM_STEP_NUM_TASKS:-none}\n")
        self.assertEqual(self.cluster.wait_for(job), {job: "COMPLETED"})
        said = self.read("batch.txt").split()
        self.assertEqual(said[0], "3")
        self.assertIn(said[1], ("none", "1"))

    def test_an_array_and_what_comes_after_it(self):
        job = self.cluster.submit("#!/bin/bash\n#SBATCH --array=0-3 -o array.%a.txt\n"
                                  "echo task $SLURM_ARRAY_TASK_ID\n")
        after = self.cluster.submit("#!/bin/bash\n#SBATCH -o after.txt\ncat array.*.txt\n",
                                    f"--dependency=afterany:{job}")
        self.assertEqual(self.cluster.wait_for(after), {after: "COMPLETED"})
        self.assertEqual(self.read("after.txt"), "".join(f"task {i}\n" for i in range(4)))
        self.assertEqual(self.cluster.wait_for(job),
                         {f"{job}_{i}": "COMPLETED" for i in range(4)})

    def test_a_task_of_an_array_is_requeued_alone(self):
        job = self.cluster.submit("""#!/bin/bash
#SBATCH --array=0-1 --requeue --open-mode=append -o requeue.%a.txt
echo start ${SLURM_RESTART_COUNT:-0}
if [ $SLURM_ARRAY_TASK_ID = 1 ] && [ ${SLURM_RESTART_COUNT:-0} = 0 ]; then
  scontrol requeue ${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
  sleep 20
fi
""")
        states = self.cluster.finish_with_requeues(job)
        self.assertEqual(states, {f"{job}_{i}": "COMPLETED" for i in range(2)})
        self.assertEqual(self.read("requeue.0.txt"), "start 0\n")
        lines = [line for line in self.read("requeue.1.txt").splitlines() if line.startswith("start")]
        self.assertEqual(lines, ["start 0", "start 1"])

    def test_scancel_sends_a_signal_to_the_step(self):
        script = ("trap 'echo got USR1; exit 75' USR1; touch ready; "
                  "for i in $(seq 200); do sleep 0.05; done")
        job = self.cluster.submit(f'#!/bin/bash\n#SBATCH -o signal.txt\nsrun bash -c "{script}"\n'
                                  "echo exit code $?\n".replace("$(", "\\$("))
        deadline = time.monotonic() + 20
        while not os.path.exists(f"{self.folder}/ready") and time.monotonic() < deadline:
            time.sleep(0.05)
        self.cluster.run(["scancel", "-s", "USR1", job])
        self.cluster.wait_for(job)
        said = self.read("signal.txt")
        self.assertIn("got USR1", said)
        self.assertIn("exit code 75", said)


if __name__ == "__main__":
    slurm_cluster.need_slurm()
    private_machine.enter()
    unittest.main()
