"""totals: do debits equal credits, per asset?"""

from chalicelib.read_models.read_model import Access, ReadModel

READ_MODEL = ReadModel(
    __name__,
    table_at="table:TotalRow",
    routes_at="lambdas:totals",
    access=Access(projector=["BatchGetItem", "PutItem", "UpdateItem"]),
)
