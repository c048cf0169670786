"""totals: do debits equal credits, per asset?"""

from chalicelib.read_models.read_model import ReadModel

READ_MODEL = ReadModel(
    __name__,
    table_at="table:TotalRow",
    projector_actions=["BatchGetItem", "PutItem", "UpdateItem"],
    progress_at="queries:progress",
)
