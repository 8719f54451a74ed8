"""An app in one of our themes, without animations: a scrolled page would send 167 kB (painting 2)."""

from textual import theme as textual_theme
from textual.app import App
from textual.driver import Driver

from mexc_tui.tui.themes import Theme, Themes


class ThemedApp(App[None]):
    """An app that knows our themes and no others."""

    def __init__(self, themes: Themes, theme: Theme, driver_class: type[Driver] | None = None) -> None:
        """Begin in one theme; another is put on by its name (`app.theme`)."""
        self._fallback = theme
        super().__init__(driver_class=driver_class)
        self.animation_level = "none"
        for name in tuple(self.available_themes):
            self.unregister_theme(name)
        for one in themes.by_name.values():
            self.register_theme(as_textual(one))
        self.theme = theme.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return what our style sheets ask for beyond Textual's own variables."""
        return {"muted": self._fallback.muted}


def as_textual(theme: Theme) -> textual_theme.Theme:
    """Return one of our themes in Textual's words."""
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
