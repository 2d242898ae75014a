#!/usr/bin/env python3
"""`qkscope doctor` and `qkscope --version --json`: what they say, that both forms agree, and the exit code
when something that is configured does not work.

usage: doctor_test.py QKSCOPE"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import fixtures

PROGRAM = os.path.abspath(sys.argv.pop(1))
SOURCE = pathlib.Path(__file__).resolve().parents[2]
TOKEN = "hf_" + "aBcDeFgHiJkLmNoPq" * 2
SECTIONS = {
    "program": ["version", "file", "libraries", "report page"],
    "machine": ["system", "processor", "cores", "memory", "working folder"],
    "devices": ["torch plugin", "GPUs", "used"],
    "cluster": ["job", "launcher", "MPI"],
    "Hub": ["endpoint", "token", "cache"]}


class Doctor(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.root = made.name
        self.environment = {
            name: value for name, value in os.environ.items()
            if not name.startswith(("HF_", "SLURM_", "PBS_", "QKSCOPE_", "OMPI_", "PMI"))}
        self.environment |= {**fixtures.NO_GPU, "HF_HOME": f"{self.root}/hf"}

    def run_doctor(self, *flags, program=(PROGRAM,), **variables):
        return subprocess.run([*program, "doctor", *flags], cwd=self.root, capture_output=True,
                              text=True, timeout=120, env={**self.environment, **variables})

    def findings(self, *flags, code=0, **others):
        done = self.run_doctor("--json", *flags, **others)
        self.assertEqual((done.returncode, done.stderr), (code, ""), done.stdout)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["schema"], 1)
        faults = [name for section in answer["sections"].values()
                  for name, finding in section.items() if finding["state"] == "fault"]
        self.assertEqual(answer["faults"], len(faults))
        self.assertEqual(bool(faults), code == 1)
        return answer["sections"]

    def test_without_anything(self):
        sections = self.findings()
        self.assertEqual({name: list(section) for name, section in sections.items()}, SECTIONS)
        for section in sections.values():
            for name, finding in section.items():
                self.assertEqual(set(finding), {"state", "text", "remedy", "facts"})
                self.assertTrue(finding["text"] and "\n" not in finding["text"], name)
                self.assertIn(finding["state"], ("fine", "note"), finding)
                self.assertEqual(finding["state"] == "note", finding["remedy"] is not None, finding)
        self.assertEqual(sections["devices"]["used"]["facts"]["device"], "cpu")
        self.assertEqual(sections["Hub"]["endpoint"]["facts"]["address"], "https://huggingface.co")
        self.assertEqual(sections["Hub"]["token"]["facts"], {"from": None})
        self.assertEqual(sections["machine"]["working folder"]["facts"]["path"],
                         os.path.realpath(self.root))
        self.assertEqual(os.listdir(self.root), [])  # nothing was written

    def test_lines_for_people_are_the_same(self):
        text = self.run_doctor().stdout
        for section in self.findings().values():
            for name, finding in section.items():
                if name in ("memory", "working folder", "cache"):  # free bytes change
                    continue
                self.assertIn(f"{name:<15}{finding['text']}\n", text)
                self.assertIn(finding["remedy"] or "", text)
        self.assertTrue(text.endswith("No fault was found.\n"))

    def test_the_token_is_never_shown(self):
        with open(f"{self.root}/token", "w", encoding="utf-8") as file:
            file.write(TOKEN)
        for variables, origin in (({"HF_TOKEN": TOKEN}, "HF_TOKEN"),
                                  ({"HF_TOKEN_PATH": f"{self.root}/token"}, f"{self.root}/token")):
            for flags in ([], ["--json"]):
                done = self.run_doctor(*flags, **variables)
                self.assertEqual(done.returncode, 0)
                self.assertIn(f"from {origin}", done.stdout)
                self.assertNotIn(TOKEN[3:12], done.stdout + done.stderr)

    def test_limits_of_the_machine(self):
        core = min(os.sched_getaffinity(0))
        facts = self.findings(program=("taskset", "-c", str(core), PROGRAM))["machine"]["cores"]["facts"]
        self.assertEqual(facts, {"usable": 1, "online": os.cpu_count()})

    def test_the_cache(self):
        fixtures.write(f"{self.root}/hf/hub/models--a--b/blobs/1", b"x" * 1500)
        fixtures.write(f"{self.root}/hf/hub/datasets--a--b/blobs/2", b"x" * 500)
        os.makedirs(f"{self.root}/hf/hub/models--a--b/snapshots/1")
        os.symlink("../../blobs/1", f"{self.root}/hf/hub/models--a--b/snapshots/1/model")
        facts = self.findings()["Hub"]["cache"]["facts"]
        self.assertEqual((facts["repositories"], facts["bytes"], facts["whole"]), (2, 2000, True))

    def test_a_job(self):
        sections = self.findings(SLURM_JOB_ID="812", SLURM_JOB_END_TIME="99999999999",
                                 SLURM_JOB_NUM_NODES="4")
        self.assertIn("Slurm 812, nodes: 4, ", sections["cluster"]["job"]["text"])
        self.assertGreater(sections["cluster"]["job"]["facts"]["seconds_left"], 1e9)

    def test_what_is_configured_and_does_not_work(self):
        for section, name, variables in (
                ("devices", "torch plugin", {"QKSCOPE_TORCH_PLUGIN": "/nowhere/plugin.so"}),
                ("cluster", "MPI", {"QKSCOPE_MPI_LIB": "/nowhere/libmpi.so"}),
                ("cluster", "MPI", {"QKSCOPE_MPI_SHIM": "/nowhere/shim.so"}),
                ("Hub", "settings", {"HF_ENDPOINT": "nonsense"}),
                ("Hub", "settings", {"HF_TOKEN": "with a blank"})):
            finding = self.findings(code=1, **variables)[section][name]
            self.assertEqual(finding["state"], "fault", variables)
            self.assertTrue(finding["remedy"], variables)
            text = self.run_doctor(**variables).stdout
            self.assertRegex(text, rf"(?m)^X {name} ")
            self.assertIn("fault", text.splitlines()[-1])

    def test_a_dead_hub(self):
        """Only --network asks it."""
        dead = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_ETAG_TIMEOUT": "1"}
        self.assertEqual(self.findings(**dead)["Hub"]["endpoint"]["state"], "fine")
        finding = self.findings("--network", code=1, **dead)["Hub"]["endpoint"]
        self.assertFalse(finding["facts"]["answers"])
        offline = self.findings("--network", **dead, HF_HUB_OFFLINE="1")["Hub"]["endpoint"]
        self.assertTrue(offline["facts"]["offline"])


class Version(unittest.TestCase):
    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60)

    def test_json(self):
        answers = [self.run_program(*flags).stdout
                   for flags in (("--version", "--json"), ("--json", "--version"))]
        self.assertEqual(answers[0], answers[1])
        answer = json.loads(answers[0])
        documented = (SOURCE / "docs/command-line.md").read_text().split("## The version for scripts")[1]
        keys = {key for row in re.findall(r"^\| (`.*?) \|", documented.split("\n## ")[0], re.M)
                for key in re.findall(r"`(\w+)`", row)}
        self.assertEqual(set(answer), keys)
        lines = self.run_program("--version").stdout
        self.assertIn(f"qkscope {answer['version']}", lines)
        self.assertIn(answer["commit"] or "", lines)
        self.assertIn(f"Arrow {answer['libraries']['Arrow']}, tokenizers "
                      f"{answer['libraries']['tokenizers']}, SIMD {answer['backends']['cpu']['simd']}",
                      lines)
        self.assertTrue(all(re.match(r"\d+\.", version) for version in answer["libraries"].values()))
        self.assertIn(answer["backends"]["cpu"]["simd"], answer["backends"]["cpu"]["simd_built"])
        registry = (SOURCE / "src/arch/registry.cc").read_text()
        self.assertEqual(len(answer["architectures"]), len(re.findall(r"&k\w+", registry)))
        self.assertIn("Q4_K", answer["formats"]["weights"]["gguf"])

    def test_json_alone_is_refused(self):
        done = self.run_program("--json")
        self.assertEqual((done.returncode, done.stdout), (1, ""))


if __name__ == "__main__":
    unittest.main()
