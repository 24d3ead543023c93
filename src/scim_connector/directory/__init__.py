"""The store: SQLAlchemy Core statements, run on the driver's cursor, and nothing else."""
