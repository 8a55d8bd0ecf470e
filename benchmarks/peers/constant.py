"""The peer of `markets_api`: bare Starlette that answers with a file. ``constant.py FILE PORT``."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def main() -> None:
    """Serve until killed."""
    body = Path(sys.argv[1]).read_bytes()

    async def markets(request: Request) -> Response:
        del request
        return Response(body, media_type="application/json")

    app = Starlette(routes=[Route("/api/drift/markets", markets)])
    uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False)


if __name__ == "__main__":
    main()
