"""READ: one read model per question, each with its own table, projector, queries and routes."""
