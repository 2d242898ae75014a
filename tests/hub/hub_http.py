"""The HTTP side of the test Hub: one handler for all its ports. Reads a request, notes it in the log,
carries out faults, and lets the routes answer."""

import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import hub_routes
from faults import AFTER_WORK, Refusal, error_answer


@dataclass
class LogEntry:
    """One request."""
    method: str
    path: str               # with its query
    host: str               # host:port of the Host header
    port: str               # "hub", "cdn", "tls"
    header_names: set       # lower case
    token: str              # "none", "right" (a token that the Hub knows), "other"
    range: str = ""         # the header
    received: int = 0       # bytes of its body
    sent: int = 0           # bytes of the answer's body
    status: int = 0         # 0: no answer
    fault: str = ""
    body: bytes = field(default=b"", repr=False)  # of requests to the Hub itself
    time: float = field(default_factory=time.monotonic, repr=False)

    @property
    def line(self):
        return f"{self.method} {self.path}"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, hub, port_name, port=0, context=None):
        super().__init__(("127.0.0.1", port), Handler)
        self.hub, self.port_name, self.context = hub, port_name, context
        self.refuses = False
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def finish_request(self, request, client_address):
        if self.context is None:
            return super().finish_request(request, client_address)
        request.settimeout(10)
        with self.context.wrap_socket(request, server_side=True) as secured:
            secured.settimeout(None)
            return super().finish_request(secured, client_address)

    def handle_error(self, request, client_address):
        pass  # clients go away at any moment; a fault in a route is noted by Handler.respond()

    def close(self):
        self.shutdown()
        self.server_close()


class Gone(Exception):
    """The connection is no more."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "TestHub/1"
    sys_version = ""
    disable_nagle_algorithm = True

    def log_message(self, format, *args):
        pass

    def violation(self, text):
        self.server.hub.violations.append(f"{self.command} {self.path.split('?')[0]}: {text}")

    # --- one request

    def respond(self):
        hub = self.server.hub
        self.entry = LogEntry(
            self.command, self.path, self.headers.get("Host", ""), self.server.port_name,
            {name.lower() for name in self.headers}, self.token_seen(), self.headers.get("Range", ""))
        with hub.lock:
            hub.log.append(self.entry)
            fault = next((f for f in hub.faults if f.takes(self.entry.line)), None)
        self.fault = fault
        self.entry.fault = fault.name if fault else ""
        try:
            self.check_request()
            self.exchange(fault)
        except (Gone, OSError):
            self.close_connection = True
        except Exception as error:  # a fault of the test Hub itself
            self.violation(f"the test Hub failed: {error!r}")
            self.send_answer(error_answer(500, "the test Hub failed"))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = respond

    def exchange(self, fault):
        name = fault.name if fault else ""
        if name == "cut" and self.command in ("PUT", "POST"):
            self.rfile.read(self.length() // 2)
            self.reset()
        if name in ("reset", "refused"):
            if name == "refused":
                self.server.hub.refuse(self.server.port_name, fault.seconds)
            self.reset()
        body = self.read_body()
        self.server.hub.run_hooks(self)
        if name == "silent":
            self.wait_for_end()
        instead = fault.answer_instead(self.path, self.server.hub.cdn.url) if fault else None
        if instead is None:
            try:
                answer = hub_routes.answer(self, body)
            except Refusal as refusal:
                answer = refusal.answer
            if name == "lost-answer":
                self.reset()
            if fault and (answer.status < 400 or name in AFTER_WORK):
                answer = fault.spoil(answer)
        else:
            answer = instead
        self.send_answer(answer)

    # --- the request

    def token_seen(self):
        value = self.headers.get("Authorization")
        if value is None:
            return "none"
        return "right" if value.removeprefix("Bearer ") in self.server.hub.accounts else "other"

    def account(self):
        """The Account that asks; None: nobody. Refuses a token that is not known."""
        value = self.headers.get("Authorization")
        if value is None:
            return None
        account = self.server.hub.accounts.get(value.removeprefix("Bearer "))
        if account is None or not value.startswith("Bearer "):
            raise Refusal(error_answer(401, "Invalid credentials in Authorization header"))
        return account

    def check_request(self):
        hub, everything = self.server.hub, self.path + str(self.headers)
        if self.server.port_name == "cdn":
            if "Authorization" in self.headers:
                self.violation("Authorization sent to the CDN")
            if any(token in everything for token in hub.accounts):
                self.violation("the token reached the CDN")
        if any(token in self.path for token in hub.accounts):
            self.violation("the token stands in an address")
        if self.server.port_name != "cdn" and re.search(r"[?&]Signature=", self.path) and (
                "Authorization" in self.headers):
            self.violation("Authorization sent to a signed address")
        if "Transfer-Encoding" in self.headers:
            self.violation("chunked body")
        if "Expect" in self.headers:
            self.violation("Expect header")
        if self.headers.get("Host") != f"127.0.0.1:{self.server.server_port}":
            self.violation(f"Host: {self.headers.get('Host')}")
        if re.search(r"[^\x21-\x7e]", self.path):
            self.violation("characters in the address that must be encoded")

    def length(self):
        return int(self.headers.get("Content-Length") or 0)

    def read_body(self):
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            body = self.read_chunks()
        else:
            body = self.rfile.read(self.length())
            if len(body) < self.length():
                self.entry.received = len(body)
                raise Gone
        self.entry.received = len(body)
        if self.server.port_name != "cdn":
            self.entry.body = body
        return body

    def read_chunks(self):
        body = b""
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def host_url(self):
        """The Hub's address as this client knows it."""
        return f"{'https' if self.server.context else 'http'}://{self.headers.get('Host')}"

    # --- the answer

    def send_answer(self, answer):
        self.entry.status = answer.status
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), "X-Request-Id": "Root=1-test",
                            **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD" or not answer.body:
            return
        name = self.fault.name if self.fault else ""
        if name == "cut":
            self.write(answer.body[:len(answer.body) // 2])
            self.reset()
        if name == "stall":
            self.write(answer.body[:len(answer.body) // 2])
            self.wait_for_end()
        if name == "slow":
            self.write_slowly(answer.body, self.fault.rate)
        else:
            self.write(answer.body)

    def write(self, data):
        view = memoryview(data)
        for at in range(0, len(view), 1 << 20):
            self.wfile.write(view[at:at + (1 << 20)])
            self.entry.sent += len(view[at:at + (1 << 20)])

    def write_slowly(self, data, rate):
        step = max(1, int(rate / 10))
        for at in range(0, len(data), step):
            self.write(data[at:at + step])
            if self.server.hub.closing.wait(0.1):
                raise Gone

    def wait_for_end(self):
        """Until the client has closed the connection."""
        self.connection.settimeout(0.1)
        while not self.server.hub.closing.is_set():
            try:
                if not self.connection.recv(4096):
                    break
            except TimeoutError:
                continue
        raise Gone

    def reset(self):
        """Closes the connection with RST."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        raise Gone
