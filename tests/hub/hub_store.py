"""What the test Hub holds: repositories with commits, branches and tags, their LFS objects, and the
accounts that may see them."""

import fnmatch
import hashlib
import itertools
import re
import threading
from dataclasses import dataclass, field

LFS_TYPES = ("7z arrow bin bz2 ckpt ftz gz h5 joblib lz4 mds model msgpack npy npz onnx ot parquet pb "
             "pickle pkl pt pth rar safetensors tar tflite tgz wasm xz zip zst").split()
DEFAULT_ATTRIBUTES = "".join(f"*.{t} filter=lfs diff=lfs merge=lfs -text\n" for t in LFS_TYPES).encode()
REGULAR_LIMIT = 10 << 20  # bytes of a file that git itself stores


def git_sha1(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class File:
    """Content at a path: stored in git, or as an LFS object with a pointer in git."""

    def __init__(self, data, is_lfs):
        self.data = data
        self.is_lfs = is_lfs
        self.sha256 = hashlib.sha256(data).hexdigest() if is_lfs else None
        self.stored = self.pointer() if is_lfs else data
        self.blob_id = git_sha1(self.stored)
        # The storage of today: clients that do not speak its protocol ignore this.
        self.xet_hash = hashlib.sha256(b"xet" + data).hexdigest() if is_lfs else None

    def pointer(self):
        return (f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\n"
                f"size {len(self.data)}\n").encode()

    def digest(self):
        return self.sha256 or self.blob_id

    def entry(self, path, with_xet):
        entry = {"type": "file", "oid": self.blob_id, "size": len(self.data), "path": path}
        if self.is_lfs:
            entry["lfs"] = {"oid": self.sha256, "size": len(self.data),
                            "pointerSize": len(self.stored)}
            if with_xet:
                entry["xetHash"] = self.xet_hash
        return entry


def lfs_patterns(files):
    attributes = files.get(".gitattributes")
    lines = attributes.data.decode().splitlines() if attributes else []
    return [line.split()[0] for line in lines if "filter=lfs" in line.split()[1:]]


def matches_lfs(path, patterns):
    name = path.rsplit("/", 1)[-1]
    return any(fnmatch.fnmatchcase(path if "/" in p else name, p) for p in patterns)


def is_binary(data):
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if error.end < len(data) or error.reason != "unexpected end of data":
            return True
    return b"\0" in data


def branch_fault(name):
    """Why git or the Hub does not take the name of a branch; None: it does."""
    if name.startswith("refs/") or re.fullmatch("[0-9a-f]{40}", name):
        return "reserved"
    bad = (not name or len(name) > 250 or re.search(r"[\x00-\x20~^:?*\[\\\x7f]|\.\.|//|@\{", name)
           or name[0] in "/-" or name[-1] in "/." or name == "@"
           or any(part.startswith(".") or part.endswith(".lock") for part in name.split("/")))
    return "not a name of a branch" if bad else None


def repo_id_fault(repo_id):
    parts = repo_id.split("/")
    if len(parts) > 2 or len(repo_id) > 96 or "--" in repo_id or ".." in repo_id:
        return "Invalid repo name"
    for part in parts:
        if not re.fullmatch(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?", part):
            return "Invalid repo name"
    return "Invalid repo name" if repo_id.endswith(".git") else None


@dataclass
class Commit:
    oid: str
    parent: str | None
    summary: str
    files: dict  # path -> File


@dataclass
class Account:
    """The holder of a token."""
    name: str
    role: str = "write"  # of the token: read, write, fineGrained
    organisations: dict = field(default_factory=dict)  # name -> admin, write, contributor, read
    # Of a fine-grained token: (type of entity, its name, permissions), as whoami-v2 shows them.
    scopes: list = field(default_factory=list)

    def whoami(self):
        token = {"displayName": "test", "role": self.role, "createdAt": "2026-01-01T00:00:00.000Z"}
        if self.role == "fineGrained":
            token["fineGrained"] = {
                "canReadGatedRepos": False, "global": [],
                "scoped": [{"entity": {"_id": "0" * 24, "type": kind, "name": name},
                            "permissions": list(permissions)}
                           for kind, name, permissions in self.scopes]}
        return {"type": "user", "id": "0" * 24, "name": self.name, "fullname": self.name,
                "isPro": False, "canPay": False, "periodEnd": None,
                "orgs": [{"type": "org", "id": "1" * 24, "name": name, "fullname": name,
                          "roleInOrg": role} for name, role in self.organisations.items()],
                "auth": {"type": "access_token", "accessToken": token}}

    def _scoped(self, kind, repo_id, permission):
        namespace = repo_id.split("/")[0]
        for entity, name, permissions in self.scopes:
            covers = (entity in ("user", "org") and name == namespace) or (
                entity == kind and name == repo_id)
            if covers and permission in permissions:
                return True
        return False

    def may_write(self, kind, repo_id):
        namespace = repo_id.split("/")[0]
        belongs = namespace == self.name or self.organisations.get(namespace) in (
            "admin", "write", "contributor")
        if self.role == "fineGrained":
            return belongs and self._scoped(kind, repo_id, "repo.write")
        return belongs and self.role == "write"

    def may_read(self, kind, repo_id):
        namespace = repo_id.split("/")[0]
        belongs = namespace == self.name or namespace in self.organisations
        if self.role == "fineGrained":
            return belongs and (self._scoped(kind, repo_id, "repo.content.read")
                                or self._scoped(kind, repo_id, "repo.write"))
        return belongs


class Repo:
    _serial = itertools.count()

    def __init__(self, kind, repo_id, private=False, gated=False, disabled=False):
        self.kind, self.id = kind, repo_id
        self.private, self.gated, self.disabled = private, gated, disabled
        self.granted = set()   # names of accounts that may read a gated repository
        self.commits = {}      # oid -> Commit
        self.branches = {}     # name -> oid; also "refs/convert/parquet"
        self.tags = {}
        self.objects = {}      # sha256 -> bytes: the LFS store of this repository
        self.lock = threading.RLock()

    def commit(self, branch, files, summary="commit", parent=None):
        text = repr((next(Repo._serial), self.id, branch, parent, summary, sorted(files)))
        oid = hashlib.sha1(text.encode()).hexdigest()
        self.commits[oid] = Commit(oid, parent, summary, dict(files))
        self.branches[branch] = oid
        return oid

    def make_files(self, contents, attributes=DEFAULT_ATTRIBUTES):
        """Contents as the Hub would store them."""
        contents = {".gitattributes": attributes, **contents}
        patterns = lfs_patterns({".gitattributes": File(contents[".gitattributes"], False)})
        files = {}
        for path, data in contents.items():
            is_lfs = bool(data) and (matches_lfs(path, patterns) or len(data) > REGULAR_LIMIT)
            files[path] = File(data, is_lfs)
            if is_lfs:
                self.objects[files[path].sha256] = data
        return files

    def find(self, revision):
        """The Commit that a branch, tag, full ref or commit names, or None."""
        for refs, prefix in ((self.branches, ""), (self.branches, "refs/heads/"), (self.tags, ""),
                             (self.tags, "refs/tags/")):
            if revision.startswith(prefix) and revision[len(prefix):] in refs:
                return self.commits[refs[revision[len(prefix):]]]
        return self.commits.get(revision)
