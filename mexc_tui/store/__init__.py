"""What must outlive the process: tables, migrations, units of work, the journal, caches."""
