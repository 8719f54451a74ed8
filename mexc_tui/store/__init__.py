"""Persistent storage: tables, migrations, units of work, journal and caches."""
