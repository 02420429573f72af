"""Typos in faults fail immediately: such a fault would never strike, and a test would pass without it."""

import re
from typing import Any

import pytest

from livechat_customer_async.sandbox import Fault, Sandbox


def test_unknown_action() -> None:
    with pytest.raises(ValueError, match=re.escape("unknown action 'send_evnt'; did you mean 'send_event'?")):
        Sandbox(faults=[Fault("error", "send_evnt")])
    with pytest.raises(ValueError, match=re.escape("unknown action 'zzz'")):
        Sandbox().faults.add(Fault("error", "zzz"))


def test_not_a_fault() -> None:
    faults: Any = ["send_event:error"]
    with pytest.raises(TypeError, match="expected a Fault, got str; parse_fault"):
        Sandbox(faults=faults)
