"""Tuning: what a stage has besides what `chalice deploy` makes, applied by AWS's APIs.

Everything that is wanted is said in `ops/template.py` alone, for both ways of deploying; this
package resolves what the template refers to and makes it so.
"""
