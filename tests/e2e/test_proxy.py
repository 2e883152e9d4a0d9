"""The proxy by itself, before stand-ins for the two emulators."""

import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from emulators.proxy import Fault, Proxy


class StandIn:
    """Answers every request with one status and body, and keeps the requests."""

    def __init__(self, body, status=200):
        self.seen, self.accounts, self.status, self.body = [], [], status, body
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.seen.append((self.command, self.path, self.headers.get("Host"), body))
                outer.accounts.append(self.headers.get("X-Moto-Account-Id"))
                answer = outer.body.encode() if isinstance(outer.body, str) else json.dumps(outer.body).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PUT = do_DELETE = do_POST

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def setup():
    ministack, moto = StandIn({"from": "ministack", "Verified": True}), StandIn({"from": "moto", "Policies": {"p": "{}"}})
    with Proxy(ministack.url, moto.url) as proxy:
        yield proxy, ministack, moto
    ministack.stop()
    moto.stop()


def call(proxy, method="POST", path="/", service="iam", body=b"", key="AKIA1", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/{service}/aws4_request, Signature=0"
    request = urllib.request.Request(proxy.url + path, data=body or None, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as response:
            text = response.read().decode()
            return response.status, text if text.startswith("<") else json.loads(text)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_names_the_operation_in_every_protocol(setup):
    proxy, _, _ = setup
    call(proxy, body=b"Action=GetUser&UserName=x&Version=2010-05-08")
    call(proxy, service="dynamodb", X_Amz_Target="DynamoDB_20120810.PutItem", body=b"{}")
    call(proxy, method="GET", service="ses", path="/v2/email/account")
    call(proxy, method="GET", service="ses", path="/v2/email/identities/a%40example.com")
    call(proxy, method="PUT", service="s3", path="/bucket/key?x=y", body=b"Action=no", Content_Type="text/plain")
    names = ["iam:GetUser", "dynamodb:PutItem", "ses:GetAccount", "ses:GetEmailIdentity", "s3:PUT /bucket/key"]
    assert [seen.action for seen in proxy.calls()] == names


def test_remembers_who_called(setup):
    proxy, _, _ = setup
    call(proxy, body=b"Action=GetUser", key="ASIA1")
    call(proxy, body=b"Action=GetRole", key="test")
    assert [seen.action for seen in proxy.calls("ASIA")] == ["iam:GetUser"]
    proxy.forget()
    assert proxy.calls() == []


def test_what_is_not_routed_goes_to_ministack_alone_as_it_came(setup):
    proxy, ministack, moto = setup
    status, body = call(proxy, body=b"Action=GetUser", Host="iam.example.com")
    assert (status, body["from"]) == (200, "ministack")
    assert ministack.seen == [("POST", "/", "iam.example.com", b"Action=GetUser")]
    assert moto.seen == []


@pytest.mark.parametrize(
    "request_",
    [
        {"service": "organizations", "X_Amz_Target": "AWSOrganizationsV20161128.ListParents", "body": b"{}"},
        {"service": "ses", "path": "/v2/email/identities/example.com/policies", "method": "GET"},
        {"service": "ses", "path": "/v2/email/identities/example.com/policies/p", "body": b"{}"},
        {"service": "ses", "path": "/v2/email/identities/example.com/policies/p", "method": "DELETE"},
    ],
)
def test_moto_answers_what_ministack_lacks_unless_ministack_refuses(setup, request_):
    proxy, ministack, moto = setup
    ministack.status = 404
    assert call(proxy, **request_)[1]["from"] == "moto"
    ministack.status = 403
    assert call(proxy, **request_)[0] == 403
    assert len(moto.seen) == 1


def test_both_are_told_of_a_new_identity(setup):
    proxy, ministack, moto = setup
    assert call(proxy, service="ses", path="/v2/email/identities", body=b"{}")[1]["from"] == "ministack"
    assert len(ministack.seen) == len(moto.seen) == 1


def test_an_identity_has_its_policies_from_moto_and_the_rest_from_ministack(setup):
    proxy, _, moto = setup
    request = {"method": "GET", "service": "ses", "path": "/v2/email/identities/example.com"}
    assert call(proxy, **request)[1] == {"from": "ministack", "Verified": True, "Policies": {"p": "{}"}}
    moto.status = 404
    assert call(proxy, **request)[1] == {"from": "ministack", "Verified": True}


def test_a_fault_hits_its_operation_the_given_number_of_times(setup):
    proxy, ministack, _ = setup
    proxy.inject(Fault("iam:GetUser", 400, "Throttling", times=2))
    form = {"Content_Type": "application/x-www-form-urlencoded; charset=utf-8"}
    for _ in range(2):
        status, body = call(proxy, body=b"Action=GetUser", **form)
        assert status == 400 and "<Code>Throttling</Code>" in body
    assert call(proxy, body=b"Action=GetRole", **form)[0] == 200
    assert call(proxy, body=b"Action=GetUser", **form)[0] == 200
    assert len(ministack.seen) == 2


def test_a_fault_speaks_json_to_json_services(setup):
    proxy, _, _ = setup
    proxy.inject(Fault("sns:Publish", 0))
    proxy.inject(Fault("dynamodb:PutItem", 500, "InternalServerError"))
    kind = "application/x-amz-json-1.0"
    status, body = call(proxy, service="dynamodb", X_Amz_Target="D.PutItem", body=b"{}", Content_Type=kind)
    assert (status, json.loads(body)["__type"]) == (500, "InternalServerError")


def test_a_fault_without_a_status_cuts_the_connection(setup):
    proxy, _, _ = setup
    proxy.inject(Fault("sns:Publish", 0))
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        call(proxy, service="sns", body=b"Action=Publish")


def test_what_is_published_can_be_read_by_protocol(setup):
    proxy, _, _ = setup
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    both = b"Action=Publish&Message=%7B%22default%22%3A%22d%22%2C%22email%22%3A%22e%22%7D"
    call(proxy, service="sns", body=both, **form)
    call(proxy, service="sns", body=b"Action=Publish&Message=plain", **form)
    assert proxy.published("email") == ["e"]
    assert proxy.published("default") == ["d", "plain"]
    proxy.forget()
    assert proxy.published("email") == []


def test_moto_is_told_whose_account_the_credentials_are(setup):
    proxy, ministack, moto = setup
    request = {"service": "ses", "path": "/v2/email/identities/example.com/policies", "method": "GET"}
    for key in ["AKIA1", "444455556666", "ASIA2"]:
        call(proxy, key=key, **request)
    ministack.body = (
        "<AssumeRoleResponse><Credentials><AccessKeyId>ASIA2</AccessKeyId></Credentials><AssumedRoleUser>"
        "<Arn>arn:aws:sts::777788889999:assumed-role/r/s</Arn></AssumedRoleUser></AssumeRoleResponse>"
    )
    call(proxy, service="sts", body=b"Action=AssumeRole", Content_Type="application/x-www-form-urlencoded")
    ministack.body = {}
    call(proxy, key="ASIA2", **request)
    assert moto.accounts == ["000000000000", "444455556666", "000000000000", "777788889999"]
    assert set(ministack.accounts) == {None}
