"""Workers for detection passes and outcomes of listings."""
