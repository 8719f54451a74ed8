"""REST endpoints: public and signed calls, routes, row readers and error codes."""
