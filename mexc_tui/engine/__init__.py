"""Background workers of one engine, one package per subject. Decisions are made in the pure packages."""
