"""Commands: their options, and what they print. The only package that imports click."""
