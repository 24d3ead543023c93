"""Alembic migrations; run by ``scim-connector db upgrade`` and by ``serve``."""
