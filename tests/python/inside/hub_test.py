"""A dataset of the Hub by its name, against the Hub of tests/hub."""

import os
import unittest
from unittest import mock

import fixtures
import qkscope
from test_hub import TOKEN, Account, TestHub


class Hub(unittest.TestCase):
    def setUp(self):
        self.hub = self.enterContext(TestHub())
        self.hub.accounts[TOKEN] = Account("org")
        self.local = qkscope.sniff(fixtures.make_all(self.hub.root), quiet=True)
        files = {path: data for path, data in fixtures.files_of(self.local.path).items()
                 if not path.startswith(".qkscope/")}
        self.hub.add_repo("dataset", "org/cap", {"README.md": b"# one branch per model\n"})
        self.hub.branch("dataset", "org/cap", "some/model", files)
        variables = {key: str(value) for key, value in self.hub.env().items() if key not in ("PYTHONPATH", "PATH")}
        kept = {key: os.environ[key] for key in ("QKSCOPE_PROGRAM", "PATH")}
        self.enterContext(mock.patch.dict(os.environ, {**variables, **kept}, clear=True))

    def test_a_branch_is_fetched_once(self):
        ds = qkscope.open("org/cap@some/model", quiet=True)
        self.assertEqual(ds.heads, self.local.heads)
        self.assertEqual(ds.keys(1, 1).vectors.tolist(), self.local.keys(1, 1).vectors.tolist())
        self.assertEqual(ds.documents, self.local.documents)
        sent = len(self.hub.seen("^GET /cdn/", answered=True))
        self.assertGreater(sent, 0)
        self.assertEqual(qkscope.open("org/cap@some/model", quiet=True).path, ds.path)
        self.assertEqual(len(self.hub.seen("^GET /cdn/", answered=True)), sent)
        self.assertEqual(self.hub.violations, [])

    def test_only_some_heads(self):
        ds = qkscope.open("org/cap@some/model", heads=["l00*", "l02h03q"], quiet=True)
        self.assertEqual({head.name for head in ds.heads},
                         {head.name for head in self.local.heads if head.layer == 0} | {"l02h03q"})

    def test_what_is_not_there_is_one_sentence(self):
        with self.assertRaisesRegex(qkscope.UserError, "org/none"):
            qkscope.open("org/none", quiet=True)


if __name__ == "__main__":
    unittest.main()
