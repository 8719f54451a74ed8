"""The terminal itself: input, signals, output size, repaint pacing."""
