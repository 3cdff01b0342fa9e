"""Answers over HTTP: JSON of our own, version 1, or in somebody else's shape."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


def answer(body: Mapping[str, Any], status: int = 200) -> Response:
    """Give an answer of ours."""
    return shaped({"version": 1, **body}, status)


def wrong(sentence: str, status: int) -> Response:
    """Give what is wrong, in a sentence."""
    return answer({"error": sentence}, status)


def shaped(body: object, status: int = 200) -> Response:
    """Give an answer whose shape is somebody else's."""
    return Response(orjson.dumps(body), status, media_type="application/json")
