#!/usr/bin/env python3
"""Every fault of a Hub, while downloading and while publishing: tried again where that is right, else one
sentence and exit code 1; never a file under a final name that is not whole, never the token anywhere,
the branch and the folder as they were; and the same command succeeds once the Hub is well.

usage: faults_test.py QKSCOPE"""

import concurrent.futures
import hashlib
import pathlib
import re
import shutil
import socket
import unittest
from typing import NamedTuple

from hub_case import faults_of_a_run, fixtures, make_capture, published_files, run
from proxies import Proxy
from test_hub import TOKEN, TestHub

ALWAYS = float("inf")
API = "GET /api/datasets/org/cap/"
FILE, CDN = "(GET|HEAD) .*/resolve/.*parquet", "GET /cdn/"
PUT, BATCH, PREUPLOAD, COMMIT = "^PUT ", "POST .*objects/batch", "POST .*/preupload/", "POST .*/commit/"
CREATE, BRANCH, WHOAMI = "POST /api/repos/create", "POST .*/branch/", "GET /api/whoami-v2"


class Case(NamedTuple):
    job: str           # fetch, publish
    fault: str
    on: str
    code: int = 0
    words: str = ""    # regular expression of the sentence
    times: float = 1
    options: dict = {}  # noqa: RUF012


def transient(job, places):
    """Once is no matter."""
    for on in places:
        for fault in ("reset", "503", "429-ratelimit"):
            yield Case(job, fault, on)


def hopeless(job, places):
    """Tried again in vain."""
    for on in places:
        yield Case(job, "503", on, 1, "(?s)again.*503|503.*again", ALWAYS, {"seconds": 0})


def refusals(job, on):
    """No second try can help. One sentence says what to do."""
    yield Case(job, "401", on, 1, "HF_TOKEN.*token", ALWAYS)
    yield Case(job, "403", on, 1, "token from HF_TOKEN may not|permission", ALWAYS)
    yield Case(job, "404", on, 1, "no dataset of this name|check the name", ALWAYS)
    yield Case(job, "disabled", on, 1, "disabled", ALWAYS)
    yield Case(job, "html", on, 1, "(?i)html|web page|JSON", ALWAYS)
    yield Case(job, "bad-json", on, 1, "(?i)JSON|answer", ALWAYS)
    yield Case(job, "wrong-json", on, 1, "(?i)expected|answer", ALWAYS)
    yield Case(job, "endless-redirects", on, 1, "address to address|redirect", ALWAYS)
    yield Case(job, "redirect-away", on, 1, "another server", ALWAYS)


CASES = [
    *transient("fetch", (API, FILE, CDN)),
    *hopeless("fetch", (API, CDN)),
    *refusals("fetch", API),
    *(Case("fetch", fault, API) for fault in (
        "refused", "silent", "cut", "stall", "408", "500", "502", "504", "429", "429-retry-after")),
    *(Case("fetch", fault, CDN) for fault in (
        "refused", "silent", "cut", "stall", "expired", "wrong-size", "wrong-digest", "500", "429")),
    Case("fetch", "slow", CDN, options={"rate": 20}),
    Case("fetch", "wrong-digest", CDN, 1, "digest|sha256|SHA-256", ALWAYS),
    Case("fetch", "wrong-size", CDN, 1, "bytes|size", ALWAYS),
    Case("fetch", "expired", CDN, 1, "expired|403", ALWAYS),
    Case("fetch", "gated", FILE, 1, "accept the conditions", ALWAYS),
    Case("fetch", "404-revision", API, 1, "no branch, tag or commit", ALWAYS),
    Case("fetch", "404-entry", FILE, 1, "no such file", ALWAYS),
    Case("fetch", "no-metadata", FILE, times=ALWAYS),  # the list of files says what there is
    Case("fetch", "403", FILE, 1, "token from HF_TOKEN may not", ALWAYS),
    *transient("publish", (PREUPLOAD, BATCH, PUT)),
    *hopeless("publish", (PREUPLOAD, PUT)),
    *refusals("publish", PREUPLOAD),
    *refusals("publish", BATCH),
    *(Case("publish", fault, PUT) for fault in (
        "refused", "silent", "cut", "expired", "500", "429", "lost-answer")),
    *(Case("publish", fault, CREATE) for fault in ("503", "reset", "lost-answer", "409-in-progress")),
    *(Case("publish", fault, BRANCH) for fault in ("503", "reset", "lost-answer")),
    *(Case("publish", fault, COMMIT) for fault in (
        "503", "429-retry-after", "reset", "409-in-progress", "lost-answer", "lost-504", "500")),
    Case("publish", "412", COMMIT, 1, "someone else", ALWAYS),
    Case("publish", "413", PUT, 1, "413.*[a-z]{3}", ALWAYS),
    Case("publish", "403", COMMIT, 1, "may not write", ALWAYS),
    Case("publish", "403", PUT, 1, "refuses", ALWAYS),
    Case("publish", "401", WHOAMI, 1, "HF_TOKEN.*token", ALWAYS),
    Case("publish", "403", CREATE, 1, "may not write", ALWAYS),
    Case("publish", "status:400", COMMIT, 1, "refused.*400", ALWAYS),
]
QUICK = {"HF_HUB_DOWNLOAD_TIMEOUT": 2, "HF_HUB_ETAG_TIMEOUT": 2}


