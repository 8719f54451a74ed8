"""Pages of the app: help, activity log, command palette, welcome and leaving; how the app ends."""

from datetime import UTC, tzinfo

from textual.driver import Driver

from mexc_tui.model.mode import Mode
from mexc_tui.tui.action_mixin import ActionMixin, AppEnvironment
from mexc_tui.tui.screens.board_screen import BoardScreen
from mexc_tui.tui.screens.pages import ActivityScreen, Commands, HelpScreen
from mexc_tui.tui.screens.quit import Ending, LeavePage, WelcomePage, leave_text, opens_soon
from mexc_tui.tui.screens.registry import NAMES
from mexc_tui.tui.screens.welcome import welcome_text
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.themes import Theme, Themes


class PageMixin(ActionMixin):
    """App base with pages over the current screen."""

    def __init__(
        self,
        source: DeskSource,
        themes: Themes,
        theme: Theme,
        *,
        zone: tzinfo,
        welcome: str,
        environment: AppEnvironment,
        driver_class: type[Driver] | None,
    ) -> None:
        """Connect the pages to a source; times are in `zone` and UTC."""
        super().__init__(source, themes, theme, environment=environment, driver_class=driver_class)
        self._zones = zone, UTC
        self._welcome = welcome
        self._is_stopping = False
        self._early_end: Ending | None = None
        self.ending = Ending.LEFT
        """How the app ended."""

    async def action_go(self, name: str) -> None:
        """Switch to a screen."""
        raise NotImplementedError

    def action_help(self) -> None:
        """Show the help of the current screen."""
        if isinstance(self.screen, BoardScreen):
            self.push_screen(HelpScreen(self.screen.board, may_operate=self._source.may_operate))
            self.call_after_refresh(self._update_headers)

    def action_activity(self) -> None:
        """Show the activity log."""
        if isinstance(self.screen, BoardScreen):
            self.push_screen(ActivityScreen(self._activity, self._zones[0]))
            self.call_after_refresh(self._update_headers)

    def action_welcome(self) -> None:
        """Show the welcome page; the key that closes it also runs its action."""
        status = self._source.status_row
        text = self._welcome if status is None else welcome_text(Mode(status.mode))
        if isinstance(self.screen, BoardScreen):
            self.push_screen(WelcomePage("Welcome", text), self._welcomed)
            self.call_after_refresh(self._update_headers)

    async def _welcomed(self, answer: str | None) -> None:
        if answer in NAMES:
            await self.action_go(answer)
        elif answer == "help":
            self.action_help()
        elif answer == "leave":
            self.action_leave()

    def _close_welcome_before_opening(self) -> None:
        """Close the welcome page before an opening."""
        page = self.screen
        if isinstance(page, WelcomePage) and opens_soon(self._source):
            page.dismiss("")
            self.show_message("Welcome closed before an opening. Reopen: ^p Welcome.")

    def action_leave(self) -> None:
        """Leave: detach or stop the engine. Read-only mode detaches without asking."""
        if not self._source.may_operate:
            self.end(Ending.LEFT)
        elif isinstance(self.screen, BoardScreen):
            self.push_screen(LeavePage("Leave", leave_text(self._source)), self._left)
            self.call_after_refresh(self._update_headers)

    def _left(self, answer: str | None) -> None:
        if answer == "detach":
            self.end(Ending.LEFT)
        elif answer == "stop":
            self._is_stopping = True
            self.action_command("stop_engine")

    def end(self, ending: Ending) -> None:
        """Close the app; the first reason counts."""
        if not self.is_running:
            self._early_end = self._early_end or ending
        elif not self._exit:
            self.ending = ending
            self.exit()

    def action_command_palette(self) -> None:
        """Open the command palette."""
        if not isinstance(self.screen, Commands):
            self.push_screen(Commands(placeholder="Search commands"))
            self.call_after_refresh(self._update_headers)
