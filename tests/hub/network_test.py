#!/usr/bin/env python3
"""Faults between us and the Hub: nobody listens, no such host, an unknown certificate, proxies; and
tokens that may not write.

usage: network_test.py QKSCOPE"""

import concurrent.futures
import socket
import unittest

from hub_case import QUICK, TransferCase, command, faults_of_a_run, run
from proxies import Proxy
from test_hub import TOKEN


class Network(TransferCase):
    def check(self, hub, code, words, **env):
        def one(job):
            done = run(hub, *command(job, hub, self.capture), **QUICK, **env)
            self.assertEqual(done.code, code, done.stderr)
            self.assertRegex(done.stderr, words)
            self.assertEqual(faults_of_a_run(hub, done) + self.wrong_results(job, hub, code == 0), [])

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(one, ("fetch", "publish")))

    def test_a_certificate_that_nobody_knows(self):
        with self.new_hub() as hub:
            self.check(hub, 1, "(?i)certificate", HF_ENDPOINT=hub.tls())
            self.assertEqual(hub.log, [])
            self.check(hub, 0, "^", HF_ENDPOINT=hub.tls(),
                       SSL_CERT_FILE=f"{hub.root}/certificate.pem")

    def test_a_certificate_file_that_is_not_there(self):
        with self.new_hub() as hub:
            words = "^(?!.*answer).*SSL_CERT_FILE: /none: there is no such file"
            self.check(hub, 1, words, HF_ENDPOINT=hub.tls(), SSL_CERT_FILE="/none")

    def test_nobody_listens(self):
        with self.new_hub() as hub, socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            self.check(hub, 1, "connect", HF_ENDPOINT=f"http://127.0.0.1:{closed.getsockname()[1]}")

    def test_a_host_that_has_no_address(self):
        with self.new_hub() as hub:
            self.check(hub, 1, "name of the host", HF_ENDPOINT="http://no-such-host.invalid")

    def test_proxies(self):
        with self.new_hub() as hub, Proxy() as proxy:
            self.check(hub, 0, "^", **proxy.env())
            self.assertTrue(proxy.log)
        with self.new_hub() as hub, Proxy(refuses=403) as proxy:
            self.check(hub, 1, "(?i)proxy|may not", **proxy.env())
            self.assertTrue(proxy.log)
            self.assertEqual(hub.log, [])
            proxy.log.clear()
            self.check(hub, 1, "proxy", **proxy.env(), HF_ENDPOINT=hub.tls())
            self.assertIn("CONNECT", proxy.log[0])

    def test_a_token_of_another_kind(self):
        for role in ("read", "fineGrained"):
            with self.subTest(role), self.new_hub() as hub:
                hub.accounts[TOKEN].role = role
                done = run(hub, *command("publish", hub, self.capture))
                self.assertEqual(done.code, 1)
                self.assertRegex(done.stderr, "write")
                self.assertEqual(hub.seen("^(POST|PUT)"), [])


if __name__ == "__main__":
    unittest.main()
