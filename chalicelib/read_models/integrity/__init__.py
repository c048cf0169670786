"""integrity: is this ledger whole, as of the last audit?"""

from chalicelib.read_models.read_model import ReadModel

READ_MODEL = ReadModel(
    __name__, table_at="table:IntegrityRow", projection_at=None, audit_at="queries:last_audit"
)
"""Written by audits."""
