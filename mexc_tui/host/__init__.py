"""Operating system: paths, private files, locks, keyring, terminal detachment, standard streams, logs."""
