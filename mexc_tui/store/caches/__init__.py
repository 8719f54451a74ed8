"""What was fetched lately, with its age: for display, and to ask less. It never decides about money."""
