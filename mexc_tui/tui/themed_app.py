"""App base with the desk's themes, without animations: a scrolled page would send 167 kB (painting 2)."""

from textual import theme as textual_theme
from textual.app import App
from textual.driver import Driver

from mexc_tui.tui.themes import Theme, Themes


class ThemedApp(App[None]):
    """App with the desk's themes only."""

    def __init__(self, themes: Themes, theme: Theme, driver_class: type[Driver] | None = None) -> None:
        """Start with a theme; change it by name (`app.theme`)."""
        self._fallback = theme
        super().__init__(driver_class=driver_class)
        self.animation_level = "none"
        for name in tuple(self.available_themes):
            self.unregister_theme(name)
        for available in themes.by_name.values():
            self.register_theme(as_textual(available))
        self.theme = theme.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the style variables beyond Textual's own."""
        return {"muted": self._fallback.muted}


def as_textual(theme: Theme) -> textual_theme.Theme:
    """Convert a theme to Textual's format."""
    return textual_theme.Theme(
        name=theme.name,
        dark=theme.dark,
        background=theme.background,
        surface=theme.surface,
        panel=theme.panel,
        foreground=theme.foreground,
        primary=theme.primary,
        secondary=theme.secondary,
        accent=theme.accent,
        success=theme.success,
        warning=theme.warning,
        error=theme.error,
        variables={"muted": theme.muted},
    )
