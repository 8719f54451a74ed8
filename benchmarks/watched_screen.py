"""A screen with a watched loop: `python -m benchmarks.watched_screen FILE PAINTS_PER_S attach ...`.

It is `mexc-tui attach` with another paint rate. Every half second it appends a line to FILE: monotonic time,
longest gap of its loop since the last line, and number of paints.
"""

import asyncio
import sys
import time
from pathlib import Path

from mexc_tui.cli.main import main
from mexc_tui.tui import app

LOOK_S, SAY_S = 0.005, 0.5


async def _watch(file: Path, desk: app.DeskApp) -> None:
    worst_s, said_s, last_s = 0.0, time.monotonic(), time.monotonic()
    with file.open("a", buffering=1) as out:
        while True:
            await asyncio.sleep(LOOK_S)
            now_s = time.monotonic()
            worst_s, last_s = max(worst_s, now_s - last_s - LOOK_S), now_s
            if now_s - said_s >= SAY_S:
                painted = 0 if desk._scheduler is None else desk._scheduler.painted  # pyright: ignore[reportPrivateUsage]
                out.write(f"{now_s:.3f} {worst_s * 1_000:.1f} {painted}\n")
                worst_s, said_s = 0.0, now_s


def run() -> None:
    """Run the screen and watch its loop."""
    file, app.USUAL_PER_S = Path(sys.argv[1]), float(sys.argv[2])
    if app.USUAL_PER_S > 4:
        app.MAX_WIRE_PER_S = 100_000_000.0
    mount = app.DeskApp.on_mount

    def mount_watched(self: app.DeskApp) -> None:
        mount(self)
        self.run_worker(_watch(file, self))

    app.DeskApp.on_mount = mount_watched
    sys.argv[1:] = sys.argv[3:]
    main()


if __name__ == "__main__":
    run()
