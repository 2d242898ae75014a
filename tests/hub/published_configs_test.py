#!/usr/bin/env python3
"""The configurations that the original has published, from an empty cache to the published branch,
against the test Hub with tiny models under the real names. Twice: the second time nothing is sent.

usage: published_configs_test.py QKSCOPE

QK_ORIGINAL_CONFIGS: a folder with the original's own files (its configs/) to run instead of ours."""

import os
import pathlib
import re
import shutil
import unittest

import published
from hub_case import HubCase, published_files

ORIGINALS = os.environ.get("QK_ORIGINAL_CONFIGS")
UNWANTED = re.compile("resolve/.*/(?:" + "|".join(map(re.escape, published.UNWANTED)) + ")")


class PublishedConfigs(HubCase):
    namespace = "viktoroo"

    def test_facts(self):
        self.assertEqual(len(published.configs()), 24)

    def test_from_an_empty_cache_to_the_branch_and_again(self):
        published.add_repositories(self.hub)
        if ORIGINALS:
            shutil.copytree(ORIGINALS, f"{self.root}/configs")
        else:
            published.write_configs(f"{self.root}/configs")
        for name, value in published.configs().items():
            with self.subTest(name):
                self.check(name, value)
        main = self.hub.files("dataset", "viktoroo/sniffed-qk")
        self.assertEqual(set(main) - {"README.md"}, {".gitattributes"})
        self.assertEqual(len(self.hub.repos[("dataset", "viktoroo/sniffed-qk")].branches), 24)

    def check(self, name, value):
        """One configuration: once with an empty cache, once more in another folder."""
        shutil.rmtree(f"{self.root}/home", ignore_errors=True)
        repo, branch = value["output"]["hf_repo_id"], value["output"]["hf_branch"]
        self.sniff(name, "first")
        folder = pathlib.Path(self.root, "first/data/attention-plasticity")
        on_branch = self.hub.files("dataset", repo, branch)
        del on_branch[".gitattributes"]
        self.assertEqual(on_branch, published_files(folder))
        self.assertIn(b"config_name: ", on_branch["README.md"])
        self.assertEqual([e.line for e in self.hub.seen(UNWANTED)], [])
        head = self.hub.head("dataset", repo, branch)
        self.hub.log.clear()
        self.sniff(name, "second")
        self.assertEqual(self.hub.seen("^(PUT|DELETE) |^POST .*/commit/"), [])
        self.assertEqual(self.hub.seen("/cdn/"), [])
        self.assertEqual(self.hub.head("dataset", repo, branch), head)
        for out in ("first", "second"):
            shutil.rmtree(f"{self.root}/{out}")

    def sniff(self, name, out):
        os.mkdir(f"{self.root}/{out}")
        return self.run_program("sniff", "--config", f"{self.root}/configs/{name}", "--quiet",
                                "--threads", "1", cwd=f"{self.root}/{out}")


if __name__ == "__main__":
    unittest.main()
