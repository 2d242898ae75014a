#!/usr/bin/env python3
"""Tokens in configurations and options: refused by every command, named by place, never shown; and the
file .env, whose values are never shown either.

usage: secrets_test.py QKSCOPE"""

import os
import subprocess
import sys
import tempfile
import unittest

import fixtures

PROGRAM = os.path.abspath(sys.argv[1])
TOKEN = "hf_" + "aBcDeFgHiJkLmNoPq" * 2
PLACES = {  # T is the token; what the message says before the reason
    "value": ("a: 1\nb: T\n", ":2: "), "nested": ("output:\n  hf: {x: [1, T]}\n", ":2: "),
    "key": ("a: 1\nT: 2\n", ":2: "), "comment": ("a: 1\n# T\n", ":2: "), "broken": ("a: [T\n", ":1: "),
    "address": ("a: https://me:T@host/\n", ":1: "), "block": ("a: |\n  b\n  T\n", ":3: "),
    "token": ("output:\n  hf_token: secret7\n", ":2: output.hf_token: "),
    "use_auth_token": ("model:\n  use_auth_token: secret7\n", ":2: model.use_auth_token: ")}


class SecretsTest(unittest.TestCase):
    def setUp(self):
        self.made = tempfile.TemporaryDirectory()
        self.root = self.made.name
        self.addCleanup(self.made.cleanup)

    def run_program(self, *arguments, **variables):
        environment = {key: value for key, value in os.environ.items() if key != "HF_TOKEN"}
        return subprocess.run([PROGRAM, *arguments], cwd=self.root, capture_output=True, text=True,
                              env={**environment, **variables}, timeout=60)

    def refused(self, done, *words):
        self.assertEqual(done.returncode, 1, done.stderr)
        text = done.stdout + done.stderr
        for secret in (TOKEN, TOKEN[:12], "secret7"):
            self.assertNotIn(secret, text)
        for word in words:
            self.assertIn(word, text)

    def test_in_configurations(self):
        commands = (["sniff"], ["sniff", "--dry-run"], ["analyze"], ["plot", "heatmap"],
                    ["plot", "plasticity"])
        for name, (text, place) in PLACES.items():
            fixtures.write(f"{self.root}/{name}.yaml", text.replace("T", TOKEN))
            for command in commands:
                with self.subTest(place=name, command=command):
                    done = self.run_program(*command, "--config", f"{name}.yaml")
                    self.refused(done, f"{name}.yaml{place}", "set HF_TOKEN")

    def test_in_overrides(self):
        fixtures.write(f"{self.root}/run.yaml", "model: {name: x}\n")
        for command in ("sniff", "analyze"):
            for text in (f"output.hf_repo_id={TOKEN}", f"{TOKEN}=1", "output.hf_token=secret7",
                         "output={token: secret7}", "output={token: [secret7"):
                with self.subTest(command=command, text=text):
                    done = self.run_program(command, "--config", "run.yaml", "--set", text)
                    self.refused(done, "--set")

    def test_lines_of_dotenv_are_not_shown(self):
        fixtures.write(f"{self.root}/.env", f"HF_TOKEN='{TOKEN}\n")
        os.mkdir(f"{self.root}/below")
        for command in (["--version"], ["inspect", "nothing"]):
            done = self.run_program(*command)
            self.assertIn(f"{self.root}/.env:1: expected NAME=value; the line is not used", done.stderr)
            self.assertNotIn(TOKEN, done.stdout + done.stderr)
        done = self.run_program("--version", PYTHON_DOTENV_DISABLED="1")
        self.assertEqual(done.stderr, "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
