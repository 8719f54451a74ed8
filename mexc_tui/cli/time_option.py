"""Times given as options."""

import click


def time_option_ms(option: str, text: str | None, now_ms: int) -> int | None:
    """Return the time given as an option, in ms; None: not given. Raises UsageError."""
    from mexc_tui.wording.times import moment_ms

    try:
        return None if text is None else moment_ms(text, now_ms)
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}.") from None
