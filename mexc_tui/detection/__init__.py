"""Pure detectors, one module each: listings in, findings out; outcomes turn them into probabilities."""
