"""A SCIM 2.0 service provider with the local user directory behind it."""

__version__ = "0.1.0"
