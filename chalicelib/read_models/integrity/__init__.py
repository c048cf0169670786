"""integrity: is this ledger whole, as of the last audit?"""

from chalicelib.read_models.read_model import Access, ReadModel

READ_MODEL = ReadModel(
    __name__,
    table_at="table:IntegrityRow",
    projection_at=None,  # Audits write it.
    routes_at="lambdas:integrity",
    access=Access(),
)
