"""The SCIM 2.0 protocol as pure functions: JSON values in, JSON values out.

No framework, database, clock or file is known here (RFC 7643, RFC 7644).
"""
