"""Starts the dashboard: the same as ``phantom run``, with the same options."""

from __future__ import annotations

import sys

from phantom_arbiter.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["run"]
    main()
