"""Measurements, never timed tests: `python -m benchmarks` prints one table."""
