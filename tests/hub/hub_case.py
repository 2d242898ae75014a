"""What the tests of the program against the test Hub share.

usage of each: <name>_test.py QKSCOPE"""

import hashlib
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cli"))

import fixtures  # noqa: E402
from test_hub import TOKEN, Account, TestHub  # noqa: E402

PROGRAM = os.path.abspath(sys.argv.pop(1))
STOPPED = 75
QUICK = {"HF_HUB_DOWNLOAD_TIMEOUT": 2, "HF_HUB_ETAG_TIMEOUT": 2}  # gives up early on a silent Hub


def make_capture(folder, **changes):
    """A dataset of the program's own at `folder`/capture; returns that path. changes: of config.json."""
    config = fixtures.make_all(folder)
    fixtures.make_model(f"{folder}/model", **changes)
    out = f"{folder}/capture"
    subprocess.run([PROGRAM, "sniff", "--quiet", "--threads", "1",
                    *fixtures.sniff_arguments(config, out)], check=True, capture_output=True,
                   env={**os.environ, "HF_HUB_OFFLINE": "1"})
    return out


def published_files(folder):
    """{path: bytes} of what a branch gets from a dataset's folder: all but the records of the run."""
    return {path: data for path, data in fixtures.files_of(folder).items()
            if not path.startswith(".qkscope/")}


class Done:
    """A finished run of the program."""

    def __init__(self, process, stdout, stderr):
        self.code, self.stdout, self.stderr = process.returncode, stdout, stderr


def run(hub, *arguments, cwd=None, timeout=300, env=None, **changes):
    """Runs the program to its end as a client of the test Hub."""
    process = start(hub, *arguments, cwd=cwd, env=env, **changes)
    try:
        return Done(process, *process.communicate(timeout=timeout))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise


def start(hub, *arguments, cwd=None, env=None, **changes):
    return subprocess.Popen([PROGRAM, *arguments], cwd=cwd or hub.root, text=True,
                            env=env or hub.env(**changes), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def faults_of_a_run(hub, done):
    """What no run may do, whatever happened to it: sentences, none if all is well."""
    out = list(hub.violations)
    for name, text in (("stdout", done.stdout), ("stderr", done.stderr)):
        if TOKEN in text or "Signature=" in text:
            out.append(f"{name} shows a secret: {text}")
    for path, data in fixtures.files_of(hub.root).items():
        if TOKEN.encode() in data:
            out.append(f"the token stands in {path}")
    if done.code not in (0, 1, STOPPED):
        out.append(f"exit code {done.code}: {done.stderr}")
    if done.code == 1 and not (done.stderr + done.stdout).strip():
        out.append("failed without a sentence")
    return out


class HubCase(unittest.TestCase):
    """A test Hub of its own for every test."""
    namespace = "org"

    def setUp(self):
        self.hub = self.enterContext(TestHub())
        self.hub.accounts[TOKEN] = Account(self.namespace)
        self.root = self.hub.root

    def run_program(self, *arguments, code=0, **options):
        done = run(self.hub, *arguments, **options)
        self.assertEqual(done.code, code, f"{arguments}\n{done.stdout}\n{done.stderr}")
        self.assertEqual(faults_of_a_run(self.hub, done), [])
        return done


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


class TransferCase(unittest.TestCase):
    """For tests with a small capture that is fetched (org/cap) and published (branch b of org/qk)."""

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
