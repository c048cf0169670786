"""The command `chaos`: random commands written and projected among seeded faults, then verified."""
