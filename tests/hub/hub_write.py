"""Routes of the test Hub that write: repositories, branches, LFS objects, commits."""

import base64
import binascii
import fnmatch
import hashlib
import json
import re

from faults import Answer, Refusal, error_answer, json_answer, storage_error
from hub_read import check_signature, find_commit, quote, signed
from hub_store import (
    DEFAULT_ATTRIBUTES,
    REGULAR_LIMIT,
    File,
    Repo,
    branch_fault,
    is_binary,
    lfs_patterns,
    matches_lfs,
    repo_id_fault,
)

LFS_JSON = "application/vnd.git-lfs+json"


def refuse(status, message, code=None):
    raise Refusal(error_answer(status, message, code))


def page_url(handler, repo):
    return f"{handler.host_url()}/{'' if repo.kind == 'model' else repo.kind + 's/'}{repo.id}"


def need_account(account):
    if account is None:
        refuse(401, "Invalid username or password.")
    return account


def check_may_write(account, repo):
    if not need_account(account).may_write(repo.kind, repo.id):
        refuse(403, "Forbidden: you don't have the required permissions to perform this action")


def create_repo(handler, account, body):
    hub, wanted = handler.server.hub, json.loads(body)
    namespace = wanted.get("organization") or need_account(account).name
    kind, repo_id = wanted.get("type") or "model", f"{namespace}/{wanted['name']}"
    if kind not in ("model", "dataset"):
        refuse(400, f"no repositories of type {kind} here")
    if repo_id_fault(repo_id):
        refuse(400, f"{repo_id_fault(repo_id)}: {repo_id}")
    repo = hub.repos.get((kind, repo_id))
    private = wanted.get("private", wanted.get("visibility") == "private")
    if repo is not None:
        raise Refusal(json_answer({"error": f"You already created this {kind} repo",
                                   "url": page_url(handler, repo)}, 409))
    repo = Repo(kind, repo_id, private=bool(private))
    if not need_account(account).may_write(kind, repo_id):
        refuse(403, f'You don\'t have the rights to create a {kind} under the namespace "{namespace}"')
    repo.commit("main", {".gitattributes": File(hub.default_attributes, False)}, "initial commit")
    with hub.lock:
        hub.repos[(kind, repo_id)] = repo
    return json_answer({"url": page_url(handler, repo), "name": repo_id, "id": "0" * 24})


def delete_repo(handler, account, body):
    hub, wanted = handler.server.hub, json.loads(body)
    namespace = wanted.get("organization") or need_account(account).name
    repo = hub.repos.get((wanted.get("type") or "model", f"{namespace}/{wanted['name']}"))
    if repo is None:
        refuse(404, "Repository not found", "RepoNotFound")
    check_may_write(account, repo)
    with hub.lock:
        del hub.repos[(repo.kind, repo.id)]
    return Answer(200, {"Content-Type": "text/plain"}, b"OK")


def create_branch(repo, branch, body):
    wanted = json.loads(body or b"{}")
    if branch_fault(branch):
        refuse(400, f"Invalid branch name: {branch}")
    if branch in repo.branches and not wanted.get("overwrite"):
        refuse(409, f'Reference already exists: "refs/heads/{branch}"')
    clash = [b for b in repo.branches if b.startswith(branch + "/") or branch.startswith(b + "/")]
    if clash:
        refuse(400, f"Cannot lock ref: {clash[0]} exists")
    if wanted.get("emptyBranch"):
        repo.commit(branch, {".gitattributes": File(DEFAULT_ATTRIBUTES, False)}, "initial commit")
    else:
        repo.branches[branch] = find_commit(repo, wanted.get("startingPoint") or "main").oid
    return Answer(201, {"Content-Type": "text/plain"}, b"Created")


def delete_branch(repo, branch):
    if branch == "main":
        refuse(403, "Cannot delete the default branch")
    if branch not in repo.branches:
        refuse(404, f"Invalid rev id: {branch}", "RevisionNotFound")
    del repo.branches[branch]
    return Answer(204)


