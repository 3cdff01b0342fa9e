"""What the engine asks of the world. Protocols and frozen results only: the adapters implement them."""
