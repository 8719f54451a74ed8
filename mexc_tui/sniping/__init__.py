"""Pure: what is bought and when, what each answer means, and how a position is left."""
