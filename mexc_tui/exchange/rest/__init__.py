"""REST: signed and public calls, their routes, rows and errors."""
