"""The rule's pattern, on events that it must let through and on near misses."""

import json
from pathlib import Path

import pytest

from event_cases import MATCHING, NEAR_MISSES
from event_pattern import matches

ROOT = Path(__file__).parents[2]
PATTERN = json.loads((ROOT / "infra/event-pattern.json").read_text())


@pytest.mark.parametrize("name", MATCHING)
def test_lets_refused_sends_through(name):
    assert matches(PATTERN, MATCHING[name])


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_stops_near_misses(name):
    assert not matches(PATTERN, NEAR_MISSES[name])


def test_each_part_of_the_pattern_stops_some_near_miss():
    parts = [("source",)] + [("detail", field) for field in PATTERN["detail"]]
    for part in parts:
        wider = json.loads(json.dumps(PATTERN))
        inner = wider
        for step in part[:-1]:
            inner = inner[step]
        del inner[part[-1]]
        assert any(matches(wider, event) for event in NEAR_MISSES.values()), part


def test_a_rule_that_is_not_known_is_an_error():
    with pytest.raises(ValueError, match="unknown rule"):
        matches({"source": [{"suffix": "ses"}]}, MATCHING["v2 send"])
    with pytest.raises(ValueError, match="unknown matcher"):
        matches({"$or": []}, MATCHING["v2 send"])
