"""Keys and what they do: commands, confirmations, forms, export."""
