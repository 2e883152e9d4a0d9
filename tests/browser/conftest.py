"""`sesame serve` of the sample snapshot, and headless Chromium in front of it."""

import http.server
import json
import os
import queue
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "cli" / "demo"
PATIENCE = 60


class Served:
    """A running `sesame serve`: events in, alerts out."""

    def __init__(self, folder):
        self.snapshot = folder / "snapshot"
        self.out = folder / "out"
        shutil.copytree(DEMO / "snapshot", self.snapshot)
        self.process = subprocess.Popen(
            [os.environ["SESAME"], "serve", "--snapshot", self.snapshot, "--out", self.out],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "USER": "ada"},
        )
        self.lines = queue.Queue()
        self.said = []
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.process.stdout], daemon=True).start()
        threading.Thread(target=lambda: [self.said.append(line) for line in self.process.stderr], daemon=True).start()

    def alert(self, event):
        """Sends a demo event; the alert that comes of it."""
        self.process.stdin.write((DEMO / "events" / f"{event}.json").read_text())
        self.process.stdin.flush()
        return self.next()

    def next(self):
        """The next notice."""
        try:
            return json.loads(self.lines.get(timeout=PATIENCE))
        except queue.Empty:
            pytest.fail("no notice came: " + "".join(self.said))

    def settled(self, finding):
        """The finding as it is stored once its alert is marked as told."""
        for _ in range(PATIENCE * 20):
            if (record := self.record(finding))["alert"] == "sent":
                return record
            time.sleep(0.05)
        pytest.fail(f"{finding} is still to be told")

    def files(self):
        """Every file of the snapshot with its bytes."""
        return {path: path.read_bytes() for path in sorted(self.snapshot.rglob("*")) if path.is_file()}

    def record(self, finding):
        """The finding as it is stored."""
        return json.loads((self.out / "findings" / f"{finding}.json").read_text())

    def store(self, record):
        """Puts a record in the place of the stored one, as another process would."""
        (self.out / "findings" / f"{record['finding']['id']}.json").write_text(json.dumps(record))

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)


@pytest.fixture
def served(tmp_path):
    server = Served(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def elsewhere():
    """Another origin of the same machine: the cookies of this host go there and back, since they know no ports."""
    pages = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(pages["/"].encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def put(html):
        pages["/"] = html
        return f"http://127.0.0.1:{server.server_port}/"

    yield put
    server.shutdown()


@pytest.fixture(scope="session")
def chromium():
    # The sandbox needs a user who is not root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Opens pages as a phone or a desktop does; whatever the browser complains of fails the test."""
    contexts, complaints = [], []

    def open_context(width=1280, scheme="light", scripts=True, complains=False):
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=scripts
        )
        contexts.append(context)
        page = context.new_page()
        if complains:
            return page
        page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_context
    for context in contexts:
        context.close()
    # A page that says no answers with that status, which the browser repeats.
    assert [text for text in complaints if "the server responded with a status of" not in text] == []


@pytest.fixture
def picture(request):
    """Keeps a picture of a page where SESAME_PICTURES names a folder to look at."""

    def take(page, name):
        if folder := os.environ.get("SESAME_PICTURES"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    return take
