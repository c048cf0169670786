"""Tuning: what a stage has besides what `chalice deploy` makes, applied by AWS's APIs.

`ops/template.py` describes it for both ways of deploying; this package resolves the references in
the template and applies it.
"""
