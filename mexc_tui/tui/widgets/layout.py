"""Where the parts of a board stand, and from which size of the terminal on."""

TALL = 32
"""From so many lines on panes have a frame all round."""
MEDIUM = 110
"""From so many columns on panes that are below stand side by side."""
DETAILS_BESIDE = 160
"""From so many columns on details stand beside everything else; below that in the place of something."""
WITH_SCREENS = 60
"""From so many columns on the footer has the numbers of the screens."""
LEAST_WIDTH, LEAST_HEIGHT = 50, 10
"""On less no table says anything: only the lines on top are shown, and that it is too small."""
HEAD = 3
"""Lines of the header: state, money, and what is new."""

BELOW = (0, 10)
"""Where something that lies over the panes is kept while it is not seen: showing it lays out nothing anew."""

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
