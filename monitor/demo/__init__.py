"""The demo: a shop that can be broken, a real Prometheus with history, and the monitor; all on loopback."""
