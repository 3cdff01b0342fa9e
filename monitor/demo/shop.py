"""The demo shop as a process: an HTTP endpoint for each service, a prober that calls them, a control endpoint.

`python -m monitor.demo.shop --ports-file FILE` binds free loopback ports, writes them to FILE and runs until
SIGTERM; with `--environment staging` its jobs are named so, and it runs beside another shop. `GET /` of the control
endpoint tells fault and versions, `POST /fault/NAME` breaks and heals, `POST /version/SERVICE/VERSION` deploys. This
module must not know of Prometheus or the monitor.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import prometheus_client
from aiohttp import ClientError, ClientSession, ClientTimeout, web
from prometheus_client import CollectorRegistry, generate_latest

from monitor.demo.catalogue import PROBE_JOB, PROBES, Fault, job_in
from monitor.demo.traffic import NoSuchReleaseError, Shop

TICK_SECONDS = 0.05
PROBE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the shop listens: `host:port` of each scrape job, and the control endpoint's URL."""

    pid: int
    control: str
    jobs: dict[str, str]

    @classmethod
    def read(cls, file: Path) -> "Ports | None":
        """Read what a shop wrote, or None while it has not."""
        return cls(**json.loads(file.read_text())) if file.exists() else None

    def write(self, file: Path) -> None:
        """Write it whole or not at all."""
        half = file.with_suffix(".part")
        half.write_text(json.dumps(asdict(self)))
        half.replace(file)


def _metrics(app: web.Application, registry: CollectorRegistry) -> None:
    """Serve `registry` under /metrics."""

    async def metrics(_: web.Request) -> web.Response:
        headers = {"Content-Type": prometheus_client.CONTENT_TYPE_PLAIN_0_0_4}
        return web.Response(body=generate_latest(registry), headers=headers)

    app.router.add_get("/metrics", metrics)


def service_app(shop: Shop, name: str) -> web.Application:
    """Give the HTTP application of one service: its routes and its metrics."""
    app = web.Application()
    metrics = shop.services[name]
    _metrics(app, metrics.registry)

    async def serve(request: web.Request) -> web.Response:
        drawn = shop.request(name, request.path)
        said = {"service": name, "version": metrics.version, "ok": drawn.code == "200"}
        return web.json_response(said, status=int(drawn.code))

    for route in metrics.service.routes:
        app.router.add_route("*", route.path, serve)
    return app


def probe_app(shop: Shop) -> web.Application:
    """Give the application that exports what the prober found."""
    app = web.Application()
    _metrics(app, shop.probes)
    return app


def control_app(shop: Shop) -> web.Application:
    """Give the application that breaks and heals the shop, and deploys to it."""
    app = web.Application()

    def state() -> web.Response:
        versions = {name: metrics.version for name, metrics in shop.services.items()}
        said = {"fault": shop.fault, "story": shop.effect.story, "struck": shop.struck, "versions": versions}
        return web.json_response(said)

    async def tell(_: web.Request) -> web.Response:
        return state()

    async def strike(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in set(Fault):
            return web.json_response({"error": f"no fault {name!r}; there are {', '.join(Fault)}"}, status=404)
        shop.strike(Fault(name))
        return state()

    async def deploy(request: web.Request) -> web.Response:
        service, _, version = request.match_info["what"].partition("/")
        try:
            shop.deploy(service, version)
        except NoSuchReleaseError as error:
            return web.json_response({"error": str(error)}, status=404)
        return state()

    app.router.add_get("/", tell)
    app.router.add_post("/version/{what:.*}", deploy)
    app.router.add_post("/fault/{name}", strike)
    return app


async def _listen(app: web.Application) -> tuple[web.AppRunner, str]:
    """Serve `app` on a free loopback port; give its runner and `host:port`."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    free = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, free).start()
    return runner, f"127.0.0.1:{free.getsockname()[1]}"


async def _flow(shop: Shop) -> None:
    """Let time pass in the shop as it passes outside."""
    loop = asyncio.get_running_loop()
    last = loop.time()
    while True:
        await asyncio.sleep(TICK_SECONDS)
        now = loop.time()
        shop.pass_time(now - last)
        last = now


async def _answers(session: ClientSession, url: str) -> bool:
    """Tell whether `url` answers 200 within a second."""
    try:
        async with session.get(url) as reply:
            return reply.status == web.HTTPOk.status_code
    except (ClientError, TimeoutError):
        return False


async def _probe(shop: Shop, jobs: dict[str, str]) -> None:
    """Call every probed endpoint once a second and export whether it answered."""
    async with ClientSession(timeout=ClientTimeout(total=1.0)) as session:
        while True:
            for service, endpoint in PROBES:
                success = await _answers(session, f"http://{jobs[service]}{endpoint}")
                shop.probed(service, endpoint, success=success)
            await asyncio.sleep(PROBE_SECONDS)


async def serve(shop: Shop, ports_file: Path, environment: str = "") -> None:
    """Run the shop of `environment` until SIGTERM or SIGINT; write where it listens to `ports_file`."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    apps = {name: service_app(shop, name) for name in shop.services}
    listening = {name: await _listen(app) for name, app in {**apps, PROBE_JOB: probe_app(shop)}.items()}
    runner, control = await _listen(control_app(shop))
    jobs = {name: address for name, (_, address) in listening.items()}
    tasks = [asyncio.create_task(_flow(shop)), asyncio.create_task(_probe(shop, jobs))]
    named = {job_in(environment, name): address for name, address in jobs.items()}
    Ports(os.getpid(), f"http://{control}", named).write(ports_file)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({*tasks, stopped}, return_when=asyncio.FIRST_COMPLETED)
    ended = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*(one.cleanup() for one in [runner, *(runner for runner, _ in listening.values())]))
    for task in ended:
        task.result()  # a task that ended by itself ended by an error: show it


def main() -> None:
    """Run the shop as a process."""
    parser = argparse.ArgumentParser(prog="python -m monitor.demo.shop", description="The demo shop.")
    parser.add_argument("--ports-file", type=Path, required=True, help="where to write the ports, as JSON")
    parser.add_argument("--break", dest="fault", type=Fault, choices=list(Fault), default=Fault.NONE)
    parser.add_argument("--environment", default="", help="the first word of its jobs, as in staging-auth")
    parser.add_argument("--seed", type=int, default=None, help="make the traffic repeatable")
    options = parser.parse_args()
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations
    shop = Shop(Random(options.seed))  # noqa: S311  # traffic, not secrets
    shop.strike(options.fault)
    asyncio.run(serve(shop, options.ports_file, options.environment))


if __name__ == "__main__":
    main()
