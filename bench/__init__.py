"""Measures this server beside a bare Flask route: ``python -m bench --help``."""
