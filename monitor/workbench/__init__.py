"""What a rule would do, does and did: tools for whoever tunes it. They read and tell; they change and page nothing."""
