#!/usr/bin/env python3
"""tools/check_hub, which a person runs against the live Hub, against the test Hub.

usage: check_hub_test.py QKSCOPE"""

import subprocess
import sys
import unittest

from hub_case import PROGRAM, ROOT, HubCase

TOOL = ROOT / "tools/check_hub"


class CheckHub(HubCase):
    def test_it_passes_and_leaves_nothing(self):
        done = subprocess.run([sys.executable, TOOL, "--qkscope", PROGRAM], env=self.hub.env(),
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.hub.violations, [])
        self.assertEqual(self.hub.repos, {})


if __name__ == "__main__":
    unittest.main()
