"""The Textual app: screens, widgets, themes. Knows desk and model, nothing deeper."""
