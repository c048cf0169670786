"""Parameters: the names, shared by template and restore, under which Lambdas learn of a restore."""

RESTORED = "Restored"
"""The template's parameter that says which restore the Lambdas were started after."""

RESTORED_VARIABLE = "TWOFOLD_RESTORED"
"""The environment variable of the write stage's Lambdas that has its value. Another value makes
Lambda start new processes, which remember nothing."""
