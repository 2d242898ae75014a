#!/usr/bin/env python3
"""Every fault of a Hub, while downloading and while publishing: tried again where that is right, else one
sentence and exit code 1; never a file under a final name that is not whole, never the token anywhere,
the branch and the folder as they were; and the same command succeeds once the Hub is well.

usage: faults_test.py QKSCOPE"""

import concurrent.futures
import re
import shutil
import unittest
from typing import NamedTuple

from hub_case import QUICK, TransferCase, command, faults_of_a_run, published_files, run

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
        yield Case(job, "503", on, 1, "again later.*503|503.*again later", ALWAYS, {"seconds": 0})


def refusals(job, on):
    """No second try can help. One sentence says what to do."""
    yield Case(job, "401", on, 1, "does not know the token from HF_TOKEN: make a new one", ALWAYS)
    yield Case(job, "403", on, 1, "token from HF_TOKEN may not (read|write) here: give it that permission", ALWAYS)
    yield Case(job, "404", on, 1, "no dataset of this name, or .* check the name", ALWAYS)
    yield Case(job, "disabled", on, 1, "the Hub has disabled this repository", ALWAYS)
    yield Case(job, "html", on, 1, "(?i)html|web page|JSON", ALWAYS)
    yield Case(job, "bad-json", on, 1, "(?i)JSON|answer", ALWAYS)
    yield Case(job, "wrong-json", on, 1, "(?i)expected|answer", ALWAYS)
    yield Case(job, "endless-redirects", on, 1, "address to address|redirect", ALWAYS)
    yield Case(job, "redirect-away", on, 1, "another server", ALWAYS)


CASES = [
    Case("fetch", "slow", CDN, options={"rate": 20}),  # takes longest
    *transient("fetch", (API, FILE, CDN)),
    *hopeless("fetch", (API, CDN)),
    *refusals("fetch", API),
    *(Case("fetch", fault, API) for fault in (
        "refused", "silent", "cut", "stall", "408", "500", "502", "504", "429", "429-retry-after")),
    *(Case("fetch", fault, CDN) for fault in (
        "refused", "silent", "cut", "stall", "expired", "wrong-size", "wrong-digest", "500", "429")),
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


def last_line(text):
    """The error itself: above it are only notes of waiting."""
    return text.strip().splitlines()[-1] if text.strip() else ""


class Faults(TransferCase):
    def faults_of(self, case):
        with self.new_hub() as hub:
            hub.fail(case.fault, case.on, case.times, **{"seconds": None, **case.options})
            capture = shutil.copytree(self.capture, f"{hub.root}/capture")
            arguments = command(case.job, hub, capture)
            done = run(hub, *arguments, **QUICK)
            out = faults_of_a_run(hub, done) + self.wrong_results(case.job, hub, done.code == 0)
            if done.code != case.code:
                out.append(f"exit code {done.code}, expected {case.code}: {done.stderr}")
            elif not re.search(case.words, last_line(done.stderr)):
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
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            for case, out in zip(CASES, pool.map(self.faults_of, CASES)):
                with self.subTest(f"{case.job}: {case.fault} on {case.on} x {case.times}"):
                    self.assertEqual(out, [])


if __name__ == "__main__":
    unittest.main()
