"""Texts and formats shared by every front end."""
