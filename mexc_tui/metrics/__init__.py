"""Metrics of a running engine in Prometheus text: on a Unix socket, a loopback port and as a text file."""
