"""balances: what is this account worth now, and which accounts are there?"""

from chalicelib.read_models.read_model import Access, ReadModel

READ_MODEL = ReadModel(
    __name__,
    table_at="table:BalanceRow",
    routes_at="lambdas:balances",
    access=Access(projector=["UpdateItem"]),
)
