#!/usr/bin/env python3
"""The Hub cache as `qkscope fetch` fills it: its layout, several programs at once, what others left
there, disks that are full or cannot be written.

usage: cache_test.py QKSCOPE"""

import fcntl
import hashlib
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import time
import unittest

from hub_case import PROGRAM, STOPPED, HubCase, start

LARGE = bytes(range(256)) * 8000
CONTENTS = {
    "config.json": b'{"a": 1}', "empty.txt": b"", ".hidden": b"h",
    "sub/deep/er/x.txt": b"hello\n", "sub/deep/y.txt": b"hello\n",
    "\u00fcn\u00ef c\u00f6d\u00e9/a b+c#%41?&=~.txt": b"odd", "-dash.txt": b"-", "Case.txt": b"1",
    "case.txt": b"2", "model.safetensors": LARGE, "copy/model.safetensors": LARGE,
}


def digest_of(path, data):
    if path.endswith(".safetensors"):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def expected_repo(contents, commit, ref):
    """{path: text of a file or target of a link} below models--org--m, but for trees/."""
    out = {f"refs/{ref}": commit.encode()}
    for path, data in contents.items():
        digest = digest_of(path, data)
        out[f"blobs/{digest}"] = data
        out[f"snapshots/{commit}/{path}"] = "../" * (path.count("/") + 2) + f"blobs/{digest}"
    return out


def read_tree(folder):
    out = {}
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_symlink():
            out[path.relative_to(folder).as_posix()] = os.readlink(path)
        elif path.is_file():
            out[path.relative_to(folder).as_posix()] = path.read_bytes()
    return out


