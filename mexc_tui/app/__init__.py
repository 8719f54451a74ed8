"""Composition root: builds the components of each run mode and maps settings to their parameters."""
