"""`python -m mexc_tui` is `mexc-tui`."""

import signal

from mexc_tui.cli import loading_screen


def main() -> None:
    """Run the command line. Ctrl-C while it is being loaded ends it without a traceback."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, loading_screen.end)
    from mexc_tui.cli.main import main as run

    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    main()
