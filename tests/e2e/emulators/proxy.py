"""One loopback address in front of two emulators: routes by operation, injects faults, records what was called.

MiniStack answers everything and judges every call by IAM. It has no policies of SES identities and no organization of ours,
so for those operations its judgement is taken and moto's answer: a caller that MiniStack refuses is refused. moto knows none of
MiniStack's credentials; it is told whose account they are.
"""

import http.client
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SES = [
    ("GetAccount", "GET", r"account"),
    ("SendEmail", "POST", r"outbound-emails"),
    ("CreateEmailIdentity", "POST", r"identities"),
    ("GetEmailIdentity", "GET", r"identities/[^/]+"),
    ("DeleteEmailIdentity", "DELETE", r"identities/[^/]+"),
    ("GetEmailIdentityPolicies", "GET", r"identities/[^/]+/policies"),
    ("CreateEmailIdentityPolicy", "POST", r"identities/[^/]+/policies/[^/]+"),
    ("UpdateEmailIdentityPolicy", "PUT", r"identities/[^/]+/policies/[^/]+"),
    ("DeleteEmailIdentityPolicy", "DELETE", r"identities/[^/]+/policies/[^/]+"),
]
# moto's answer, where MiniStack does not refuse.
ANSWERED_BY_MOTO = re.compile(r"organizations:.*|ses:(Get|Create|Update|Delete)EmailIdentityPolic(y|ies)")
# MiniStack's answer; moto is told too.
TOLD_TO_BOTH = {"ses:CreateEmailIdentity", "ses:DeleteEmailIdentity"}
# MiniStack's answer with these fields of moto's.
MERGED = {"ses:GetEmailIdentity": ["Policies"]}


@dataclass(frozen=True)
class Call:
    """`service` is the IAM prefix; `access_key` tells who called."""

    service: str
    operation: str
    access_key: str

    @property
    def action(self):
        return f"{self.service}:{self.operation}"


@dataclass
class Fault:
    """Answers the next `times` calls of an action itself. `status` 0 cuts the connection."""

    action: str
    status: int
    code: str = "ServiceUnavailable"
    times: int = 1


@dataclass
class Answer:
    status: int
    headers: list
    body: bytes
    refused: bool = field(init=False)

    def __post_init__(self):
        self.refused = self.status == 403


class Proxy:
    def __init__(self, ministack, moto, account="000000000000"):
        self._account, self._entered = account, {}
        self._ministack, self._moto = urlsplit(ministack).netloc, urlsplit(moto).netloc
        self._lock = threading.Lock()
        self._calls, self._faults, self._published = [], [], []
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def calls(self, access_key_prefix=""):
        with self._lock:
            return [call for call in self._calls if call.access_key.startswith(access_key_prefix)]

    def published(self, protocol):
        """What was published for a protocol, the first first. The emulator sends no e-mail: this is where one can be read."""
        with self._lock:
            messages = list(self._published)
        return [message[protocol] for message in messages if protocol in message]

    def forget(self):
        with self._lock:
            self._calls.clear()
            self._published.clear()
            self._faults.clear()

    def account_of(self, access_key):
        """Whose credentials they are: an account's number, or those of a role that was entered; else our own account's."""
        if re.fullmatch(r"\d{12}", access_key):
            return access_key
        with self._lock:
            return self._entered.get(access_key, self._account)

    def _remember(self, answer):
        key = re.search(r"<AccessKeyId>([^<]+)</AccessKeyId>", answer)
        role = re.search(r"<Arn>arn:[^:]*:sts::(\d{12}):assumed-role/", answer)
        if key and role:
            with self._lock:
                self._entered[key[1]] = role[1]

    def inject(self, fault):
        with self._lock:
            self._faults.append(fault)

    def answer(self, method, path, headers, body):
        """The answer to a request; None cuts the connection."""
        call = describe(method, path, headers, body)
        with self._lock:
            self._calls.append(call)
            if call.action == "sns:Publish" and (message := parse_qs(body.decode()).get("Message")):
                self._published.append(_by_protocol(message[0]))
            fault = next((fault for fault in self._faults if fault.action == call.action and fault.times > 0), None)
            if fault:
                fault.times -= 1
        if fault:
            return _fault_answer(fault, headers) if fault.status else None
        answer = _forward(self._ministack, method, path, headers, body)
        if answer.refused:
            return answer
        if call.action == "sts:AssumeRole" and answer.status == 200:
            self._remember(answer.body.decode())
        told = {**headers, "X-Moto-Account-Id": self.account_of(call.access_key)}
        if ANSWERED_BY_MOTO.fullmatch(call.action):
            return _forward(self._moto, method, path, told, body)
        if call.action in TOLD_TO_BOTH:
            _forward(self._moto, method, path, told, body)
        if call.action in MERGED and answer.status == 200:
            second = _forward(self._moto, method, path, told, body)
            if second.status == 200:
                ours, theirs = json.loads(answer.body), json.loads(second.body)
                ours |= {name: theirs[name] for name in MERGED[call.action] if name in theirs}
                answer.body = json.dumps(ours).encode()
        return answer


def describe(method, path, headers, body):
    """Which operation a request is, by the protocol of its service."""
    scope = re.search(r"Credential=([^/]+)/\d+/[^/]*/([^/]+)/aws4_request", headers.get("Authorization", ""))
    access_key, service = scope.groups() if scope else ("", "unsigned")
    if target := headers.get("X-Amz-Target"):
        return Call(service, target.rsplit(".", 1)[-1], access_key)
    plain = urlsplit(path).path
    if service == "ses" and plain.startswith("/v2/email/"):
        rest = plain.removeprefix("/v2/email/")
        for operation, verb, pattern in SES:
            if method == verb and re.fullmatch(pattern, rest):
                return Call(service, operation, access_key)
    if _is_form(headers) and (action := parse_qs(body.decode(errors="replace")).get("Action")):
        return Call(service, action[0], access_key)
    return Call(service, f"{method} {plain}", access_key)


def _by_protocol(message):
    """A message with `MessageStructure: json`; one without it is for every protocol."""
    try:
        parsed = json.loads(message)
    except ValueError:
        parsed = None
    return parsed if isinstance(parsed, dict) else {"default": message}


def _is_form(headers):
    return headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")


def _fault_answer(fault, headers):
    if not _is_form(headers):
        body = json.dumps({"__type": fault.code, "message": "injected"}).encode()
        return Answer(fault.status, [("Content-Type", "application/json"), ("X-Amzn-ErrorType", fault.code)], body)
    body = f"<ErrorResponse><Error><Code>{fault.code}</Code><Message>injected</Message></Error></ErrorResponse>"
    return Answer(fault.status, [("Content-Type", "text/xml")], body.encode())


def _forward(netloc, method, path, headers, body):
    connection = http.client.HTTPConnection(netloc, timeout=120)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            if name.lower() not in {"connection", "content-length", "transfer-encoding", "expect"}:
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        dropped = {"connection", "content-length", "transfer-encoding", "server", "date"}
        kept = [(name, value) for name, value in response.getheaders() if name.lower() not in dropped]
        return Answer(response.status, kept, response.read())
    finally:
        connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without it, headers and body leave as two packets and the second waits for an acknowledgement.
    wbufsize = -1

    def _serve(self):
        body = self._body()
        answer = self.proxy.answer(self.command, self.path, self.headers, body)
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_):
        pass

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _serve
