"""Proof for whoever has to show it: the chain of audit, reports, and what undoes."""
