"""What screens are made of: tables, charts, header, footer, canvases."""
