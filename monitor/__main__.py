"""`python -m monitor` is `rollback-monitor`."""

from monitor.cli.main import main

if __name__ == "__main__":
    main()
