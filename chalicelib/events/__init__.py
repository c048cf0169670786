"""RECORD and STREAM: the event store, and the projection of its stream into read models."""
