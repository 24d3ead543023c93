"""Secrets: opaque tokens and the keys they are hashed with; no database, no web."""
