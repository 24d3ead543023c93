"""What happens beside the requests: batches written, audit sealed, counters folded."""
