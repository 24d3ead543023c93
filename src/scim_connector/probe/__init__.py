"""Plays an identity provider against any SCIM server, and says what would go wrong.

Nothing of our own server is known here: a server is judged by what the provider needs.
"""
