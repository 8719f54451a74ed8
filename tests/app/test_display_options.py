from mexc_tui.app.run_screen import ScreenOptions, with_display


def test_the_configured_theme_and_economy_mode_apply_without_flags() -> None:
    assert with_display(ScreenOptions(), "amber", is_economy=True) == ScreenOptions("amber", is_economy=True)


def test_flags_of_the_command_line_have_priority() -> None:
    options = ScreenOptions("light", is_economy=True)
    assert with_display(options, "amber", is_economy=False) == options
