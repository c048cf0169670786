"""What both APIs share: bodies, problems, pagination. Only `door.py` knows Chalice."""
