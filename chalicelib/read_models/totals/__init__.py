"""totals: do debits equal credits, per asset?"""

from chalicelib.read_models.read_model import Access, ReadModel

READ_MODEL = ReadModel(
    __name__,
    table_at="table:TotalRow",
    access=Access(projector=["BatchGetItem", "PutItem", "UpdateItem"]),
)
