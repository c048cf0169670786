"""WRITE: a command is loaded for, decided, appended and answered."""