def validate_yaml(body):
    wanted = json.loads(body)
    fault = card_fault(wanted["content"])
    if fault:
        return json_answer({"errors": [{"message": fault}], "warnings": []}, 400)
    return json_answer({"errors": [], "warnings": []})


def card_fault(text):
    """What is wrong with the YAML of a README. Without a YAML reader: its fences, and its configs."""
    if not text.startswith("---\n"):
        return None
    front, end, _ = text[4:].partition("\n---")
    if not end:
        return "the metadata block is not closed"
    names = re.findall(r"(?m)^- config_name: *\"?([^\"\n]+?)\"? *$", front)
    if len(names) != len(set(names)):
        return "configs have the same name"
    if len(re.findall(r"(?m)^ +default: true$", front)) > 1:
        return "more than one config is the default"
    return "tabs in the metadata" if "\t" in front else None


def preupload(hub, repo, commit, body):
    wanted = json.loads(body)
    if not 0 < len(wanted["files"]) <= 256:
        refuse(400, f"{len(wanted['files'])} files in one preupload; from 1 to 256")
    patterns = lfs_patterns(commit.files)
    ignored = [line.strip() for line in wanted.get("gitIgnore", "").splitlines() if line.strip()]
    files = []
    for file in wanted["files"]:
        path, size = file["path"], file["size"]
        sample = base64.b64decode(file["sample"], validate=True)
        if len(sample) != min(512, size):
            refuse(400, f"{path}: a sample of {len(sample)} bytes")
        is_lfs = size > 0 and (matches_lfs(path, patterns) or size > REGULAR_LIMIT
                               or is_binary(sample) or path in hub.always_lfs)
        old = commit.files.get(path)
        files.append({"path": path, "uploadMode": "lfs" if is_lfs else "regular",
                      "shouldIgnore": any(fnmatch.fnmatchcase(path, p) for p in ignored),
                      "oid": old.digest() if old else None})
    return json_answer({"commitOid": commit.oid, "files": files})


# --- LFS

def lfs_batch(handler, repo, body):
    hub, wanted = handler.server.hub, json.loads(body)
    for name in ("Accept", "Content-Type"):
        if not handler.headers.get(name, "").startswith(LFS_JSON):
            refuse(406 if name == "Accept" else 415, f"{name} must be {LFS_JSON}")
    if wanted["operation"] != "upload" or not 0 < len(wanted["objects"]) <= 256:
        refuse(400, f"{wanted['operation']} of {len(wanted['objects'])} objects")
    if "basic" not in wanted.get("transfers", ["basic"]):
        refuse(400, "no transfer that this server has")
    takes_parts = "multipart" in wanted.get("transfers", ["basic"])
    objects, in_parts = [], False
    for item in wanted["objects"]:
        oid, size = item["oid"], item["size"]
        answer = {"oid": oid, "size": size}
        objects.append(answer)
        if not re.fullmatch("[0-9a-f]{64}", oid) or size <= 0:
            answer["error"] = {"code": 422, "message": "not an object"}
        elif oid not in repo.objects:
            is_large = takes_parts and size > hub.multipart_above
            in_parts |= is_large
            answer["authenticated"] = True
            answer["actions"] = {
                "upload": (parts_action if is_large else put_action)(handler, repo, oid, size),
                "verify": {"href": f"{handler.host_url()}/lfs-verify/{repo.kind}s/{repo.id}",
                           "header": {"Authorization": "Basic not-for-clients"}}}
    return json_answer({"transfer": "multipart" if in_parts else "basic", "objects": objects},
                       headers={"Content-Type": LFS_JSON})


def put_action(handler, repo, oid, _size):
    hub = handler.server.hub
    return {"href": signed(f"{hub.cdn.url}/lfs-put/{oid}", hub.url_seconds,
                           repo=f"{repo.kind}/{repo.id}"), "header": {}}


