"""The approval page as people meet it: with a keyboard, on a phone, in the dark, by a screen reader, without scripts."""

import re
from datetime import datetime, timezone

import pytest
from axe_playwright_python.sync_playwright import Axe

APPLICABLE = "01-no-allow"
NEEDS_REVIEW = "02-from-address"
TWO_SENDERS = "08-storm"
FOR_OTHERS = "11-organization"

AXE = Axe()


def violations(page, but=()):
    """What axe-core finds, each with its first place; every rule of it, its best practices included."""
    found = AXE.run(page).response["violations"]
    return [(rule["id"], rule["help"], rule["nodes"][0]["html"]) for rule in found if rule["id"] not in but]


def sideways(page):
    """By how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def unfold(page):
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(served, visit, picture, width, scheme):
    page = visit(width, scheme)
    for event in [APPLICABLE, NEEDS_REVIEW, TWO_SENDERS, FOR_OTHERS]:
        page.goto(served.alert(event)["link"])
        picture(page, f"{event}-{width}-{scheme}")
        assert sideways(page) <= 0, event
        assert violations(page) == [], event
        unfold(page)
        assert sideways(page) <= 0, f"{event}, unfolded"
        assert violations(page) == [], f"{event}, unfolded"
        picture(page, f"{event}-{width}-{scheme}-unfolded")
    page.get_by_role("button", name="Reject").click()
    page.get_by_role("heading", name="Rejected").wait_for()
    picture(page, f"rejected-{width}-{scheme}")
    assert violations(page) == [] and sideways(page) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_that_say_no_are_pages_too(served, visit, picture, scheme):
    page = visit(360, scheme)
    link = served.alert(APPLICABLE)["link"]
    for name, address in [("broken", link[:-4]), ("no-cookie", re.sub(r"/t/(f-[0-9a-f]+)\..*", r"/f/\1", link))]:
        assert page.goto(address).status == 403
        picture(page, f"{name}-{scheme}")
        assert violations(page) == [] and sideways(page) <= 0, name
        assert page.get_by_role("main").inner_text().count("sesame list") == 1, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["approved", "applying", "rolling-back"])
def test_a_page_that_follows_what_is_under_way_is_a_page_too(served, visit, picture, state, scheme):
    alert = served.alert(APPLICABLE)
    record = served.settled(alert["finding"])
    record |= {"state": state, "since": datetime.now(timezone.utc).isoformat()}
    served.store(record)
    page = visit(360, scheme)
    page.goto(alert["link"])
    picture(page, f"{state}-{scheme}")
    # It loads itself again until there is something new, which a script could do more gently; what is read in between stays.
    assert violations(page, but=["meta-refresh"]) == [] and sideways(page) <= 0
    steps = page.get_by_role("list").first.get_by_role("listitem")
    assert steps.count() == 3 and page.locator("[aria-current=step]").count() == 1
    assert page.get_by_role("link", name="Look again now").is_visible()


def test_narrower_than_any_phone_and_larger_than_any_text(served, visit):
    page = visit(320)
    page.goto(served.alert(APPLICABLE)["link"])
    unfold(page)
    assert sideways(page) <= 0
    # WCAG 1.4.12: wider spacing of text loses nothing.
    page.evaluate(
        "document.body.style.cssText = 'letter-spacing:.12em;word-spacing:.16em;line-height:1.5;font-size:150%'"
    )
    assert sideways(page) <= 0


def test_the_dark_page_is_dark(served, visit):
    link = served.alert(APPLICABLE)["link"]
    colours = []
    for scheme in ["light", "dark"]:
        page = visit(scheme=scheme)
        page.goto(link)
        colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    light, dark = ([int(part) for part in re.findall(r"\d+", colour)[:3]] for colour in colours)
    assert min(light) > 200 and max(dark) < 60


def test_a_screen_reader_finds_its_way(served, visit):
    page = visit()
    page.goto(served.alert(APPLICABLE)["link"])
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("banner").count() == 1
    assert page.get_by_role("contentinfo").count() == 1
    levels = [int(tag[1]) for tag in page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => h.tagName)")]
    assert levels.count(1) == 1
    # The state stands above the title; from the title on no level is left out.
    after = levels[levels.index(1) :]
    assert all(next_level <= level + 1 for level, next_level in zip(after, after[1:]))
    gates = page.get_by_role("img").first
    described = gates.evaluate(
        "svg => svg.getAttribute('aria-labelledby').split(' ').map(id => document.getElementById(id).textContent).join(' ')"
    )
    assert "Identity-based policy: shut, no statement allows it." in described
    assert "Service control policy (SCP): open." in described
    assert page.get_by_role("group", name="What to apply").get_by_role("radio").count() == 4
    for role, name in [("textbox", "Reason, kept with the decision"), ("combobox", "No alerts for")]:
        assert page.get_by_role(role, name=name).count() == 1, name
    for name in ["Approve and apply", "Reject", "Mute"]:
        assert page.get_by_role("button", name=name).count() == 1, name


def focused(page):
    """What has the focus: its tag, its text or value, and how wide the line around it is."""
    return page.evaluate(
        """() => {
            const element = document.activeElement, style = getComputedStyle(element);
            return [element.tagName, element.innerText || element.value || '', parseFloat(style.outlineWidth) * (style.outlineStyle !== 'none')];
        }"""
    )


def test_by_keyboard_alone_from_the_link_to_applied(served, visit, picture):
    before = served.files()
    alert = served.alert(APPLICABLE)
    page = visit(390, scripts=False)
    page.goto(alert["link"])
    page.keyboard.press("Tab")
    assert focused(page)[:2] == ["A", "Skip to the finding"]
    page.keyboard.press("Enter")
    assert page.url.endswith("#what")
    stops = []
    for _ in range(60):
        page.keyboard.press("Tab")
        tag, text, outline = focused(page)
        assert outline >= 2, f"the focus on {tag} {text} is not to be seen"
        stops.append((tag, text))
        if tag == "INPUT" and page.evaluate("document.activeElement.type") == "radio":
            break
    assert ("A", "Decide") in stops and any(tag == "SUMMARY" for tag, _ in stops)
    page.keyboard.press("ArrowDown")
    assert "Until" in page.evaluate("document.activeElement.closest('label').innerText")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.type("the orders must go out")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert served.record(alert["finding"])["state"] == "open", "Enter in a field decides nothing"
    page.keyboard.press("Tab")
    assert focused(page)[:2] == ["BUTTON", "Approve and apply"]
    picture(page, "focus-on-approve")
    assert served.files() == before
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Applied", exact=True).wait_for(timeout=20_000)
    picture(page, "applied-390")
    assert "the orders must go out" in page.get_by_role("region", name="Applied").inner_text()
    assert f"sesame-{alert['finding']}" in (served.snapshot / "accounts/111122223333/iam.json").read_text()
    assert [served.next()["phase"], served.next()["phase"]] == ["approved", "applied"]


def test_looking_changes_nothing_however_it_is_done(served, visit, elsewhere):
    alert = served.alert(APPLICABLE)
    before, stored = served.files(), served.settled(alert["finding"])
    page = visit(complains=True)
    for method in ["GET", "HEAD", "OPTIONS"]:
        page.request.fetch(alert["link"], method=method, max_redirects=0, headers={"Purpose": "prefetch"})
        page.request.fetch(alert["link"], method=method, headers={"Sec-Purpose": "prefetch;prerender"})
    page.goto(alert["link"])
    own = page.url
    page.reload()
    # A page elsewhere, in a browser that holds the cookie, prefetches the link, frames the page and posts at it.
    attack = f"""<!doctype html><link rel=prefetch href="{alert["link"]}"><img src="{own}"><iframe src="{own}"></iframe>
        <iframe name=answer></iframe><form method=post action="{own}" target=answer><input name=decision value=reject></form>
        <script>document.forms[0].submit()</script>"""
    statuses = []
    page.on("response", lambda response: statuses.append((response.request.method, response.status)))
    page.goto(elsewhere(attack))
    page.wait_for_timeout(500)
    assert ("POST", 403) in statuses
    assert all("Approve" not in frame.content() for frame in page.frames[1:]), "the page is in no frame"
    page.go_back()
    assert served.files() == before
    assert served.record(alert["finding"]) == stored


def test_the_token_is_in_no_address_and_no_referrer(served, visit):
    alert = served.alert(APPLICABLE)
    token = alert["link"].rsplit("/", 1)[1]
    page = visit()
    asked = []
    page.on("request", lambda request: asked.append((request.url, request.all_headers().get("referer"))))
    page.goto(alert["link"])
    assert token not in page.url and token not in page.content()
    page.get_by_label("Reason").fill("no")
    page.get_by_role("button", name="Reject").click()
    page.get_by_role("heading", name="Rejected").wait_for()
    assert [url for url, _ in asked if token in url] == [alert["link"]]
    assert {referrer for _, referrer in asked} == {None}
    assert page.evaluate("document.referrer") == ""
    assert page.evaluate("document.cookie") == "", "no script reads the cookie"
    assert page.evaluate("history.length") <= 3 and token not in page.evaluate("JSON.stringify(performance.getEntries())")


def test_no_script_and_no_style_of_anybody_else_takes_hold(served, visit):
    page = visit(complains=True)
    link = served.alert(APPLICABLE)["link"]
    page.goto(link)
    page.evaluate(
        """() => {
            const script = document.createElement('script'); script.textContent = 'window.ran = 1'; document.body.append(script);
            const style = document.createElement('style'); style.textContent = 'body{display:none}'; document.head.append(style);
            const inline = document.createElement('b'); inline.setAttribute('onclick', 'window.ran = 1'); document.body.append(inline); inline.click();
        }"""
    )
    assert page.evaluate("window.ran") is None
    assert page.evaluate("getComputedStyle(document.body).display") != "none"
