"""The command line as a user calls it, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def parsed(self) -> dict[str, Any]:
        """The one JSON object of a command that went well."""
        assert self.code == 0, self.err
        assert self.out.count("\n") == 1
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


Phantom = Callable[..., Done]
