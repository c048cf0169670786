"""statements: what happened on this account, and what was its balance at a time?"""

from chalicelib.read_models.read_model import ReadModel

READ_MODEL = ReadModel(
    __name__, table_at="table:StatementRow", projector_actions=["BatchWriteItem", "PutItem"]
)
