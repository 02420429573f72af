"""A slip in a fault is told at once: it would never strike, and its test would pass without it."""

import re
from typing import Any

import pytest

from livechat_customer_async.sandbox import Fault, Sandbox


def test_an_action_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match=re.escape("there is no action 'send_evnt': did you mean 'send_event'?")):
        Sandbox(faults=[Fault("error", "send_evnt")])
    with pytest.raises(ValueError, match=re.escape("there is no action 'zzz'")):
        Sandbox().faults.add(Fault("error", "zzz"))


def test_what_is_no_fault() -> None:
    faults: Any = ["send_event:error"]
    with pytest.raises(TypeError, match="expected a Fault, got str; parse_fault"):
        Sandbox(faults=faults)
