"""`python -m mexc_tui` is `mexc-tui`."""

from mexc_tui.cli import main

if __name__ == "__main__":
    main()
