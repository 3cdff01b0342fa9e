"""The rollback procedure: its steps, its gate, its commands and its checks."""
