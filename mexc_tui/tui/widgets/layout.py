"""Layout of a screen by terminal size."""

TALL = 32
"""Lines from which panes have a full frame."""
MEDIUM = 110
"""Columns from which the lower panes are side by side."""
DETAILS_BESIDE = 160
"""Columns from which details are beside the panes; below that they replace one."""
WITH_SCREENS = 60
"""Columns from which the footer shows the screen numbers."""
MIN_WIDTH, MIN_HEIGHT = 50, 10
"""Minimum size; below it only the header and a hint are shown."""
HEAD = 3
"""Header lines: state, equity, news."""

BELOW = (0, 10)
"""Off-screen offset of overlays while hidden, so that showing them needs no layout."""

STYLE = """
BoardScreen { background: $background; layout: vertical; layers: default above; }
BoardScreen #body { layout: vertical; height: 1fr; }
BoardScreen.-medium #main, BoardScreen.-medium #beside { height: 1fr; }
BoardScreen.-medium #beside { layout: horizontal; }
BoardScreen.-medium #beside .pane { height: 1fr; width: 1fr; }
BoardScreen.-wide #body { layout: horizontal; }
BoardScreen #main { width: 1fr; height: 2fr; }
BoardScreen #beside { width: 1fr; height: 1fr; }
BoardScreen.-wide #main { width: 3fr; height: 1fr; }
BoardScreen.-wide #beside { width: 2fr; }
BoardScreen.-wide.-halves #main, BoardScreen.-wide.-halves #beside { width: 1fr; }
BoardScreen #details { display: none; width: 1fr; height: 2fr; }
BoardScreen.-details #main { height: 1fr; }
BoardScreen.-wide #details { width: 2fr; height: 1fr; }
BoardScreen #hint { display: none; }
BoardScreen #confirm { layer: above; dock: bottom; margin-bottom: 1; offset: 0 10; }
BoardScreen.-flash #header > .bar--plain { color: $background; background: $error; }
BoardScreen .pane { scrollbar-background: $surface; scrollbar-color: $muted; }
BoardScreen .pane { border: round $muted; border-title-color: $muted; border-subtitle-color: $warning; }
BoardScreen .pane:focus { border: round $primary; border-title-color: $primary; }
BoardScreen.-short .pane { border: none; border-top: solid $muted; }
BoardScreen.-short .pane:focus { border: none; border-top: solid $primary; }
BoardScreen Input { display: none; height: 1; border: none; padding: 0 1; }
BoardScreen Input.-shown { display: block; }
"""
