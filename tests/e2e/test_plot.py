"""The plot in the thread, on real parts: the daemon, a Prometheus that scrapes a shop, a strict Slack."""

import io
import time
from pathlib import Path

from PIL import Image

from monitor.core.pages.plot import MOST_BYTES
from tests.e2e.running import Monitor, Shop, eventually, rules_with
from tests.e2e.test_main_job import FAST
from tests.servers.prometheus import Prometheus
from tests.servers.slack import SlackServer


def test_the_thread_of_a_page_has_the_plot(tmp_path: Path) -> None:
    with (
        Shop() as shop,
        Prometheus(scrape={"auth": [shop.exporter.target]}, interval=1.0) as prometheus,
        SlackServer() as slack,
    ):
        eventually(lambda: prometheus.query("http_requests_total", time.time()), 20, "Prometheus has scraped the shop")
        with Monitor(tmp_path, rules_with(tmp_path, FAST), prometheus.url, slack) as monitor:
            shop.failing["login"] = 0.9
            page = slack.wait_for_message(slack.channel, within=30)
            (file,) = eventually(lambda: slack.shared(page), 30, "the plot is in the thread")
            assert file.content is not None
            assert len(file.content) <= MOST_BYTES
            with Image.open(io.BytesIO(file.content)) as image:
                assert image.size in {(1200, 675), (800, 450)}
            assert file.title.startswith("login: ")
            assert "Limits: roll back over 20 %" in file.alt
            assert "Firing " in file.alt
            (delivered,) = eventually(lambda: monitor.told("plot.delivered"), 5, "it is told")
            assert delivered["post"].endswith("/plot/0")
            assert monitor.metric("rollback_monitor_plots_total") == 1
            assert len(slack.messages()) == 1, "it is told to the thread, not to the channel"
            (tmp_path / "plot.png").write_bytes(file.content)  # for eyes
