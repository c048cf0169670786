"""What both APIs share: bodies, problems, pagination. Only `door.py` and `auth.py` know Chalice."""
