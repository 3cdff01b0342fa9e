"""The functional core: frozen values and pure functions of the standard library; no I/O, no clock, no logging."""
