"""Entries: arming, readiness, and firing at the opening."""
