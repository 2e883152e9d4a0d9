"""The rule's pattern again, judged by the emulator, and the way from rule to function."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/infra"))

from event_cases import MATCHING, NEAR_MISSES  # noqa: E402

PATTERN = (ROOT / "infra/event-pattern.json").read_text()


def judged(emulators, event):
    answer = emulators.client("events").test_event_pattern(EventPattern=PATTERN, Event=json.dumps(event))
    return answer["Result"]


@pytest.mark.parametrize("name", MATCHING)
def test_lets_refused_sends_through(emulators, name):
    assert judged(emulators, MATCHING[name])


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_stops_near_misses(emulators, name):
    assert not judged(emulators, NEAR_MISSES[name])


def test_the_deployed_rule_sends_to_the_queue(emulators, stack):
    events = emulators.client("events")
    rules = events.list_rules(NamePrefix=f"{stack.name}-")["Rules"]
    rules = [rule for rule in rules if "EventPattern" in rule]
    assert [json.loads(rule["EventPattern"]) for rule in rules] == [json.loads(PATTERN)]
    (target,) = events.list_targets_by_rule(Rule=rules[0]["Name"])["Targets"]
    assert target["Arn"] == stack["DenialsArn"]
