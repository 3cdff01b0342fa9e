"""A stand-in for the monitor in tests of the demo: says where it listens, and pages when the shop's logins fail.

`python stand_in.py SCENARIO run --rules DIR --listen ADDR`; SCENARIO is `pages`, `silent` or `dies`.
"""

import json
import os
import signal
import sys
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType

FAILING = 'sum(rate(http_requests_total{job="auth",route="/login",code="500"}[5s])) > 1'
INCIDENT = {"id": "INC-0001", "tier": "rollback", "state": "open", "headline": "login failing"}


class Api(BaseHTTPRequestHandler):
    """Answers with the incidents."""

    def do_GET(self) -> None:
        body = json.dumps({"version": 1, "incidents": [INCIDENT] if self.server.failing() else []}).encode()  # type: ignore[attr-defined]  # Server has it
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the log quiet."""


class Server(ThreadingHTTPServer):
    """Asks Prometheus whether logins fail."""

    scenario = ""

    def failing(self) -> bool:
        if self.scenario != "pages":
            return False
        form = urllib.parse.urlencode({"query": FAILING}).encode()
        url = f"{os.environ['MONITOR_PROMETHEUS__URL']}/api/v1/query"
        with urllib.request.urlopen(url, form, timeout=2) as reply:
            return bool(json.load(reply)["data"]["result"])


def main() -> None:
    scenario = sys.argv[1]
    if scenario == "dies":
        sys.stderr.write("settings: the stand-in was told to die\n")
        raise SystemExit(78)
    server = Server(("127.0.0.1", 0), Api)
    server.scenario = scenario
    lock = Path(os.environ["MONITOR_DATABASE_URL"].removeprefix("sqlite:///") + ".lock")
    lock.write_text(json.dumps({"pid": os.getpid(), "url": f"http://127.0.0.1:{server.server_address[1]}"}))
    print("the stand-in listens")

    def stop(_: int, __: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
