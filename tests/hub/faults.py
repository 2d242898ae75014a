"""Faults of the test Hub, by name.

Instead of an answer
  refused          the connection is reset and the port refuses others for `seconds`
  reset            the connection is reset
  silent           nothing comes until the client gives up
  lost-answer      the work is done, then the connection is reset
  lost-504         the work is done, then 504 is the answer
An answer without the work
  status:NNN, 408, 413, 500, 502, 503, 504    with Retry-After if `seconds` is given
  429, 429-retry-after, 429-ratelimit    wait `seconds`
  401              the token is not known
  401-anonymous    the repository is private
  403              not allowed
  404, 404-revision, 404-entry, gated, disabled, 409, 409-in-progress, 412
  expired          403 of a signed address
  html             200 with a web page
  bad-json         200 with half a document
  wrong-json       200 with a document of another shape
  renamed          307 to the same path of the repository `to`
  endless-redirects                      307 to itself
  redirect-away    307 to the CDN's port
The right answer, spoiled
  slow             its body comes with `rate` bytes a second
  cut              its body, or that of the request, ends half way, with a reset
  stall            its body stops half way, and nothing follows
  wrong-size       its body lacks the last byte, and says so
  wrong-digest     one bit of its body is wrong
  ignores-range    200 and the whole file instead of a part
  no-metadata      ETag, X-Linked-* and X-Repo-Commit are missing
"""

import json
import re
from dataclasses import dataclass, field


@dataclass
class Answer:
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b""


class Refusal(Exception):
    """Raised by a route: this answer instead."""

    def __init__(self, answer):
        super().__init__(answer.status)
        self.answer = answer


def json_answer(value, status=200, headers=None):
    return Answer(status, {"Content-Type": "application/json; charset=utf-8"} | (headers or {}),
                  json.dumps(value).encode())


def error_answer(status, message, code=None, headers=None):
    extra = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
    return json_answer({"error": message}, status, extra | (headers or {}))


def storage_error(status, code, message):
    """As S3 and the CDN answer: XML."""
    body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
            f"<Message>{message}</Message></Error>")
    return Answer(status, {"Content-Type": "application/xml"}, body.encode())


EXPIRED = storage_error(403, "AccessDenied", "Request has expired")
ERRORS = {
    "401": (401, "Invalid credentials in Authorization header", None),
    "401-anonymous": (401, "Invalid username or password.", None),
    "403": (403, "Forbidden: you don't have the required permissions to perform this action", None),
    "404": (404, "Repository not found", "RepoNotFound"),
    "404-revision": (404, "Invalid rev id: main", "RevisionNotFound"),
    "404-entry": (404, "Entry not found", "EntryNotFound"),
    "gated": (403, "Access to this repository is restricted and you are not in the authorized list. "
                   "Visit its page to ask for access.", "GatedRepo"),
    "disabled": (403, "Access to this resource is disabled.", None),
    "409": (409, "Conflict", None),
    "409-in-progress": (409, "Another conflicting operation is in progress on this repository. "
                             "Please retry later.", None),
    "412": (412, "A commit has happened since. Please refresh and try again.", None),
    "413": (413, "Payload too large", None),
}
HTML = Answer(200, {"Content-Type": "text/html"},
              b"<!DOCTYPE html>\n<html><body>Sign in to this network</body></html>\n")
NO_ANSWER = ("refused", "reset", "silent")
SPOILED = ("slow", "cut", "stall", "wrong-size", "wrong-digest", "ignores-range", "no-metadata")
AFTER_WORK = ("lost-answer", "lost-504")
METADATA = ("etag", "x-repo-commit", "x-linked-etag", "x-linked-size")


@dataclass
class Event:
    """Something that happens to `times` requests, after the first `skip` that match."""
    on: str  # regular expression, searched in "METHOD /path?query"
    times: float = 1
    skip: int = 0

    def takes(self, line):
        """Whether it happens to this request."""
        if self.times <= 0 or not re.search(self.on, line):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Hook(Event):
    action: object = None  # called with the handler


@dataclass
class Fault(Event):
    name: str = ""
    seconds: float | None = None
    rate: float = 200
    to: str = ""

    def __post_init__(self):
        known = [*NO_ANSWER, *SPOILED, *AFTER_WORK, *ERRORS, "429", "429-retry-after",
                 "429-ratelimit", "expired", "html", "bad-json", "wrong-json", "renamed",
                 "endless-redirects", "redirect-away"]
        if self.name in ("408", "500", "502", "503", "504"):
            self.name = "status:" + self.name
        if self.name not in known and not re.fullmatch(r"status:\d{3}", self.name):
            raise ValueError(f"no such fault: {self.name}")
        if self.seconds is None and self.name == "refused":
            self.seconds = 1

    def answer_instead(self, path, cdn):
        """The answer that comes without the work; None: the work is done."""
        name = self.name
        if name in ERRORS:
            return error_answer(*ERRORS[name])
        if name.startswith("status:"):
            after = {} if self.seconds is None else {"Retry-After": f"{self.seconds:g}"}
            return error_answer(int(name[7:]), "Something went wrong on our side", None, after)
        if name.startswith("429"):
            wait = f"{self.seconds or 0:g}"
            headers = {"429": {}, "429-retry-after": {"Retry-After": wait},
                       "429-ratelimit": {"RateLimit": f'"api";r=0;t={wait}',
                                         "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}}
            return error_answer(429, "You have reached your rate limit", None, headers[name])
        if name == "endless-redirects":
            round_ = int(re.search(r"[?&]round=(\d+)|$", path)[1] or 0)
            return Answer(307, {"Location": f"{path.split('?')[0]}?round={round_ + 1}"})
        if name == "redirect-away":
            return Answer(307, {"Location": cdn + path})
        if name == "renamed":
            return Answer(307, {"Location": re.sub(
                r"^(/api/(?:models|datasets)/|/datasets/|/)[^/]+/[^/.]+", rf"\g<1>{self.to}", path)})
        return {"expired": EXPIRED, "html": HTML,
                "bad-json": Answer(200, {"Content-Type": "application/json"}, b'{"id":"org/na'),
                "wrong-json": Answer(200, {"Content-Type": "application/json"}, b'[[{"id":7}]]'),
                }.get(name)

    def spoil(self, answer):
        """Changes the right answer."""
        if self.name == "lost-504":
            return error_answer(504, "Gateway timeout")
        if self.name == "wrong-size" and answer.body:
            answer.body = answer.body[:-1]
            answer.headers.pop("Content-Range", None)
        if self.name == "wrong-digest" and answer.body:
            middle = len(answer.body) // 2
            answer.body = (answer.body[:middle] + bytes([answer.body[middle] ^ 1])
                           + answer.body[middle + 1:])
        if self.name == "no-metadata":
            answer.headers = {k: v for k, v in answer.headers.items() if k.lower() not in METADATA}
        return answer
