"""The loop by the command line's verbs, through the deployed API with the caller's own credentials."""

import csv
import io
import json
import os
import pty

import pytest

from approval import own_policies, until


@pytest.fixture
def verb(sesame, stack, operator):
    """Runs a verb as the person on call, who may invoke the API and nothing else."""

    def run(*arguments, expect=0):
        return sesame(*arguments, "--api", stack["ApiUrl"], expect=expect, key=operator.key)

    return run


def test_the_same_by_sesame_approve(emulators, mailer, operator, refused, inbox, verb):
    address, finding = refused
    id = finding["id"]
    listed = json.loads(verb("list", "--state", "open", "--format", "json").stdout)
    assert id in json.dumps(listed)
    assert "ses:SendEmail" in verb("show", id).stdout

    asked = verb("approve", id, expect=2)
    assert "--yes" in asked.stderr, "without a terminal nothing is decided by accident"
    assert own_policies(emulators) == []

    done = verb("approve", id, "--yes", "--reason", "the shop must send", "--wait")
    assert "applied" in (done.stdout + done.stderr).lower()
    until(inbox, "applied")
    assert own_policies(emulators) == [f"sesame-{id}"]
    assert mailer.send(address) is None, "the very same send goes through"
    assert id in verb("grants").stdout

    verb("rollback", id, "--yes", "--reason", "no longer wanted", "--wait")
    until(inbox, "rolled-back")
    assert own_policies(emulators) == []
    assert mailer.send(address)["Code"] == "AccessDeniedException"
    assert id not in verb("grants").stdout

    rows = list(csv.DictReader(io.StringIO(verb("list", "--audit", "csv").stdout)))
    told = [row for row in rows if id in row.values() and "the shop must send" in row.values()]
    assert told and any(operator.arn in row.values() for row in told), rows


@pytest.fixture
def answer(sesame, stack, operator):
    """Runs a verb on a terminal, and types a line when it asks."""

    def run(*arguments, typed, expect):
        keyboard, terminal = pty.openpty()
        try:
            os.write(keyboard, typed.encode() + b"\n")
            return sesame(*arguments, "--api", stack["ApiUrl"], expect=expect, key=operator.key, terminal=terminal)
        finally:
            os.close(keyboard)
            os.close(terminal)

    return run


def test_on_a_terminal_it_asks_and_only_a_yes_is_one(emulators, refused, inbox, verb, answer):
    id = refused[1]["id"]
    for typed in ["", "n", "yess"]:
        asked = answer("approve", id, typed=typed, expect=1)
        assert "will be able to call" in asked.stderr and "Approve? [y/N]" in asked.stderr
        assert asked.stderr.rstrip().endswith("nothing was decided")
    assert json.loads(verb("show", id, "--record").stdout)["state"] == "open"
    answer("approve", id, "--wait", typed="Y", expect=0)
    until(inbox, "applied")
    kept = answer("rollback", id, typed="no", expect=1)
    assert "goes away" in kept.stderr and "Take it back? [y/N]" in kept.stderr
    assert own_policies(emulators) == [f"sesame-{id}"]


def test_reject_and_mute_close_a_finding(refused, inbox, verb):
    _, finding = refused
    verb("mute", finding["id"], "--for", "7d", "--reason", "a test")
    until(inbox, "muted")
    again = verb("reject", finding["id"], "--reason", "too late", expect=1)
    assert "muted" in again.stderr


def test_the_stack_is_found_by_its_name(sesame, stack):
    assert "FINDING" in sesame("list", "--stack", "sesame").stdout


def test_whoever_may_not_invoke_the_api_is_told_which_permission_is_missing(sesame, stack, sender):
    done = sesame("list", "--api", stack["ApiUrl"], expect=3, key=(sender.access_key, sender.secret_key))
    assert "execute-api:Invoke" in done.stderr
