"""The ledger's aggregates as streams of the event store: where `domain` and `events` meet."""
