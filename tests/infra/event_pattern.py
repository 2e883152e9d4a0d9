"""Whether an EventBridge event pattern matches an event: the part of the pattern language that our patterns use.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html. What it does not know is an error, so that a
pattern cannot grow beyond what is tested here; the end-to-end tests ask an emulator the same questions.
"""


def matches(pattern, event):
    """Every field of the pattern must be in the event and match; an array in the event matches by any element."""
    for field, wanted in pattern.items():
        if field.startswith("$"):
            raise ValueError(f"unknown matcher {field}")
        if isinstance(wanted, dict):
            inner = event.get(field)
            if not isinstance(inner, dict) or not matches(wanted, inner):
                return False
            continue
        present = field in event
        actual = event.get(field)
        candidates = actual if isinstance(actual, list) else [actual]
        if not present or not any(_one(rule, value) for rule in wanted for value in candidates):
            return False
    return True


def _one(rule, value):
    if not isinstance(rule, dict):
        return rule == value
    if set(rule) != {"prefix"}:
        raise ValueError(f"unknown rule {rule}")
    return isinstance(value, str) and value.startswith(rule["prefix"])
