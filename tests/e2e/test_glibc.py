"""The functions find the glibc that they need where they are deployed."""

import os
import platform

import pytest

from glibc import CEILING, needed, parse, text
from stack import BUILT

# `sam build` links for the glibc of a target, whatever machine it runs on; cargo alone links for that of the machine. Up to
# this one it takes nothing from it that Lambda does not have.
JUDGED_ON = (2, 36)


@pytest.mark.parametrize("function", ["Diagnose", "Approve", "Apply", "Sweep"])
def test_a_function_needs_no_newer_glibc_than_lambda_has(function):
    own = parse(platform.libc_ver()[1])
    if os.environ.get("SESAME_BUILT_BY") == "cargo" and own > JUDGED_ON:
        pytest.skip(f"cargo linked it for this machine's glibc {text(own)}: `make e2e` judges it")
    version = needed(BUILT.parent / function / "bootstrap")
    assert version <= CEILING, f"it needs {text(version)}, and Lambda has {text(CEILING)}"
