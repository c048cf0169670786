"""The description of the API: valid, complete, up to date, and true."""
