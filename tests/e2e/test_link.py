"""The link in the e-mail, followed as a browser does, through the deployed API to the applied policy."""

import json
import os
import re
import shutil
import urllib.error
import urllib.request
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import sync_playwright

from approval import own_policies, stored, until



class Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is looked at, not followed."""

    def redirect_request(self, *_):
        return None


class Form(HTMLParser):
    """The fields of a page's forms, as a browser would send them, and its buttons."""

    def __init__(self, html):
        super().__init__()
        self.fields, self.buttons, self.links = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "input" and given.get("name") and (given.get("type") != "radio" or "checked" in given):
            self.fields.append((given["name"], given.get("value") or ""))
        if tag == "button" and given.get("name") == "decision":
            self.buttons.append(given["value"])


class Browser:
    """Requests with a cookie, to the emulator that tells APIs apart by their host."""

    def __init__(self, emulators, stack):
        self.url, self._port, self.cookie = stack["ApiUrl"], emulators.ministack, None
        self._opener = urllib.request.build_opener(Stay)

    def ask(self, method, path, fields=None, **headers):
        data = urlencode(fields).encode() if fields is not None else None
        headers = {"Host": urlsplit(self.url).netloc} | {name.replace("_", "-"): value for name, value in headers.items()}
        if data:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.url, "Sec-Fetch-Site": "same-origin"} | headers
        if self.cookie:
            headers["Cookie"] = self.cookie
        request = urllib.request.Request(self._port + path, data=data, method=method, headers=headers)
        try:
            answer = self._opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        if cookie := answer.headers.get("Set-Cookie"):
            self.cookie = cookie.split(";")[0]
        return answer.status, answer.headers, answer.read().decode()


@pytest.fixture
def link(emulators, stack, refused):
    """The path of the link in the alert's e-mail."""
    texts = emulators.proxy.published("email")
    (path,) = {urlsplit(url).path for url in re.findall(re.escape(stack["ApiUrl"]) + r"/t/\S+", texts[0])}
    return path


def enter(browser, link):
    status, headers, _ = browser.ask("GET", link)
    assert status == 303
    path = urlsplit(headers["Location"]).path
    assert "/t/" not in path, "the token leaves the address at the first step"
    return path


def test_the_link_in_the_mail_leads_to_an_approval_that_is_applied(emulators, stack, mailer, refused, link, inbox):
    address, finding = refused
    browser = Browser(emulators, stack)
    page = enter(browser, link)
    assert page == f"/f/{finding['id']}"
    status, headers, html = browser.ask("GET", page)
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer" and "no-store" in headers["Cache-Control"]
    form = Form(html)
    assert "approve" in form.buttons, form.buttons
    assert stored(emulators, stack, finding)["state"]["S"] == "open", "looking changes nothing"

    fields = [field for field in form.fields if field[0] != "days"]
    status, _, html = browser.ask("POST", page, [*fields, ("decision", "approve")])
    assert status in (200, 303), html
    until(inbox, "applied")
    assert own_policies(emulators) == [f"sesame-{finding['id']}"]
    assert mailer.send(address) is None
    status, _, html = browser.ask("GET", page)
    assert status == 200 and "approve" not in Form(html).buttons


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_scanners_that_follow_links_change_nothing(emulators, stack, refused, link, method):
    _, finding = refused
    browser = Browser(emulators, stack)
    browser.ask(method, link)
    browser.ask(method, f"/f/{finding['id']}")
    assert stored(emulators, stack, finding)["state"]["S"] == "open"


def test_a_form_from_elsewhere_and_one_without_the_cookie_decide_nothing(emulators, stack, refused, link):
    _, finding = refused
    browser = Browser(emulators, stack)
    page = enter(browser, link)
    form = Form(browser.ask("GET", page)[2])
    fields = [*form.fields, ("decision", "approve")]
    assert browser.ask("POST", page, fields, Origin="https://elsewhere.example", Sec_Fetch_Site="cross-site")[0] >= 400
    browser.cookie = None
    assert browser.ask("POST", page, fields)[0] >= 400
    assert browser.ask("GET", page)[0] in (401, 403, 404)
    assert stored(emulators, stack, finding)["state"]["S"] == "open"


def test_a_forged_link_costs_no_call(emulators, stack, refused, link):
    token = link.rsplit("/", 1)[-1]
    forged = f"/t/{token[:-6]}{'A' * 6 if token[-6:] != 'A' * 6 else 'B' * 6}"
    emulators.proxy.forget()
    status, _, _ = Browser(emulators, stack).ask("GET", forged)
    assert status >= 400
    assert [call.action for call in emulators.proxy.calls("ASIA") if call.service in {"dynamodb", "kms"}] == []


def test_no_token_gets_into_a_log(emulators, stack, refused, link):
    browser = Browser(emulators, stack)
    enter(browser, link)
    token = link.rsplit("/", 1)[-1]
    logs = emulators.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]:
            assert token not in event["message"], group["logGroupName"]


def test_the_sweep_runs_with_its_own_role(emulators, stack):
    emulators.proxy.forget()
    answer = emulators.client("lambda").invoke(FunctionName=stack["SweepFunction"], Payload=b"{}")
    said = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, said
    assert said["failed"] == [], said


def test_a_person_approves_in_a_real_browser_and_the_very_same_send_goes_through(
    emulators, stack, mailer, operator, refused, link, inbox
):
    address, finding = refused
    # The sandbox needs a user who is not root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        page = chromium.new_page(viewport={"width": 390, "height": 844})
        # Chromium takes every name under `localhost` for this machine.
        page.goto(stack["ApiUrl"] + link)
        assert page.url == f"{stack['ApiUrl']}/f/{finding['id']}", "the token is not in the address any more"
        assert "listed-mailer" in page.inner_text("main")
        page.fill("#reason", "the shop must send")
        page.click("button[name=decision][value=approve]")
        until(inbox, "applied")
        page.goto(f"{stack['ApiUrl']}/f/{finding['id']}")
        assert page.locator("button[value=approve]").count() == 0
        assert "the policies allow the send" in page.inner_text("body")
        chromium.close()
    assert mailer.send(address) is None
    assert operator.decide(finding, "rollback")[0] == 200
    until(inbox, "rolled-back")
    assert mailer.send(address)["Code"] == "AccessDeniedException"