def parts_action(handler, repo, oid, size):
    hub = handler.server.hub
    with hub.lock:
        hub.uploads_begun += 1
        upload = str(hub.uploads_begun)
        hub.parts[upload] = {}
    fields = {"repo": f"{repo.kind}/{repo.id}", "upload": upload}
    header = {f"{n:05d}": signed(f"{hub.cdn.url}/lfs-part/{oid}/{n}", hub.url_seconds, **fields)
              for n in range(1, -(-size // hub.part_bytes) + 1)}
    # In an order of its own: clients must sort.
    header = dict(reversed(header.items())) | {"chunk_size": str(hub.part_bytes)}
    return {"href": signed(f"{handler.host_url()}/lfs-complete/{oid}", hub.url_seconds, **fields),
            "header": header}


def check_stored(handler):
    """S3 wants a length, and bytes."""
    if "Content-Length" not in handler.headers or "Transfer-Encoding" in handler.headers:
        raise Refusal(storage_error(501, "NotImplemented", "A header implies chunked bodies"))
    if handler.length() == 0:
        raise Refusal(storage_error(400, "InvalidRequest", "Empty body"))


def repo_of(hub, fields):
    kind, _, repo_id = fields["repo"].partition("/")
    return hub.repos[(kind, repo_id)]


def put_object(handler, path, body):
    fields = check_signature(handler.path)
    check_stored(handler)
    oid = path.rsplit("/", 1)[1]
    if hashlib.sha256(body).hexdigest() != oid:
        raise Refusal(storage_error(400, "BadDigest", "The content does not match its checksum"))
    repo = repo_of(handler.server.hub, fields)
    with repo.lock:
        repo.objects[oid] = body
    return Answer(200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'})


def put_part(handler, path, body):
    hub, fields = handler.server.hub, check_signature(handler.path)
    check_stored(handler)
    tag = f'"{hashlib.md5(body).hexdigest()}"'
    with hub.lock:
        hub.parts[fields["upload"]][int(path.rsplit("/", 1)[1])] = (tag, body)
    return Answer(200, {"ETag": tag})


def complete_parts(handler, path, body):
    hub, fields, wanted = handler.server.hub, check_signature(handler.path), json.loads(body)
    parts = hub.parts[fields["upload"]]
    oid = path.rsplit("/", 1)[1]
    tags = [(part["partNumber"], part["etag"]) for part in wanted["parts"]]
    if wanted["oid"] != oid or tags != [(n, parts[n][0]) for n in sorted(parts)]:
        refuse(400, "InvalidPart: one or more of the specified parts could not be found")
    data = b"".join(parts[n][1] for n in sorted(parts))
    if hashlib.sha256(data).hexdigest() != oid:
        refuse(400, "the content does not match its checksum")
    repo = repo_of(hub, fields)
    with repo.lock:
        repo.objects[oid] = data
    return json_answer({})


def verify_object(repo, body):
    wanted = json.loads(body)
    data = repo.objects.get(wanted["oid"])
    if data is None or len(data) != wanted["size"]:
        refuse(404, "Object not found")
    return json_answer({})


# --- commits

def commit(handler, repo, branch, body, query):
    hub = handler.server.hub
    if not handler.headers.get("Content-Type", "").startswith("application/x-ndjson"):
        refuse(400, "Content-Type must be application/x-ndjson")
    if query.get("create_pr"):
        refuse(400, "no pull requests here")
    try:
        lines = [json.loads(line) for line in body.decode().splitlines() if line.strip()]
    except ValueError:
        refuse(400, "the commit is not newline-delimited JSON")
    if not lines or lines[0]["key"] != "header" or not lines[0]["value"].get("summary"):
        refuse(400, "the first line must be a header with a summary")
    with repo.lock:
        return commit_lines(handler, hub, repo, branch, lines)


def commit_lines(handler, hub, repo, branch, lines):
    if branch not in repo.branches:
        refuse(404, f"Invalid rev id: {branch}", "RevisionNotFound")
    head, header = repo.branches[branch], lines[0]["value"]
    parent = header.get("parentCommit")
    if parent is not None and (len(parent) < 5 or not head.startswith(parent)):
        refuse(412, "A commit has happened since. Please refresh and try again.")
    operations = [(line["key"], line["value"]) for line in lines[1:]]
    if len(operations) > hub.files_per_commit:
        refuse(hub.files_status, f"Too many files in one commit: {len(operations)}, at most "
               f"{hub.files_per_commit}")
    files = apply(hub, repo, dict(repo.commits[head].files), operations)
    check_files(hub, files)
    oid = repo.commit(branch, files, header["summary"], head)
    return json_answer({"success": True, "commitOid": oid, "hookOutput": "",
                        "commitUrl": f"{page_url(handler, repo)}/commit/{oid}"})


def apply(hub, repo, files, operations):
    """The files after the operations."""
    before = set(files)
    paths = [value["path"] for _, value in operations]
    if len(paths) != len(set(paths)):
        refuse(400, "a path occurs twice in the commit")
    for key, value in operations:
        path = value["path"]
        if path.startswith("/") or ".." in path.split("/") or "\\" in path or path.endswith("/.git"):
            refuse(400, f"Invalid path: {path}")
        if key == "file":
            files[path] = regular_file(files, path, value)
        elif key == "lfsFile":
            files[path] = lfs_file(repo, path, value)
        elif key == "deletedFile":
            if path not in before:
                refuse(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
            del files[path]
        elif key == "deletedFolder":
            inside = [p for p in files if p.startswith(path.rstrip("/") + "/")]
            if not inside:
                refuse(404, f"A folder with this name doesn't exist: {path}", "EntryNotFound")
            for p in inside:
                del files[p]
        else:
            refuse(400, f"unknown operation {key}")
    return with_attributes(hub, files)


def regular_file(files, path, value):
    try:
        data = (base64.b64decode(value["content"], validate=True)
                if value.get("encoding") == "base64" else value["content"].encode())
    except binascii.Error:
        refuse(400, f"{path}: not base64")
    if len(data) > REGULAR_LIMIT:
        refuse(400, f"Your push was rejected because {path} is larger than 10 MiB; use LFS")
    if is_binary(data) or (data and matches_lfs(path, lfs_patterns(files))):
        refuse(400, f"Your push was rejected because it contains binary files: {path}; use LFS")
    if path == "README.md" and card_fault(data.decode()):
        refuse(400, f"Invalid metadata in README.md: {card_fault(data.decode())}")
    return File(data, False)


def lfs_file(repo, path, value):
    data = repo.objects.get(value["oid"])
    if value.get("algo") != "sha256" or data is None:
        refuse(400, f"LFS pointer pointed to a file that does not exist: {path}")
    if value.get("size") != len(data):
        refuse(400, f"{path}: the size of the LFS pointer is wrong")
    return File(data, True)


def with_attributes(hub, files):
    """With lines of .gitattributes for LFS files of other types, which the server adds itself."""
    patterns = lfs_patterns(files)
    new = [p for p, f in sorted(files.items()) if f.is_lfs and not matches_lfs(p, patterns)]
    if new:
        old = files[".gitattributes"].data if ".gitattributes" in files else b""
        lines = "".join(f"{path.replace(' ', '[[:space:]]')} filter=lfs diff=lfs merge=lfs -text\n"
                        for path in new)
        files[".gitattributes"] = File(old + lines.encode(), False)
    return files


def check_files(hub, files):
    """What a tree must not be."""
    folders = {}
    for path in files:
        folder = path.rpartition("/")[0]
        folders.setdefault(folder, []).append(path)
    for folder, inside in folders.items():
        if len(inside) > hub.files_per_folder:
            refuse(400, f"too many files per directory: {len(inside)} in {folder or 'the root'}")
        if folder in files:
            refuse(400, f"{folder} is a file and a folder")


def missing_route(path):
    return error_answer(404, f"Sorry, we can't find the page you are looking for: {quote(path)}")
