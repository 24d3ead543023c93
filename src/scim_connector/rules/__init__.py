"""The handbook: the local rules as values, pure and free of any framework."""
