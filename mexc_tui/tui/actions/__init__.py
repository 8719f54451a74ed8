"""Actions of keys: commands, confirmations, export."""
