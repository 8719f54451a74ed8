"""Widgets of the screens: tables, charts, header, footer, canvases."""
