"""Queries and command handlers for front ends."""
