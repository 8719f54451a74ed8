"""Diagnosis of one profile: machine, files, database, key, service and exchange, each line with its fix."""
