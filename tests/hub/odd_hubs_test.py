#!/usr/bin/env python3
"""Hubs that are well and yet unusual: small pages, uploads in parts, addresses that soon expire, commits
that must be split, names with odd characters; and hubs that lie.

usage: odd_hubs_test.py QKSCOPE"""

import gzip
import json
import os
import re
import shutil
import time
import unittest
import unittest.mock

from hub_case import HubCase, TransferCase, command, fixtures
from hub_http import Handler

PARQUET = b"PAR1" + bytes(range(256)) * 40 + b"PAR1"


def lying(pattern, change):
    plain = Handler.send_answer

    def send_answer(handler, answer):
        if re.search(pattern, handler.entry.line) and answer.status == 200:
            answer.body = json.dumps(change(json.loads(answer.body))).encode()
        plain(handler, answer)

    return send_answer


class OddHubs(HubCase):
    @classmethod
    def setUpClass(cls):
        TransferCase.setUpClass.__func__(cls)

    def setUp(self):
        super().setUp()
        self.hub.add_repo("dataset", "org/cap", self.files)

    def publish(self, *flags, branch="b", repo="org/qk", **options):
        return self.run_program("publish", self.capture, "--repo", repo, "--branch", branch,
                                *flags, **options)

    def branch_files(self, branch="b", repo="org/qk"):
        files = self.hub.files("dataset", repo, branch)
        files.pop(".gitattributes")
        return files

    def fetch(self, name="org/cap", *flags, **options):
        done = self.run_program("fetch", name, "--to", f"{self.root}/here", *flags, **options)
        files = {path: data for path, data in fixtures.files_of(f"{self.root}/here").items()
                 if not path.startswith(".cache/") and path != ".gitattributes"}
        return done, files

    # --- well

    def test_pages_of_two(self):
        self.hub.page_size = 2
        self.assertTrue(self.fetch()[1] == self.files)
        self.publish()
        self.assertTrue(self.branch_files() == self.files)
        self.hub.log.clear()
        self.publish()
        self.assertEqual(self.hub.seen("^PUT |/commit/"), [])

    def test_no_redirects_of_small_files_and_no_xet(self):
        self.hub.small_files_redirect = self.hub.xet = False
        self.assertTrue(self.fetch()[1] == self.files)

    def test_uploads_in_parts(self):
        self.hub.multipart_above, self.hub.part_bytes = 1000, 700
        for fault in ("reset", "503", "expired"):
            self.hub.fail(fault, on="PUT .*lfs-part/.*/2")
        self.hub.fail("503", on="POST /lfs-complete")
        self.hub.fail("lost-answer", on="POST /lfs-complete", skip=2)
        self.publish()
        self.assertTrue(self.branch_files() == self.files)

    def test_commits_that_must_be_split(self):
        for status in (413, 400, 504):
            with self.subTest(status):
                self.hub.files_per_commit, self.hub.files_status = 4, status
                branch = f"split-{status}"
                self.publish(*(["--files-per-commit", "4"] if status == 400 else []), branch=branch)
                self.assertTrue(self.branch_files(branch) == self.files)
                self.assertFalse([name for name in self.hub.repos[("dataset", "org/qk")].branches
                                  if "staging" in name])

    def test_addresses_that_soon_expire(self):
        self.hub.url_seconds = 0.4
        self.hub.fail("slow", on="GET /cdn/", times=3, rate=4000)
        self.hub.fail("cut", on="GET /cdn/", times=3)
        self.hub.fail("reset", on="^PUT ", times=5)
        self.assertTrue(self.fetch()[1] == self.files)
        self.publish()
        self.assertTrue(self.branch_files() == self.files)

    def test_a_server_that_ignores_ranges(self):
        self.hub.fail("cut", on="GET /cdn/", times=4)
        self.hub.fail("ignores-range", on="GET /cdn/", times=float("inf"))
        self.assertTrue(self.fetch()[1] == self.files)

    def test_a_proxy_that_packs(self):
        self.hub.fail("cut", on="GET /cdn/", times=2)  # then parts are asked for
        plain = Handler.send_answer

        def packed(handler, answer):
            if answer.body:
                answer.body = gzip.compress(answer.body)
                answer.headers["Content-Encoding"] = "gzip"
            plain(handler, answer)

        with unittest.mock.patch.object(Handler, "send_answer", packed):
            self.assertTrue(self.fetch()[1] == self.files)

    def test_an_error_ends_the_wait_of_others(self):
        for job, wait, error in (
                ("fetch", "/resolve/.*/documents.parquet", "/resolve/.*/README.md"),
                ("publish", "^PUT .*lfs", "^PUT .*lfs")):
            with self.subTest(job):
                self.hub.fail("429-retry-after", on=wait, seconds=900)
                self.hub.fail("status:400", on=error, times=float("inf"))
                begin = time.monotonic()
                done = self.run_program(*command(job, self.hub, self.capture), code=1)
                self.assertLess(time.monotonic() - begin, 60)
                self.assertIn("400", done.stderr)

    def test_names_with_odd_characters(self):
        odd = {f"{name}/data.parquet": PARQUET + name.encode() for name in (
            "a b", "a#b", "a%20b", "a?b", "ü", "a+b", "a&b=c", "'a\"", "日本")}
        self.hub.branch("dataset", "org/cap", "odd/ö", odd)
        _, files = self.fetch("org/cap@odd/ö")
        self.assertTrue(files == odd)

    def test_revisions(self):
        repo = self.hub.repos[("dataset", "org/cap")]
        repo.tags["v1.0"] = repo.branches["main"]
        repo.branches["refs/pr/1"] = repo.branches["main"]
        for revision in ("v1.0", "refs/pr/1", repo.branches["main"]):
            with self.subTest(revision):
                shutil.rmtree(f"{self.root}/here", ignore_errors=True)
                self.assertTrue(self.fetch(f"org/cap@{revision}")[1] == self.files)

    def test_private_and_gated_repositories(self):
        repo = self.hub.repos[("dataset", "org/cap")]
        repo.private = True
        self.assertTrue(self.fetch()[1] == self.files)
        shutil.rmtree(f"{self.root}/here")
        shutil.rmtree(f"{self.root}/home")
        done = self.run_program("fetch", "org/cap", code=1, token=None)
        self.assertIn("private", done.stderr)
        repo.private, repo.gated = False, "auto"
        done = self.run_program("fetch", "org/cap", code=1, token=None)
        self.assertIn("conditions", done.stderr)
        self.assertTrue(self.fetch()[1] == self.files)

    def test_renamed_repositories(self):
        self.hub.add_repo("dataset", "org/old", {}, renamed_to="org/cap")
        self.assertTrue(self.fetch("org/old")[1] == self.files)
        self.assertTrue(os.path.isdir(f"{self.root}/home/hub"))

    def test_an_endpoint_with_a_slash(self):
        self.assertTrue(self.fetch(HF_ENDPOINT=self.hub.url + "/")[1] == self.files)

    def test_what_is_left_of_an_interrupted_download(self):
        """Partial files that are longer than the file, or have other bytes."""
        stored = self.hub.repos[("dataset", "org/cap")].find("main").files
        blobs = f"{self.root}/home/hub/datasets--org--cap/blobs"
        for number, file in enumerate(stored.values()):
            junk = (b"junk", file.data[:100], file.data + b"junk", b"x" * len(file.data))[number % 4]
            fixtures.write(f"{blobs}/{file.digest()}.incomplete", junk)
        self.run_program("fetch", "org/cap")
        for file in stored.values():
            with open(f"{blobs}/{file.digest()}", "rb") as blob:
                self.assertTrue(blob.read() == file.data)
        self.assertFalse([name for name in os.listdir(blobs) if "incomplete" in name])

    def test_a_branch_that_moves(self):
        self.hub.add_repo("dataset", "org/qk", {})
        self.hub.branch("dataset", "org/qk", "b", {"README.md": b"old"})
        heads = []
        self.hub.before("POST .*/commit/", lambda _: heads.append(
            self.hub.branch("dataset", "org/qk", "b", {"README.md": b"new"})))
        done = self.run_program("publish", self.capture, "--repo", "org/qk", "--branch", "b", code=1)
        self.assertRegex(done.stderr, "meanwhile")
        self.assertEqual(self.hub.head("dataset", "org/qk", "b"), heads[0])

    # --- liars

    def fetch_from_a_liar(self, pattern, change, to="here"):
        """Answers to requests that match are change(the right JSON): the program must refuse them."""
        with unittest.mock.patch.object(Handler, "send_answer", lying(pattern, change)):
            return self.run_program("fetch", "org/cap", "--to", f"{self.root}/{to}", code=1)

    def test_paths_that_lead_out(self):
        for path in ("../evil", "/tmp/test_hub_evil", "a/../../../evil", "a//b", ".", "..",
                     "a/./b", "a\x00b", ""):
            with self.subTest(path):
                done = self.fetch_from_a_liar("/tree/", lambda entries, path=path: [
                    {**e, "path": path} if e["path"] == "README.md" else e for e in entries],
                    "here/there")
                self.assertRegex(done.stderr, "cannot be used|leads out")
                self.assertFalse(os.path.exists(f"{self.root}/here/evil"))
                self.assertFalse(os.path.exists("/tmp/test_hub_evil"))

    def test_lists_that_make_no_sense(self):
        for change in (
                lambda e: {**e, "size": -1}, lambda e: {**e, "size": 2**63},
                lambda e: {**e, "size": "7"}, lambda e: {**e, "oid": "xyz"},
                lambda e: {**e, "oid": "../../evil"}, lambda e: {**e, "path": 7},
                lambda e: {k: v for k, v in e.items() if k != "oid"},
                lambda e: {**e, "lfs": {**e.get("lfs", {}), "oid": "../" * 20 + "evil"}},
                lambda e: {**e, "lfs": []}, lambda e: None, lambda e: []):
            with self.subTest(json.dumps(change({"path": "p", "oid": "o", "size": 1}))):
                self.fetch_from_a_liar("/tree/", lambda entries, change=change: [
                    change(e) if e["type"] == "file" else e for e in entries])

    def test_commits_that_make_no_sense(self):
        for sha in ("xyz", "../../evil", "", None, 7, "0" * 39, "G" * 40):
            with self.subTest(sha):
                self.fetch_from_a_liar("/revision/", lambda info, sha=sha: {**info, "sha": sha})


if __name__ == "__main__":
    unittest.main()
