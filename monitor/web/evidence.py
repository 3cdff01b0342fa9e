"""The evidence of an incident over HTTP: `GET /api/v1/incidents/ID/evidence`, a ZIP archive. It asks for no token."""

from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.evidence.bundles import archive
from monitor.web.answers import wrong


def evidence_routes(bundle: Callable[[str], Mapping[str, bytes] | None] | None) -> list[Route]:
    """Give the route, or none where nobody makes bundles; `bundle` gives the files of an incident, or None."""
    if bundle is None:
        return []

    async def evidence(request: Request) -> Response:
        name = request.path_params["id"]
        packed = await run_in_threadpool(_packed, bundle, name)
        if packed is None:
            return wrong(f"There is no incident {name}.", 404)
        headers = {"Content-Disposition": f'attachment; filename="{name}-evidence.zip"'}
        return Response(packed, headers=headers, media_type="application/zip")

    return [Route("/api/v1/incidents/{id}/evidence", evidence)]


def _packed(bundle: Callable[[str], Mapping[str, bytes] | None], name: str) -> bytes | None:
    files = bundle(name)
    return archive(files) if files is not None else None
