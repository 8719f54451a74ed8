"""Day report: detections, signals, trades and outcomes. Pure."""
