"""Detection passes over what is known, and the outcomes of listings."""
