#!/usr/bin/env python3
"""The recipes of docs/cluster.md and configs/kubernetes/: their scripts and command lines as they are printed.
qsub, sbatch, srun, and mpirun under PBS, are stubs, and pods are processes: the real Slurm is array_test.py's.

usage: recipes_test.py QKSCOPE

Ray and Dask are tried if QK_RECIPES_PYTHON names a Python that has them, GNU parallel if it is
installed; what is missing is skipped by name."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/tests/cli")
import fixtures  # noqa: E402
from fixtures import files_of  # noqa: E402

PROGRAM = os.path.abspath(sys.argv.pop(1))
PYTHON = os.environ.get("QK_RECIPES_PYTHON", "")
STOPPED = 75
# The first start of shard 3 is stopped, as by a signal: a recipe has to start it again.
WRAPPER = """#!/bin/sh
case "$*" in
  *"--shard 3/"*) if [ ! -e {marker} ]; then : > {marker}; exit 75; fi ;;
esac
case "$*" in
  *--threads*) exec {program} "$@" ;;
esac
exec {program} "$@" --threads 1
"""
# Takes a job: its number is printed, and its arguments are a line of the queue.
SUBMIT = """#!/bin/sh
echo "$*" >> {folder}/queue
wc -l < {folder}/queue | tr -d ' '
"""
# Of an MPI job a single rank; the first start of all is stopped.
SRUN = """#!/bin/sh
if [ ! -e {folder}/stopped ]; then : > {folder}/stopped; exit 75; fi
while [ "${{1#--}}" != "$1" ]; do shift; done
exec "$@"
"""


def command_of_chain():
    """The command line with which docs/cluster.md submits a chain."""
    with open(f"{ROOT}/docs/cluster.md") as file:
        return re.search(r"^    (configs/slurm/chain\.sh .*)$", file.read(), re.M).group(1)


def recipes():
    """{name: text} of the scripts in the document that begin with their name, else {number: text}."""
    with open(f"{ROOT}/docs/cluster.md") as file:
        blocks = re.findall(r"^```(?:python|sh)\n(.*?)^```$", file.read(), re.M | re.S)
    named = {}
    for i, block in enumerate(blocks):
        name = re.match(r"# (\w+\.(?:py|sh))\b", block)
        named[name.group(1) if name else str(i)] = block
    return named


def has_module(name):
    return bool(PYTHON) and subprocess.run([PYTHON, "-c", f"import {name}"],
                                           capture_output=True).returncode == 0


class Recipes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = os.path.realpath(cls.folder.name)
        fixtures.make_all(cls.root)
        fixtures.make_corpus(f"{cls.root}/corpus", [90, 5, 0, 41, 100, 17] * 8)
        plain = cls.make_folder("plain")
        subprocess.run([PROGRAM, "sniff", "run.yaml", "--quiet"], cwd=plain, check=True,
                       capture_output=True)
        cls.expected = files_of(f"{plain}/out")
        cls.recipes = recipes()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def make_folder(cls, name):
        """A working folder with run.yaml and with the program in bin/."""
        folder = f"{cls.root}/{name}"
        config = fixtures.CONFIG.format(root=cls.root).replace(f"{cls.root}/out", f"{folder}/out")
        fixtures.write(f"{folder}/run.yaml", config)
        fixtures.write(f"{folder}/bin/qkscope",
                       WRAPPER.format(marker=f"{folder}/stopped", program=PROGRAM))
        os.chmod(f"{folder}/bin/qkscope", 0o755)
        return folder

    def run_in(self, folder, command, code=0, **variables):
        environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", **variables}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True,
                              timeout=300)
        self.assertEqual(done.returncode, code, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout + done.stderr

    def write_recipe(self, name, folder):
        return fixtures.write(f"{folder}/{name}", self.recipes[name])

    def assert_expected(self, folder):
        self.assertTrue(os.path.exists(f"{folder}/stopped"), "no shard was stopped")
        self.assertTrue(files_of(f"{folder}/out") == self.expected)

    @unittest.skipUnless(shutil.which("parallel"), "GNU parallel is not installed")
    def test_gnu_parallel(self):
        folder = self.make_folder("parallel")
        fixtures.write(f"{folder}/nodes.txt", "2/:\n")
        script = self.write_recipe("capture_parallel.sh", folder)
        self.run_in(folder, ["sh", script])
        self.assert_expected(folder)

    @unittest.skipUnless(has_module("ray"), "QK_RECIPES_PYTHON names no Python with Ray")
    def test_ray(self):
        folder = self.make_folder("ray")
        recipe = self.recipes["capture_ray.py"]
        self.assertEqual(recipe.count("CORES = 16"), 1)
        script = fixtures.write(f"{folder}/capture_ray.py", recipe.replace("CORES = 16", "CORES = 1"))
        command = [PYTHON, script, f"{folder}/run.yaml", "8"]
        if os.geteuid() == 0 and shutil.which("ip"):  # Ray listens on every address of the machine
            command = ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *command]
        self.run_in(folder, command, RAY_USAGE_STATS_ENABLED="0", RAY_TMPDIR=f"{folder}/r")
        self.assert_expected(folder)

    def start_dask(self, folder, *arguments):
        environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"}
        process = subprocess.Popen([PYTHON, "-m", *arguments], cwd=folder, env=environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

    @unittest.skipUnless(has_module("distributed"), "QK_RECIPES_PYTHON names no Python with Dask")
    def test_dask(self):
        folder = self.make_folder("dask")
        about = f"{folder}/scheduler.json"
        local = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
        self.start_dask(folder, "distributed.cli.dask_scheduler", *local, "--port", "0",
                        "--scheduler-file", about)
        for _ in range(600):
            if os.path.exists(about):
                break
            time.sleep(0.1)
        with open(about) as file:
            address = json.load(file)["address"]
        for _ in range(2):
            self.start_dask(folder, "distributed.cli.dask_worker", address, "--nthreads", "1", *local)
        script = self.write_recipe("capture_dask.py", folder)
        self.run_in(folder, [PYTHON, script, f"{folder}/run.yaml", "8", address])
        self.assert_expected(folder)

    def test_kubernetes(self):
        try:
            import yaml
        except ImportError:
            self.skipTest("this Python has no PyYAML")
        folder = self.make_folder("kubernetes")
        jobs = {}
        for name in ("capture", "finish"):
            with open(f"{ROOT}/configs/kubernetes/{name}.yaml") as file:
                jobs[name] = next(part for part in yaml.safe_load_all(file) if part["kind"] == "Job")
        spec = jobs["capture"]["spec"]
        self.assertEqual(spec["completionMode"], "Indexed")
        rules = spec["podFailurePolicy"]["rules"]
        self.assertIn({"action": "Ignore", "onExitCodes": {"operator": "In", "values": [STOPPED]}}, rules)

        def command(name):
            pod = jobs[name]["spec"]["template"]["spec"]
            self.assertEqual(pod["restartPolicy"], "Never")  # what podFailurePolicy asks for
            return [word.replace("/data/", f"{folder}/") for word in pod["containers"][0]["command"]]

        for index in range(spec["completions"]):
            code = STOPPED if index == 3 else 0
            self.run_in(folder, command("capture"), code, JOB_COMPLETION_INDEX=str(index))
        said = self.run_in(folder, command("finish"), STOPPED)
        self.assertIn(f"(shard 3 of {spec['completions']}): run it again", said)
        self.run_in(folder, command("capture"), JOB_COMPLETION_INDEX="3")
        self.run_in(folder, command("finish"))
        self.assert_expected(folder)

    def stub(self, folder, name, text):
        os.chmod(fixtures.write(f"{folder}/bin/{name}", text.format(folder=folder)), 0o755)

    def queue(self, folder):
        """The arguments of each job that was submitted."""
        with open(f"{folder}/queue") as file:
            return [line.split() for line in file]

    def test_pbs(self):
        """Some indexes of each array; then the finish job misses documents, which the MPI job captures."""
        folder = self.make_folder("pbs")
        array, finish, mpi = (block for block in self.recipes.values()
                              if 'cd "$PBS_O_WORKDIR"' in block)
        for name, block in (("array", array), ("finish", finish), ("mpi", mpi)):
            fixtures.write(f"{folder}/{name}.pbs", block)
        self.stub(folder, "qsub", SUBMIT)
        self.run_in(folder, ["sh", self.write_recipe("capture_pbs.sh", folder)])
        first, second, last = self.queue(folder)
        self.assertEqual(first, ["array.pbs"])
        self.assertEqual(second, ["-W", "depend=afterany:1", "array.pbs"])
        self.assertEqual((last[:2], last[-1]), (["-W", "depend=afterany:2"], "finish.pbs"))

        def start(job, code=0, **variables):
            return self.run_in(folder, ["sh", job[-1]], code, PBS_O_WORKDIR=folder, **variables)

        for index in (3, 34, 127):
            start(first, STOPPED if index == 3 else 0, PBS_ARRAY_INDEX=str(index))
        start(second, PBS_ARRAY_INDEX="3")
        self.assertRegex(start(last, STOPPED), r"documents 0, 1, 2, 4, .* are missing")
        self.stub(folder, "mpirun", '#!/bin/sh\nshift 4\nexec "$@"\n')
        start(["mpi.pbs"])
        self.assert_expected(folder)
        self.assertIn("is finished already", start(last))

    def test_a_chain_of_mpi_jobs(self):
        """As docs/cluster.md submits it: the first job is stopped, the second finishes, the others end at once."""
        folder = self.make_folder("chain")
        for name, text in (("sbatch", SUBMIT), ("srun", SRUN), ("scontrol", "#!/bin/sh\nexit 99\n")):
            self.stub(folder, name, text)
        os.symlink(f"{ROOT}/configs", f"{folder}/configs")
        command = command_of_chain().split()
        times, *options, script = command[1:]
        self.assertEqual(self.run_in(folder, command).strip(), times)
        jobs = self.queue(folder)
        self.assertEqual(len(jobs), int(times))
        for number, job in enumerate(jobs):
            after = [f"--dependency=afterany:{number}"] if number else []
            self.assertEqual(job, ["--parsable", *after, *options, script])
        exported = dict(item.split("=") for item in options[0].split(",")[1:])
        self.assertEqual(exported["RESTARTS"], "0")  # no job requeues itself
        said = []
        for number, job in enumerate(jobs):
            said.append(self.run_in(folder, ["bash", job[-1]], 0 if number else STOPPED,
                                    SLURM_JOB_ID=str(number + 1), **exported))
        self.assertEqual(["is finished already" in text for text in said], [False, False, True, True, True])
        self.assert_expected(folder)


if __name__ == "__main__":
    unittest.main(verbosity=1)
