"""The detectors: one module each."""
