"""Where rules are tried on history before they wake anybody."""
