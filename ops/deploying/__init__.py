"""Deploying: an environment's stacks brought up, changed, planned and taken down."""
