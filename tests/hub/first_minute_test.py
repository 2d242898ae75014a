#!/usr/bin/env python3
"""The first minute with names of the Hub: `init` for a model and a corpus that are there, and what
`doctor --network` says of the account. Against the test Hub.

usage: first_minute_test.py QKSCOPE"""

import json
import os
import tempfile
import unittest

from hub_case import HubCase, fixtures
from test_hub import TOKEN, Account


class FirstMinute(HubCase):
    def setUp(self):
        super().setUp()
        with tempfile.TemporaryDirectory() as made:
            fixtures.make_all(made)
            self.hub.add_repo("model", "org/model", fixtures.files_of(f"{made}/model"))
            self.hub.branch("model", "org/model", "v1", fixtures.files_of(f"{made}/model"))
            self.hub.add_repo("dataset", "org/corpus", fixtures.files_of(f"{made}/corpus"))

    def written(self, name="run.yaml"):
        with open(os.path.join(self.root, name), encoding="utf-8") as file:
            return file.read()

    def test_init_downloads_no_weights(self):
        self.run_program("init", "org/model", "org/corpus")
        text = self.written()
        for line in ("  path: org/corpus\n", "  name: org/model\n", "  id_column: id\n",
                     "  data_root: out/model\n"):
            self.assertIn(line, text)
        self.assertNotIn("revision", text)
        self.assertFalse(self.hub.seen("^GET .*model.safetensors", answered=True))
        plan = self.run_program("sniff", "run.yaml", "--dry-run").stdout
        self.assertIn("download", plan)
        self.run_program("sniff", "run.yaml", "--quiet")
        self.run_program("check", "out/model")

    def test_init_with_revisions(self):
        self.run_program("init", "org/model@v1", "org/corpus@main", "-o", "v1.yaml")
        self.assertIn('  revision: "v1"\n', self.written("v1.yaml"))
        self.assertIn('  revision: "main"\n', self.written("v1.yaml"))
        self.run_program("sniff", "v1.yaml", "--dry-run")

    def test_init_without_such_a_repository(self):
        done = self.run_program("init", "org/nothing", "org/corpus", code=1)
        self.assertIn("org/nothing", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.root, "run.yaml")))

    def endpoint(self, code=0, **env):
        done = self.run_program("doctor", "--network", "--json", code=code, **env)
        return json.loads(done.stdout)["sections"]["Hub"]["endpoint"]

    def test_doctor_asks_whose_token_it_is(self):
        self.hub.accounts[TOKEN] = Account("reader", "read", {"company": "write"})
        found = self.endpoint()
        self.assertEqual(found["state"], "fine")
        for word in ("reader", "company", "role read", "token from HF_TOKEN"):
            self.assertIn(word, found["facts"]["account"])

    def test_doctor_without_a_token(self):
        found = self.endpoint(token=None)
        self.assertEqual((found["state"], found["facts"]["answers"]), ("fine", True))
        self.assertNotIn("account", found["facts"])

    def test_doctor_with_a_token_that_nobody_knows(self):
        del self.hub.accounts[TOKEN]
        found = self.endpoint(code=1)
        self.assertEqual((found["state"], found["facts"]["answers"]), ("fault", False))
        self.assertTrue(found["remedy"])

    def test_doctor_sends_nothing_unasked(self):
        self.run_program("doctor")
        self.assertEqual(self.hub.log, [])


if __name__ == "__main__":
    unittest.main()
