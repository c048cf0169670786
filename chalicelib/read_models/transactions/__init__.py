"""transactions: what was this transaction, and which ones have this reference or were then?"""

from chalicelib.read_models.read_model import ReadModel

READ_MODEL = ReadModel(
    __name__,
    table_at="table:TransactionRow",
    projector_actions=["PartiQLInsert", "PartiQLUpdate", "PutItem"],
    sweep_index="expiring",
    progress_at="queries:progress",
)
