"""Who may come in: programs by their secrets and assertions."""