def command(job, hub, capture):
    if job == "fetch":
        return ["fetch", "org/cap", "--to", f"{hub.root}/here"]
    return ["publish", capture, "--repo", "org/qk", "--branch", "b"]


def bad_blobs(hub):
    """Files whose name in the cache is a digest of other content."""
    out = []
    for path in pathlib.Path(hub.root, "home/hub").glob("*/blobs/*"):
        data = path.read_bytes()
        git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        if "." not in path.name and path.name not in (git, hashlib.sha256(data).hexdigest()):
            out.append(f"{path} is not what its name says")
    return out


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.capture = make_capture(cls.enterClassContext(TestHub()).root)
        cls.files = published_files(cls.capture)

    def new_hub(self):
        hub = TestHub()
        hub.add_repo("dataset", "org/cap", self.files)
        return hub

    def wrong_results(self, job, hub, is_done):
        """What is not as it must be after a run that ended with success or without."""
        out = bad_blobs(hub)
        if job == "fetch":
            there = {path: data for path, data in fixtures.files_of(f"{hub.root}/here").items()
                     if not path.startswith(".cache/") and path != ".gitattributes"}
            if any(self.files.get(path) != data for path, data in there.items()):
                out.append("a file that is not whole")
            if is_done and set(there) != set(self.files):
                out.append(f"files are missing: {set(self.files) - set(there)}")
            return out
        repo = hub.repos.get(("dataset", "org/qk"))
        branch = hub.files("dataset", "org/qk", "b") if repo and "b" in repo.branches else {}
        branch.pop(".gitattributes", None)
        if branch != (self.files if is_done else {}):
            out.append(f"the branch has {sorted(branch)}")
        return out

    def faults_of(self, case):
        with self.new_hub() as hub:
            hub.fail(case.fault, case.on, case.times, **{"seconds": None, **case.options})
            capture = shutil.copytree(self.capture, f"{hub.root}/capture")
            arguments = command(case.job, hub, capture)
            done = run(hub, *arguments, **QUICK)
            out = faults_of_a_run(hub, done) + self.wrong_results(case.job, hub, done.code == 0)
            if done.code != case.code:
                out.append(f"exit code {done.code}, expected {case.code}: {done.stderr}")
            elif not re.search(case.words, done.stderr):
                out.append(f"no such sentence: {done.stderr}")
            if not any(entry.fault for entry in hub.log):
                out.append("the fault did not happen")
            hub.heal()
            again = run(hub, *arguments, **QUICK)
            out += faults_of_a_run(hub, again)
            if again.code != 0:
                out.append(f"the second run failed: {again.stderr}")
            if published_files(capture) != self.files:
                out.append("the dataset is not as it was")
            return out + self.wrong_results(case.job, hub, True)

    def test_faults(self):
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            for case, out in zip(CASES, pool.map(self.faults_of, CASES)):
                with self.subTest(f"{case.job}: {case.fault} on {case.on} x {case.times}"):
                    self.assertEqual(out, [])

    # --- faults that lie elsewhere than in an answer

    def check(self, hub, code, words, **env):
        for job in ("fetch", "publish"):
            done = run(hub, *command(job, hub, self.capture), **QUICK, **env)
            self.assertEqual(done.code, code, done.stderr)
            self.assertRegex(done.stderr, words)
            self.assertEqual(faults_of_a_run(hub, done) + self.wrong_results(job, hub, code == 0), [])

    def test_a_certificate_that_nobody_knows(self):
        with self.new_hub() as hub:
            self.check(hub, 1, "(?i)certificate", HF_ENDPOINT=hub.tls())
            self.assertEqual(hub.log, [])
            self.check(hub, 0, "^", HF_ENDPOINT=hub.tls(),
                       SSL_CERT_FILE=f"{hub.root}/certificate.pem")

    def test_nobody_listens(self):
        with self.new_hub() as hub, socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            self.check(hub, 1, "connect", HF_ENDPOINT=f"http://127.0.0.1:{closed.getsockname()[1]}")

    def test_a_host_that_has_no_address(self):
        with self.new_hub() as hub:
            self.check(hub, 1, "name of the host", HF_ENDPOINT="http://no-such-host.invalid")

    def test_proxies(self):
        with self.new_hub() as hub, Proxy() as proxy:
            self.check(hub, 0, "^", **proxy.env())
            self.assertTrue(proxy.log)
        with self.new_hub() as hub, Proxy(refuses=403) as proxy:
            self.check(hub, 1, "(?i)proxy|may not", **proxy.env())
            self.assertTrue(proxy.log)
            self.assertEqual(hub.log, [])
            proxy.log.clear()
            self.check(hub, 1, "proxy", **proxy.env(), HF_ENDPOINT=hub.tls())
            self.assertIn("CONNECT", proxy.log[0])

    def test_a_token_of_another_kind(self):
        for role in ("read", "fineGrained"):
            with self.subTest(role), self.new_hub() as hub:
                hub.accounts[TOKEN].role = role
                done = run(hub, *command("publish", hub, self.capture))
                self.assertEqual(done.code, 1)
                self.assertRegex(done.stderr, "write")
                self.assertEqual(hub.seen("^(POST|PUT)"), [])


if __name__ == "__main__":
    unittest.main()
