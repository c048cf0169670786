"""READ: one room per question, each with its own table, projector, queries and routes."""
