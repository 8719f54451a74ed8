"""Terminal driver: input, signals, output size, repaint pacing."""
