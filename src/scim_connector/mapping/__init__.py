"""From what a provider sends to a valid local user: the mapping language, pure."""
