"""Routes of the test Hub that read: information, trees, references, files, the CDN."""

import base64
import hashlib
import hmac
import json
import re
import time
import urllib.parse

from faults import EXPIRED, Answer, Refusal, error_answer, json_answer, storage_error
from hub_store import git_sha1

SECRET = b"test"
ONE_RANGE = re.compile(r"bytes=(\d+)-(\d*)$")


def quote(text):
    return urllib.parse.quote(text, safe="")


def signed(url, seconds, **fields):
    """An address that is valid for so many seconds."""
    query = urllib.parse.urlencode({**fields, "Expires": f"{time.time() + seconds:.3f}"})
    return f"{url}?{query}&Signature={signature(urllib.parse.urlsplit(url).path, query)}"


def signature(path, query):
    return hmac.new(SECRET, f"{path}?{query}".encode(), hashlib.sha256).hexdigest()


def check_signature(request_path):
    """The fields of a signed address; refuses one that is wrong or has expired."""
    path, _, query = request_path.partition("?")
    query, _, given = query.rpartition("&Signature=")
    if not hmac.compare_digest(signature(path, query), given):
        raise Refusal(storage_error(403, "SignatureDoesNotMatch", "The signature does not match"))
    fields = {key: values[0] for key, values in urllib.parse.parse_qs(query).items()}
    if float(fields["Expires"]) < time.time():
        raise Refusal(EXPIRED)
    return fields


def find_repo(hub, account, kind, repo_id, path):
    """The repository if this account may know of it. A renamed one: a redirect of `path`."""
    if (kind, repo_id) in hub.renamed:
        to = hub.renamed[(kind, repo_id)]
        raise Refusal(Answer(307, {"Location": path.replace("/" + repo_id, "/" + to, 1)}))
    repo = hub.repos.get((kind, repo_id))
    if repo is None or (repo.private and not (account and account.may_read(kind, repo_id))):
        if account is None:
            raise Refusal(error_answer(401, "Invalid username or password."))
        raise Refusal(error_answer(404, "Repository not found", "RepoNotFound"))
    if repo.disabled:
        raise Refusal(error_answer(403, "Access to this resource is disabled."))
    return repo


def find_commit(repo, revision):
    commit = repo.find(revision)
    if commit is None:
        raise Refusal(error_answer(404, f"Invalid rev id: {revision}", "RevisionNotFound"))
    return commit


def check_gate(repo, account):
    if repo.gated and not (account and (account.name in repo.granted
                                        or account.may_write(repo.kind, repo.id))):
        status = 403 if account else 401
        raise Refusal(error_answer(
            status, f"Access to {repo.kind} {repo.id} is restricted. You must have access to it and "
            "be authenticated to access it.", "GatedRepo"))


def info(repo, commit, query):
    siblings = []
    for path, file in sorted(commit.files.items()):
        sibling = {"rfilename": path}
        if query.get("blobs", [""])[0].lower() in ("true", "1"):
            entry = file.entry(path, False)
            sibling |= {"size": entry["size"], "blobId": entry["oid"]}
            if file.is_lfs:
                sibling["lfs"] = {"sha256": file.sha256, "size": len(file.data),
                                  "pointerSize": len(file.stored)}
        siblings.append(sibling)
    return json_answer({
        "_id": "0" * 24, "id": repo.id, "author": repo.id.split("/")[0], "sha": commit.oid,
        "lastModified": "2026-01-01T00:00:00.000Z", "createdAt": "2026-01-01T00:00:00.000Z",
        "private": repo.private, "gated": repo.gated, "disabled": repo.disabled, "downloads": 0,
        "likes": 0, "tags": [], "siblings": siblings}
        | ({"modelId": repo.id} if repo.kind == "model" else {}))


def refs(repo):
    def entry(name, prefix, oid):
        return {"name": name, "ref": prefix + name, "targetCommit": oid}
    converts = {n: o for n, o in repo.branches.items() if n.startswith("refs/convert/")}
    return json_answer({
        "branches": [entry(n, "refs/heads/", o) for n, o in repo.branches.items()
                     if n not in converts],
        "converts": [{"name": n.removeprefix("refs/convert/"), "ref": n, "targetCommit": o}
                     for n, o in converts.items()],
        "tags": [entry(n, "refs/tags/", o) for n, o in repo.tags.items()]})


def tree_entries(files, base, recursive, with_xet):
    """Entries below the folder `base` ("" is the root), by path."""
    entries = {}
    prefix = base + "/" if base else ""
    for path, file in files.items():
        if not path.startswith(prefix):
            continue
        parts = path[len(prefix):].split("/")
        for depth in range(1, len(parts) if recursive else min(2, len(parts))):
            folder = prefix + "/".join(parts[:depth])
            entries[folder] = {"type": "directory", "oid": git_sha1(folder.encode()), "size": 0,
                               "path": folder}
        if recursive or len(parts) == 1:
            entries[path] = file.entry(path, with_xet)
    return [entries[path] for path in sorted(entries)]


