"""The PromQL of rules: what is asked of a metrics source, and nothing of asking it."""
