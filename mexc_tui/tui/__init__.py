"""The Textual app: screens, widgets, themes. Imports only desk, wording and model."""
