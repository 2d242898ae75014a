"""The test Hub itself: strict where a real one is, and every fault is what it says."""

import contextlib
import hashlib
import http.client
import json
import socket
import ssl
import time
import unittest
import urllib.parse

from proxies import Proxy
from test_hub import TOKEN, TestHub

LARGE = bytes(range(256)) * 40


def ask(url, method="GET", body=None, token=TOKEN, timeout=5, **headers):
    """(status, headers, body) of one exchange."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=timeout)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    with contextlib.closing(connection):
        connection.request(method, url[len(f"{parts.scheme}://{parts.netloc}"):], body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


class TestHubTest(unittest.TestCase):
    def setUp(self):
        self.hub = self.enterContext(TestHub())
        self.hub.add_repo("dataset", "org/qk", {"README.md": b"# qk\n", "a/data.parquet": LARGE})
        self.api = f"{self.hub.url}/api/datasets/org/qk"
        self.readme = f"{self.hub.url}/datasets/org/qk/resolve/main/README.md"
        self.large = f"{self.hub.url}/datasets/org/qk/resolve/main/a/data.parquet"

    def commit(self, *lines, parent=None, branch="main", **options):
        header = {"key": "header", "value": {"summary": "s"} | (
            {"parentCommit": parent} if parent else {})}
        body = "\n".join(json.dumps(line) for line in [header, *lines])
        return ask(f"{self.api}/commit/{branch}", "POST", body,
                   **{"Content-Type": "application/x-ndjson"}, **options)

    def put(self, data):
        oid = hashlib.sha256(data).hexdigest()
        status, _, body = ask(
            f"{self.hub.url}/datasets/org/qk.git/info/lfs/objects/batch", "POST",
            {"operation": "upload", "transfers": ["basic", "multipart"],
             "objects": [{"oid": oid, "size": len(data)}]},
            Accept="application/vnd.git-lfs+json", Content_Type="application/vnd.git-lfs+json")
        self.assertEqual(status, 200)
        action = json.loads(body)["objects"][0].get("actions")
        return oid, action and action["upload"]

    def test_small_files_redirect_and_large_ones_lie_on_the_cdn(self):
        status, headers, _ = ask(self.readme, "HEAD", Accept_Encoding="identity")
        self.assertEqual(status, 307)
        self.assertTrue(headers["Location"].startswith("/api/resolve-cache/datasets/org/qk/"))
        status, headers, body = ask(self.hub.url + headers["Location"])
        self.assertEqual((status, body), (200, b"# qk\n"))
        status, headers, _ = ask(self.large)
        self.assertEqual((status, headers["X-Linked-Size"]), (302, str(len(LARGE))))
        digest = hashlib.sha256(LARGE).hexdigest()
        self.assertEqual(headers["X-Linked-Etag"], f'"{digest}"')
        status, headers, body = ask(headers["Location"], token=None, Range="bytes=100-")
        self.assertEqual((status, body), (206, LARGE[100:]))
        self.assertNotIn(digest, headers["ETag"])
        self.assertEqual(self.hub.violations, [])

    def test_a_token_at_the_cdn_is_a_violation(self):
        location = ask(self.large)[1]["Location"]
        ask(location)
        self.assertEqual(len(self.hub.violations), 2)

    def test_signed_addresses_expire(self):
        self.hub.url_seconds = -1
        self.assertEqual(ask(ask(self.large)[1]["Location"], token=None)[0], 403)

    def test_the_tree_has_pages(self):
        self.hub.page_size = 2
        url, paths = f"{self.api}/tree/main?recursive=true", []
        while url:
            _, headers, body = ask(url)
            paths += [entry["path"] for entry in json.loads(body)]
            link = headers.get("Link")
            url = link and link.partition("<")[2].partition(">")[0]
        self.assertEqual(paths, [".gitattributes", "README.md", "a", "a/data.parquet"])

    def test_objects_are_checked(self):
        oid, action = self.put(b"new")
        self.assertEqual(ask(action["href"], "PUT", b"other", token=None)[0], 400)
        line = {"key": "lfsFile", "value": {"path": "n.parquet", "algo": "sha256", "oid": oid,
                                            "size": 3}}
        self.assertEqual(self.commit(line)[0], 400)
        self.assertEqual(ask(action["href"], "PUT", b"new", token=None)[0], 200)
        self.assertEqual(self.put(b"new")[1], None)
        self.assertEqual(self.commit(line, parent="0" * 40)[0], 412)
        self.assertEqual(self.commit(line, parent=self.hub.head("dataset", "org/qk"))[0], 200)
        self.assertEqual(self.hub.files("dataset", "org/qk")["n.parquet"], b"new")
        self.assertEqual(self.commit(line, branch="none")[0], 404)

    def test_commits_are_checked(self):
        deleted = {"key": "deletedFile", "value": {"path": "none"}}
        self.assertEqual(self.commit(deleted)[0], 404)
        self.assertEqual(self.commit({"key": "file", "value": {
            "path": "x.parquet", "content": "QUJD", "encoding": "base64"}})[0], 400)
        self.hub.files_per_commit = 1
        self.assertEqual(self.commit(deleted, deleted)[0], 413)
        self.hub.accounts[TOKEN].role = "read"
        self.assertEqual(self.commit(deleted)[0], 403)

    def test_branches(self):
        url = f"{self.api}/branch/my%2Fbranch"
        self.assertEqual(ask(url, "POST", {})[0], 201)
        self.assertEqual(ask(url, "POST", {})[0], 409)
        self.assertEqual(ask(url, "POST", {"overwrite": True, "startingPoint": "main"})[0], 201)
        self.assertEqual(ask(url, "DELETE")[0], 204)
        self.assertEqual(ask(f"{self.api}/branch/refs%2Fpr%2F5", "POST", {})[0], 400)

    def test_who_sees_what(self):
        self.hub.add_repo("model", "other/secret", {}, private=True)
        secret = f"{self.hub.url}/api/models/other/secret"
        self.assertEqual(ask(secret)[0], 404)
        self.assertEqual(ask(secret, token=None)[0], 401)
        self.assertEqual(ask(self.api, token="hf_unknown")[0], 401)
        self.hub.repos[("dataset", "org/qk")].gated = "manual"
        self.assertEqual(ask(self.readme, token=None)[1]["X-Error-Code"], "GatedRepo")

    def test_faults_without_an_answer(self):
        for name in ("reset", "cut"):
            self.hub.fail(name, on="GET .*revision")
            with self.assertRaises((ConnectionError, http.client.HTTPException)):
                ask(f"{self.api}/revision/main")
            self.assertEqual(ask(f"{self.api}/revision/main")[0], 200)
        for name in ("silent", "stall"):
            self.hub.fail(name, on="GET .*revision")
            with self.assertRaises(TimeoutError):
                ask(f"{self.api}/revision/main", timeout=0.3)

    def test_refused_connections(self):
        self.hub.fail("refused", on="GET", seconds=0.5)
        with self.assertRaises((ConnectionError, http.client.HTTPException)):
            ask(self.api)
        with self.assertRaises(ConnectionRefusedError):
            ask(self.api)
        time.sleep(1)
        self.assertEqual(ask(self.api)[0], 200)

    def test_a_lost_answer_is_work_done(self):
        self.hub.fail("lost-answer", on="POST .*branch")
        with self.assertRaises((ConnectionError, http.client.HTTPException)):
            ask(f"{self.api}/branch/b", "POST", {})
        self.assertIn("b", self.hub.repos[("dataset", "org/qk")].branches)

    def test_faults_with_another_answer(self):
        for name, status, header in (
                ("503", 503, ""), ("429", 429, ""), ("429-retry-after", 429, "Retry-After"),
                ("429-ratelimit", 429, "RateLimit"), ("404", 404, "X-Error-Code"),
                ("gated", 403, "X-Error-Code"), ("expired", 403, ""), ("html", 200, ""),
                ("endless-redirects", 307, "Location"), ("bad-json", 200, "")):
            self.hub.fail(name, on="GET", seconds=3)
            got, headers, _ = ask(self.api)
            self.assertEqual(got, status, name)
            self.assertTrue(not header or headers[header], name)

    def test_spoiled_bodies(self):
        location = ask(self.large)[1]["Location"]
        for name in ("wrong-size", "wrong-digest"):
            self.hub.fail(name, on="/cdn/")
            self.assertNotEqual(ask(location, token=None)[2], LARGE, name)
        self.hub.fail("ignores-range", on="/cdn/")
        self.assertEqual(ask(location, token=None, Range="bytes=5-")[::2], (200, LARGE))
        self.hub.fail("slow", on="/cdn/", rate=20480)
        begin = time.monotonic()
        self.assertEqual(ask(location, token=None)[2], LARGE)
        self.assertGreater(time.monotonic() - begin, 0.3)

    def test_a_fault_skips_and_ends(self):
        self.hub.fail("503", on="GET", times=2, skip=1)
        self.assertEqual([ask(self.api)[0] for _ in range(4)], [200, 503, 503, 200])
        self.assertEqual(self.hub.count("GET", answered=True), 2)

    def test_https_with_a_certificate_that_nobody_knows(self):
        port = int(self.hub.tls().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as plain, self.assertRaises(
                ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")
        context = ssl.create_default_context(cafile=f"{self.hub.root}/certificate.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context)
        connection.request("GET", "/api/datasets/org/qk")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()

    def test_proxies(self):
        port = self.hub.hub.server_port
        for refuses, status in ((None, 200), (403, 403)):
            with Proxy(refuses) as proxy:
                connection = http.client.HTTPConnection("127.0.0.1", proxy.server_port)
                connection.request("GET", self.api)
                self.assertEqual(connection.getresponse().status, status)
                connection.close()
                connection = http.client.HTTPConnection("127.0.0.1", proxy.server_port)
                connection.set_tunnel("127.0.0.1", port)
                if refuses:
                    with self.assertRaises(OSError):
                        connection.request("GET", "/api/datasets/org/qk")
                else:
                    connection.request("GET", "/api/datasets/org/qk")
                    self.assertEqual(connection.getresponse().status, 200)
                connection.close()
                self.assertEqual(len(proxy.log), 2)


if __name__ == "__main__":
    unittest.main()
