"""Composition root: joins the components of each run mode and maps settings to their parameters."""
