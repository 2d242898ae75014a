#!/usr/bin/env python3
"""tools/steps.sh: what a step shows, and that a script ends at the first one that fails.

usage: steps_test.py"""

import pathlib
import subprocess
import tempfile
import unittest

STEPS = pathlib.Path(__file__).resolve().parents[2] / "tools/steps.sh"


class Steps(unittest.TestCase):
    def run_script(self, text):
        with tempfile.TemporaryDirectory() as folder:
            return subprocess.run(["bash", "-c", f"cd {folder}; . {STEPS}\n{text}"], capture_output=True, text=True)

    def test_a_step_that_works_shows_its_time_alone(self):
        done = self.run_script('speak() { echo "$1"; }\nstep "first step" speak a\necho after')
        self.assertRegex(done.stdout, r"^first step \.\.\. +\d+ s\nafter\n$")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_step_that_fails_ends_the_script(self):
        for body in ("echo why; return 3", "echo why; false; echo more", "(echo why; exit 3) && true; false | true"):
            done = self.run_script(f"work() {{ {body}; }}\nstep work work\necho after")
            self.assertEqual(done.returncode, 1, body)
            self.assertIn("failed after", done.stdout)
            self.assertIn("\nwhy\n", done.stdout)
            self.assertNotIn("after\n", done.stdout.replace("failed after", ""))
            self.assertNotIn("more", done.stdout)

    def test_steps_as_the_last_of_a_list(self):
        done = self.run_script("work() { false; true; }\n[ -e nothing ] || step work work\necho whole")
        self.assertEqual((done.returncode, "whole" in done.stdout), (1, False))


if __name__ == "__main__":
    unittest.main()