class Cache(HubCase):
    def setUp(self):
        super().setUp()
        self.hub.add_repo("model", "org/m", CONTENTS)
        self.contents = self.hub.files("model", "org/m")
        self.commit = self.hub.head("model", "org/m")
        self.cache = pathlib.Path(self.root, "home/hub")
        self.repo = self.cache / "models--org--m"
        self.partial = self.repo / f"blobs/{digest_of('.safetensors', LARGE)}.incomplete"

    def fetch(self, repo="org/m", *arguments, **options):
        return self.run_program("fetch", repo, "--type", "model", "--files", "*", *arguments,
                                **options)

    def expect_whole(self, ref="main"):
        there = read_tree(self.repo)
        del there[f"trees/{self.commit}.json"]
        self.assertEqual(there, expected_repo(self.contents, self.commit, ref))

    def slow(self, rate=1_500_000):
        self.hub.fail("slow", on="GET /cdn/", times=float("inf"), rate=rate)

    def start_slowly(self):
        """A program within the download of the large file."""
        self.slow()
        process = start(self.hub, "fetch", "org/m", "--type", "model", "--files", "*")
        end = time.monotonic() + 30
        while not (self.partial.exists() and self.partial.stat().st_size > 100_000):
            self.assertLess(time.monotonic(), end)
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        return process

    def expect_end(self, process, code=0):
        stdout, stderr = process.communicate(timeout=60)
        self.assertEqual(process.returncode, code, stdout + stderr)
        return stderr

    def test_layout(self):
        self.fetch()
        self.expect_whole()
        self.assertEqual(self.hub.count("GET /cdn/"), 1)  # two files of one content
        self.hub.log.clear()
        self.fetch()
        self.assertEqual(len(self.hub.log), 1)  # what commit is main?
        self.fetch(f"org/m@{self.commit}")
        self.fetch(HF_HUB_OFFLINE=1)
        self.assertEqual(len(self.hub.log), 1)

    def test_branches_with_slashes(self):
        self.hub.branch("model", "org/m", "my/branch")
        self.fetch("org/m@my/branch")
        self.expect_whole("my/branch")

    def test_a_new_commit_takes_the_blobs_of_the_old(self):
        self.fetch()
        self.hub.branch("model", "org/m", "main", {**CONTENTS, "config.json": b"new"})
        self.hub.log.clear()
        self.fetch()
        self.assertEqual(self.hub.count("GET /cdn/"), 0)
        self.assertEqual((self.repo / "refs/main").read_text(), self.hub.head("model", "org/m"))

    def test_two_at_once(self):
        first = self.start_slowly()
        second = start(self.hub, "fetch", "org/m", "--type", "model", "--files", "*")
        self.expect_end(first)
        self.assertIn("waiting for another download", self.expect_end(second))
        self.expect_whole()
        self.assertEqual(self.hub.count("GET /cdn/"), 1)

    def test_stopped_and_killed(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            process = self.start_slowly()
            process.send_signal(number)
            self.expect_end(process, -number if number == signal.SIGKILL else STOPPED)
            begun = self.partial.stat().st_size
            self.assertEqual(self.partial.read_bytes(), LARGE[:begun])
            self.hub.heal()
            self.hub.log.clear()
            self.fetch()
            self.expect_whole()
            self.assertEqual([e.range for e in self.hub.seen("GET /cdn/")], [f"bytes={begun}-"])
            shutil.rmtree(self.cache)

    def test_stopped_while_waiting_for_a_lock(self):
        lock = self.cache / f".locks/models--org--m/{digest_of('.safetensors', LARGE)}.lock"
        lock.parent.mkdir(parents=True)
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            process = start(self.hub, "fetch", "org/m", "--type", "model", "--files", "*")
            for line in process.stderr:
                if "waiting for another download" in line:
                    break
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            self.expect_end(process, STOPPED)
            self.assertLess(time.monotonic() - began, 5)
        self.fetch()
        self.expect_whole()

    def test_what_others_left(self):
        self.partial.parent.mkdir(parents=True)
        private = self.partial.with_name(self.partial.stem + ".0123abcd.incomplete")
        for begin in (LARGE[:1000], LARGE[:1000] + b"x", LARGE, LARGE + b"x", b""):
            self.partial.write_bytes(begin)
            private.write_bytes(b"of a program that runs")
            self.fetch()
            self.assertEqual(private.read_bytes(), b"of a program that runs")
            private.unlink()
            self.expect_whole()
            self.partial.with_name(self.partial.stem).unlink()

    def test_a_blob_that_was_cut(self):
        self.fetch()
        blob = self.partial.with_name(self.partial.stem)
        os.truncate(blob, 1000)
        self.fetch()
        self.expect_whole()

    def test_without_links(self):
        self.fetch(HF_HUB_DISABLE_SYMLINKS=1)
        snapshot = self.repo / "snapshots" / self.commit
        self.assertEqual(read_tree(snapshot), self.contents)
        self.hub.log.clear()
        self.fetch(HF_HUB_DISABLE_SYMLINKS=1)
        self.fetch()
        self.assertEqual(len(self.hub.log), 2)

    def test_lists_that_lead_elsewhere(self):
        self.fetch("org/m", "--to", f"{self.root}/to")
        list_of_files = self.repo / f"trees/{self.commit}.json"
        for entry in ('"../../../../evil": {"size": 1, "blob_id": "' + "a" * 40 + '"}',
                      '"evil": {"size": 1, "blob_id": "../../../../evil"}'):
            list_of_files.write_text('{"format_version": 1, "files": {' + entry + "}}")
            done = self.fetch(code=1, HF_HUB_OFFLINE=1) if (self.repo / "snapshots").exists() \
                else self.fetch()
            self.assertEqual(list(pathlib.Path(self.root).rglob("evil")), [], done.stderr)
            self.fetch()  # asks the Hub
            self.expect_whole()

    def run_on_disk(self, size, commands):
        """Shell commands; the cache is a file system of its own. Returns exit codes and stderr."""
        self.cache.mkdir(parents=True, exist_ok=True)
        fetch = shlex.join([PROGRAM, "fetch", "org/m", "--type", "model", "--files", "*"])
        script = commands.replace("FETCH", f"{fetch} >/dev/null; echo code $?")
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", f"mount -t tmpfs -o size={size} none {self.cache} || exit 77\n"
             + script], env=self.hub.env(), cwd=self.root, capture_output=True, text=True,
            check=False)
        if done.returncode == 77 or "unshare" in done.stderr:
            self.skipTest("no file system can be mounted here")
        self.assertEqual(self.hub.violations, [])
        return [int(line.split()[1]) for line in done.stdout.splitlines()
                if line.startswith("code")], done.stderr

    def test_a_disk_without_room(self):
        codes, stderr = self.run_on_disk("1m", "FETCH")
        self.assertEqual(codes, [1])
        self.assertRegex(stderr, "bytes are to be downloaded to .*, whose disk has room for")
        self.assertEqual(self.hub.count("GET /org/m/resolve|GET /cdn/"), 0)

    def test_a_disk_that_fills_up(self):
        self.slow()
        codes, stderr = self.run_on_disk("3m", f"""
            (until [ -s {self.partial} ]; do sleep 0.02; done
             head -c 4000000 /dev/zero > {self.cache}/filler) &
            FETCH
            rm {self.cache}/filler
            FETCH""")
        self.assertEqual(codes, [1, 0], stderr)
        named = re.search(r"disk is full .*?: (\S.*) needs (\d+) more bytes there", stderr)
        self.assertIn(named and named[1], CONTENTS, stderr)
        self.assertLessEqual(int(named[2]), len(CONTENTS[named[1]]))

    def test_a_cache_that_cannot_be_written(self):
        codes, stderr = self.run_on_disk("5m", f"""
            mount -o remount,ro {self.cache}
            FETCH
            mount -o remount,rw {self.cache}
            FETCH
            mount -o remount,ro {self.cache}
            FETCH""")
        self.assertEqual(codes, [1, 0, 0], stderr)
        self.assertRegex(stderr, "cannot be written .*: set HF_HUB_CACHE to another folder")


if __name__ == "__main__":
    unittest.main()
