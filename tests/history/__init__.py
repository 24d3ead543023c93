"""The promise of decision 26, proved by the history of what clients saw."""
