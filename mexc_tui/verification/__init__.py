"""Fault-injection runs of the whole desk in virtual time, and the invariants that they check.

Input: a seed. Output: a `RunResult` with the invariants that did not hold. May import every package but the
command line; only the command line and tests import it.
"""
