"""The use cases of people: what an administrator or operator does."""
