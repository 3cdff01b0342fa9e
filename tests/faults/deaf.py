"""The daemon with shorter times for Socket Mode: `python -m tests.faults.deaf run`. An entry point of the tests only.

It shortens how often is pinged and how long is waited, never what is done.
"""

from monitor.adapters.slack.socket import SlackSocket
from monitor.cli.main import main

SHORTER = {"ping_every": 1.0, "deaf_after": 6.0}

if __name__ == "__main__":
    defaults = SlackSocket.__init__.__kwdefaults__
    assert defaults is not None
    assert SHORTER.keys() <= defaults.keys()
    defaults.update(SHORTER)
    main()
