"""Help pages of the commands."""

import click

from mexc_tui.cli.main import main


def test_no_summary_is_cut_in_80_columns() -> None:
    context = click.Context(main, info_name="mexc-tui", terminal_width=80, max_content_width=80)
    assert "..." not in main.get_help(context).partition("Commands:")[2]
