"""balances: what is this account worth now, and which accounts are there?"""

from chalicelib.read_models.read_model import ReadModel

READ_MODEL = ReadModel(
    __name__,
    table_at="table:BalanceRow",
    projector_actions=["PartiQLInsert", "PartiQLUpdate", "UpdateItem"],
)
