"""Operating system: paths, private files, locks, API key, terminal detachment, standard streams, logs."""
