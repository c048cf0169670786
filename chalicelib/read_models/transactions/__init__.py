"""transactions: what was this transaction, and which ones have this reference or were then?"""

from chalicelib.read_models.read_model import Access, ReadModel

READ_MODEL = ReadModel(
    __name__,
    table_at="table:TransactionRow",
    routes_at="lambdas:transactions",
    access=Access(projector=["PutItem"], sweep="expiring"),
)
