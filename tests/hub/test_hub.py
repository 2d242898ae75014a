"""A Hugging Face Hub of our own, on two ports of 127.0.0.1: the Hub, and its CDN.

    with TestHub() as hub:
        hub.add_repo("model", "org/tiny", {"config.json": b"{}", "model.safetensors": b"..."})
        hub.fail("503", on="GET /api/models/org/tiny/revision", times=2)
        subprocess.run([program, "sniff", ...], env=hub.env())
        assert hub.count("PUT") == 3 and not hub.violations

By hand, with repositories from the folders DIR/models/org/name and DIR/datasets/org/name:

    python3 tests/hub/test_hub.py --serve DIR
"""

import argparse
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from faults import Fault, Hook  # noqa: E402
from hub_http import Server  # noqa: E402
from hub_store import DEFAULT_ATTRIBUTES, Account, Repo  # noqa: E402

TOKEN = "hf_TestHubTokenThatNobodyElseMayEverSee"


class TestHub:
    """Servers in threads of this process. Settings may be changed at any time."""
    __test__ = False  # not a test of pytest

    def __init__(self):
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self.repos, self.renamed = {}, {}      # (kind, id) -> Repo, -> the id of today
        self.accounts = {TOKEN: Account("org")}  # by token
        self.log = []         # LogEntry of every request
        self.violations = []  # what no client may do: a test asserts that there is none
        self.faults = []
        self.hooks = []       # of before()
        self.cdn_objects, self.parts, self.uploads_begun = {}, {}, 0
        self.page_size = 1000
        self.url_seconds = 3600       # how long signed addresses are valid
        self.multipart_above = 1 << 40
        self.part_bytes = 1 << 20
        self.files_per_commit = 25000
        self.files_status = 413       # of a commit with more
        self.files_per_folder = 10000
        self.always_lfs = set()       # paths
        self.default_attributes = DEFAULT_ATTRIBUTES  # of new repositories
        self.small_files_redirect = True
        self.xet = True               # large files are offered by the Xet protocol, too
        self._tls = None

    # --- ports

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="test_hub_")
        self.root = self._folder.name
        self.hub, self.cdn = Server(self, "hub"), Server(self, "cdn")
        return self

    def __exit__(self, *_):
        self.closing.set()
        for server in filter(None, (self.hub, self.cdn, self._tls)):
            server.close()
        self._folder.cleanup()

    @property
    def url(self):
        return self.hub.url

    def tls(self):
        """The address of the same Hub by https, with a certificate that nobody trusts; it lies at
        <root>/certificate.pem."""
        if self._tls is None:
            certificate, key = f"{self.root}/certificate.pem", f"{self.root}/key.pem"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                 "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
                 certificate], check=True, capture_output=True)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self._tls = Server(self, "tls", context=context)
        return self._tls.url

    def refuse(self, port_name, seconds):
        """Connections to a port are refused for a while."""
        name = {"hub": "hub", "cdn": "cdn", "tls": "_tls"}[port_name]
        with self.lock:
            old = getattr(self, name)
            if old.refuses:
                return
            old.refuses = True
            old.socket.shutdown(socket.SHUT_RDWR)

        def reopen():
            old.close()
            if not self.closing.wait(seconds):
                setattr(self, name, Server(self, port_name, old.server_port, old.context))
        threading.Thread(target=reopen, daemon=True).start()

    def env(self, token=TOKEN, **changes):
        """The environment of a client. Its HF_HOME is <root>/home, its cache <root>/home/hub."""
        kept = {k: v for k, v in os.environ.items()
                if not re.match(r"HF_|HUGGING|TRANSFORMERS_|SSL_CERT|.*CA_BUNDLE$|(?i:.*_proxy$)", k)}
        kept |= {"HF_ENDPOINT": self.url, "HF_HOME": f"{self.root}/home", "HF_HUB_DISABLE_XET": "1",
                 "HF_HUB_DISABLE_TELEMETRY": "1", "HOME": f"{self.root}"}
        if token:
            kept["HF_TOKEN"] = token
        kept |= {k: str(v) for k, v in changes.items() if v is not None}
        return kept

    # --- contents

    def add_repo(self, kind, repo_id, contents, private=False, gated=False, disabled=False,
                 renamed_to=None):
        """A repository whose main has these contents ({path: bytes}); or, with renamed_to, an old name
        of another. gated: "auto" or "manual"."""
        if renamed_to:
            self.renamed[(kind, repo_id)] = renamed_to
            return self.repos.get((kind, renamed_to))
        repo = Repo(kind, repo_id, private, gated, disabled)
        repo.commit("main", repo.make_files(contents), "contents")
        self.repos[(kind, repo_id)] = repo
        return repo

    def branch(self, kind, repo_id, name, contents=None, start="main"):
        """A branch, new or there: at `start`, or with a commit that has exactly these contents.
        Returns its commit."""
        repo = self.repos[(kind, repo_id)]
        with repo.lock:
            if contents is None:
                repo.branches[name] = repo.find(start).oid
                return repo.branches[name]
            return repo.commit(name, repo.make_files(contents), "contents", repo.branches.get(name))

    def files(self, kind, repo_id, revision="main"):
        """{path: bytes} of a revision, with .gitattributes."""
        commit = self.repos[(kind, repo_id)].find(revision)
        return {path: file.data for path, file in commit.files.items()}

    def head(self, kind, repo_id, branch="main"):
        return self.repos[(kind, repo_id)].branches[branch]

    def history(self, kind, repo_id, revision="main"):
        """The commits of a branch, newest first."""
        repo = self.repos[(kind, repo_id)]
        commit, commits = repo.find(revision), []
        while commit is not None:
            commits.append(commit)
            commit = repo.commits.get(commit.parent)
        return commits

    def load_folder(self, folder):
        for kind in ("model", "dataset"):
            for place in sorted(pathlib.Path(folder, kind + "s").glob("*/*")):
                paths = [p for p in place.rglob("*") if p.is_file()]
                self.add_repo(kind, f"{place.parent.name}/{place.name}",
                              {p.relative_to(place).as_posix(): p.read_bytes() for p in paths})

    # --- faults and what was seen

    def fail(self, name, on=".", times=1, **options):
        """A fault (faults.py) for the next `times` requests whose "METHOD /path?query" matches `on`."""
        fault = Fault(on, times, name=name, **options)
        with self.lock:
            self.faults.append(fault)
        return fault

    def heal(self):
        with self.lock:
            self.faults.clear()
            self.hooks.clear()

    def before(self, on, action, times=1, skip=0):
        """action(handler) is called when the next `times` requests that match have been read, after the first
        `skip` of them."""
        with self.lock:
            self.hooks.append(Hook(on, times, skip, action))

    def run_hooks(self, handler):
        with self.lock:
            due = [hook for hook in self.hooks if hook.takes(handler.entry.line)]
        for hook in due:
            hook.action(handler)

    def seen(self, pattern, answered=False):
        """The LogEntry of requests whose "METHOD /path?query" matches; answered: with 2xx only."""
        with self.lock:
            entries = list(self.log)
        return [e for e in entries if re.search(pattern, e.line)
                and (not answered or 200 <= e.status < 300)]

    def count(self, pattern, answered=False):
        return len(self.seen(pattern, answered))


def serve(folder, page_size):
    with TestHub() as hub:
        hub.page_size = page_size
        hub.load_folder(folder)
        for name in ("HF_ENDPOINT", "HF_HOME", "HF_TOKEN", "HF_HUB_DISABLE_XET"):
            print(f"export {name}={hub.env()[name]}")
        for kind, repo_id in sorted(hub.repos):
            print(f"# {kind} {repo_id}")
        sys.stdout.flush()
        hub.before(".", lambda handler: print("#", handler.entry.line, flush=True),
                   times=float("inf"))
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--serve", metavar="DIR", required=True)
    parser.add_argument("--page-size", type=int, default=1000)
    given = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    serve(given.serve, given.page_size)
