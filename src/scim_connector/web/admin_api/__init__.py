"""The Admin API: what the console does, as JSON, for scripts and other programs.

Its routes are data (``table``); what they do is done by the use cases that the pages
call, so the API has no logic of its own, and its description is made of the same data.
"""
