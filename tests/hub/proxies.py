"""Proxies for the tests: one that works, one that refuses."""

import http.client
import select
import socket
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP = {"connection", "proxy-connection", "proxy-authorization", "keep-alive", "transfer-encoding"}


class Proxy(ThreadingHTTPServer):
    """with Proxy() as proxy: proxy.env() is what a client needs. refuses: the status of every answer
    (403, 407); None: it works, for http:// and by CONNECT."""
    daemon_threads = True

    def __init__(self, refuses=None):
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.refuses = refuses
        self.log = []  # "GET http://...", "CONNECT host:port"
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def env(self):
        return dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY"), self.url) | {
            "no_proxy": "", "NO_PROXY": ""}

    def handle_error(self, request, client_address):
        pass


class ProxyHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format, *args):
        pass

    def refuse(self):
        self.send_response(self.server.refuses)
        if self.server.refuses == 407:
            self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
        body = b"<html>The proxy does not allow this</html>"
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)
        self.close_connection = True

    def do_CONNECT(self):
        self.server.log.append(f"CONNECT {self.path}")
        if self.server.refuses:
            return self.refuse()
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            self.send_response(200, "Connection established")
            self.end_headers()
            ends = {self.connection: far, far: self.connection}
            while True:
                for near in select.select(list(ends), [], [])[0]:
                    data = near.recv(65536)
                    if not data:
                        self.close_connection = True
                        return None
                    ends[near].sendall(data)

    def forward(self):
        self.server.log.append(f"{self.command} {self.path}")
        if self.server.refuses:
            return self.refuse()
        url = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        far = http.client.HTTPConnection(url.netloc)
        far.putrequest(self.command, self.path[len(f"{url.scheme}://{url.netloc}"):],
                       skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP:
                far.putheader(name, value)
        far.endheaders(body)
        answer = far.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        far.close()
        return None

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = forward
