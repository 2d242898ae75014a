"""Which route answers an address of the test Hub."""

import re
import urllib.parse

import hub_read
import hub_write
from faults import Answer, Refusal, error_answer, json_answer

VERBS = "revision|tree|refs|paths-info|preupload|commit|branch"
API = re.compile(rf"/api/(models|datasets)/(?:([^/]+)(?:/((?:{VERBS})(?:/.*)?))?"
                 rf"|([^/]+/[^/]+)(?:/(.*))?)")
CACHED = re.compile(r"/api/resolve-cache/(models|datasets)/([^/]+(?:/[^/]+)?)/([0-9a-f]{40})/(.+)")
RESOLVE = re.compile(r"/(?:(datasets)/)?([^/]+(?:/[^/]+)?)/resolve/([^/]+)/(.+)")
BATCH = re.compile(r"/(?:(datasets)/)?([^/]+(?:/[^/]+)?)\.git/info/lfs/objects/batch")
VERIFY = re.compile(r"/lfs-verify/(models|datasets)/([^/]+/[^/]+)")
WRITES = ("preupload", "commit", "branch")
METHODS = {"revision": "GET", "tree": "GET", "refs": "GET", "paths-info": "POST",
           "preupload": "POST", "commit": "POST"}


def answer(handler, body):
    path, _, query = handler.path.partition("?")
    query = urllib.parse.parse_qs(query, keep_blank_values=True)
    if handler.server.port_name == "cdn":
        return answer_cdn(handler, path, body)
    if path.startswith("/lfs-complete/") and handler.command == "POST":
        return hub_write.complete_parts(handler, path, body)
    account = handler.account()
    for pattern, route in ((CACHED, resolve), (API, api), (BATCH, batch), (RESOLVE, resolve),
                           (VERIFY, verify)):
        match = pattern.fullmatch(path)
        if match:
            return route(handler, account, match, query, body)
    line = f"{handler.command} {path}"
    if line == "GET /api/whoami-v2":
        return json_answer(hub_write.need_account(account).whoami())
    if line == "POST /api/repos/create":
        return hub_write.create_repo(handler, account, body)
    if line == "DELETE /api/repos/delete":
        return hub_write.delete_repo(handler, account, body)
    if line == "POST /api/validate-yaml":
        return hub_write.validate_yaml(body)
    return hub_write.missing_route(path)


def answer_cdn(handler, path, body):
    for method, prefix, route in (("GET", "/cdn/", lambda h, p, _: hub_read.cdn_file(h, p)),
                                  ("HEAD", "/cdn/", lambda h, p, _: hub_read.cdn_file(h, p)),
                                  ("PUT", "/lfs-put/", hub_write.put_object),
                                  ("PUT", "/lfs-part/", hub_write.put_part)):
        if handler.command == method and path.startswith(prefix):
            return route(handler, path, body)
    return hub_write.missing_route(path)


def kind_of(plural):
    return (plural or "models")[:-1]


def api(handler, account, match, query, body):
    hub, kind = handler.server.hub, kind_of(match[1])
    repo_id, rest = match[2] or match[4], match[3] or match[5] or ""
    repo = hub_read.find_repo(hub, account, kind, repo_id, handler.path)
    verb, *arguments = rest.split("/")
    if METHODS.get(verb, handler.command) != handler.command:
        return error_answer(405, f"{handler.command} of {verb}")
    if not verb and handler.command == "GET":
        return hub_read.info(repo, hub_read.find_commit(repo, "main"), query)
    if verb == "refs":
        return hub_read.refs(repo)
    if verb not in (*METHODS, "branch") or not arguments:
        return hub_write.missing_route(handler.path)
    revision = urllib.parse.unquote(arguments[0])
    if verb in WRITES:
        hub_write.check_may_write(account, repo)
        return write(handler, repo, verb, revision, query, body)
    commit = hub_read.find_commit(repo, revision)
    if verb == "revision":
        return hub_read.info(repo, commit, query)
    if verb == "tree":
        base = urllib.parse.unquote("/".join(arguments[1:])).strip("/")
        return hub_read.tree(handler, commit, base, query)
    return hub_read.paths_info(handler, commit, body)


def write(handler, repo, verb, revision, query, body):
    hub = handler.server.hub
    if verb == "commit":
        return hub_write.commit(handler, repo, revision, body, query)
    with repo.lock:
        if verb == "preupload":
            return hub_write.preupload(hub, repo, hub_read.find_commit(repo, revision), body)
        if handler.command == "POST":
            return hub_write.create_branch(repo, revision, body)
        if handler.command == "DELETE":
            return hub_write.delete_branch(repo, revision)
    return error_answer(405, f"{handler.command} of a branch")


def resolve(handler, account, match, _query, _body):
    if handler.command not in ("GET", "HEAD"):
        raise Refusal(Answer(405))
    kind, is_cached = kind_of(match[1]), match.re is CACHED
    repo = hub_read.find_repo(handler.server.hub, account, kind, match[2], handler.path)
    return hub_read.resolve(handler, account, repo, urllib.parse.unquote(match[3]),
                            urllib.parse.unquote(match[4]), is_cached)


def batch(handler, account, match, _query, body):
    repo = hub_read.find_repo(handler.server.hub, account, kind_of(match[1]), match[2], handler.path)
    hub_write.check_may_write(account, repo)
    return hub_write.lfs_batch(handler, repo, body)


def verify(handler, account, match, _query, body):
    repo = hub_read.find_repo(handler.server.hub, account, kind_of(match[1]), match[2], handler.path)
    hub_write.need_account(account)
    return hub_write.verify_object(repo, body)
