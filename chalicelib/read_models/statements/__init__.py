"""statements: what happened on this account, and what was its balance at a time?"""

from chalicelib.read_models.read_model import Access, ReadModel

READ_MODEL = ReadModel(
    __name__,
    table_at="table:StatementRow",
    routes_at="lambdas:statements",
    access=Access(projector=["BatchWriteItem", "PutItem"]),
)
