"""The HTTP edge: Flask, and nothing that decides."""
