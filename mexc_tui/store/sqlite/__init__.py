"""SQLite implementation of the store: connections, writer and readers, backups, retention."""
