"""In place of the package of this name, for processes of Chalice that tests start.

Chalice imports that for `chalice new-project` alone, and it is half of all that Chalice imports.
`tests/local/test_from_nothing.py` starts Chalice with the real one.
"""