def tree(handler, commit, base, query):
    recursive = query.get("recursive", ["false"])[0].lower() in ("true", "1")
    expand = query.get("expand", ["false"])[0].lower() in ("true", "1")
    entries = tree_entries(commit.files, base, recursive, handler.server.hub.xet)
    if base and not entries:
        raise Refusal(error_answer(404, f"{base} does not exist on \"{commit.oid}\"",
                                   "EntryNotFound"))
    size = min(handler.server.hub.page_size, 50 if expand else 1000)
    size = min(size, int(query.get("limit", [size])[0]))
    cursor = query.get("cursor", [None])[0]
    start = int(base64.urlsafe_b64decode(cursor)) if cursor else 0
    headers = {}
    if start + size < len(entries):
        following = {k: v[0] for k, v in query.items() if k != "cursor"} | {
            "cursor": base64.urlsafe_b64encode(b"%d" % (start + size)).decode()}
        path = handler.path.partition("?")[0]
        headers["Link"] = (f"<{handler.host_url()}{path}?{urllib.parse.urlencode(following)}>; "
                           'rel="next"')
    return json_answer(entries[start:start + size], headers=headers)


def paths_info(handler, commit, body):
    if "json" in handler.headers.get("Content-Type", ""):
        paths = json.loads(body)["paths"]
    else:
        paths = urllib.parse.parse_qs(body.decode()).get("paths", [])
    if len(paths) > 1000:
        raise Refusal(error_answer(413, "Too many paths"))
    entries = []
    for path in paths:
        if path in commit.files:
            entries.append(commit.files[path].entry(path, handler.server.hub.xet))
        elif tree_entries(commit.files, path, False, False):
            entries.append({"type": "directory", "oid": git_sha1(path.encode()), "size": 0,
                            "path": path})
    return json_answer(entries)


def content(handler, data, headers):
    """The bytes, or the part that is asked for."""
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"} | headers
    wanted = ONE_RANGE.match(handler.headers.get("Range", ""))
    ignored = handler.fault is not None and handler.fault.name == "ignores-range"
    if wanted is None or ignored or not data:
        return Answer(200, headers, data)
    start = int(wanted[1])
    end = min(int(wanted[2]) if wanted[2] else len(data) - 1, len(data) - 1)
    if start >= len(data) or end < start:
        return Answer(416, {"Content-Range": f"bytes */{len(data)}"}, b"")
    return Answer(206, headers | {"Content-Range": f"bytes {start}-{end}/{len(data)}"},
                  data[start:end + 1])


def resolve(handler, account, repo, revision, path, is_cached):
    """HEAD and GET of a file; `is_cached`: the request came by /api/resolve-cache/."""
    hub = handler.server.hub
    if handler.command == "HEAD" and "identity" not in handler.headers.get("Accept-Encoding", ""):
        handler.violation("HEAD without Accept-Encoding: identity")
    check_gate(repo, account)
    commit = find_commit(repo, revision)
    headers = {"X-Repo-Commit": commit.oid}
    file = commit.files.get(path)
    if file is None:
        raise Refusal(error_answer(404, "Entry not found", "EntryNotFound", headers))
    if file.is_lfs:
        location = signed(f"{hub.cdn.url}/cdn/{file.sha256}", hub.url_seconds)
        with hub.lock:
            hub.cdn_objects[file.sha256] = file.data
        if hub.xet:
            token = f"{handler.host_url()}/api/{repo.kind}s/{repo.id}/xet-read-token/{commit.oid}"
            headers |= {"X-Xet-Hash": file.xet_hash, "Link": (
                f'<{token}>; rel="xet-auth", <{hub.cdn.url}/v1/{file.xet_hash}>; '
                'rel="xet-reconstruction-info"')}
        return Answer(302, headers | {
            "Location": location, "X-Linked-Etag": f'"{file.sha256}"', "Content-Type": "text/plain",
            "X-Linked-Size": str(len(file.data)), "ETag": f'"{file.sha256}"'},
            b"Found. Redirecting to the CDN")
    headers["ETag"] = f'"{file.blob_id}"'
    direct = repo.private or repo.gated or "/" not in repo.id or not file.data
    if not is_cached and not direct and hub.small_files_redirect:
        target = (f"/api/resolve-cache/{repo.kind}s/{repo.id}/{commit.oid}/"
                  f"{urllib.parse.quote(path)}")
        query = urllib.parse.urlencode({f"/{repo.id}/resolve/{revision}/{path}": "",
                                        "etag": headers["ETag"]})
        return Answer(307, {"Location": f"{target}?{query}", "X-Repo-Commit": commit.oid,
                            "Content-Type": "text/plain"}, b"Temporary Redirect")
    return content(handler, file.data, headers)


def cdn_file(handler, path):
    check_signature(handler.path)
    data = handler.server.hub.cdn_objects[re.fullmatch("/cdn/([0-9a-f]{64})", path)[1]]
    # The CDN's own tag: as long as a SHA-256, and another value.
    tag = hashlib.sha256(b"cdn" + data).hexdigest()
    return content(handler, data, {"ETag": f'"{tag}"'})
