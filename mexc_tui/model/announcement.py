"""Announcements of the exchange (protocol 4.1)."""

from mexc_tui.model.answer import EndpointResponse, LongText, Ms


class Announcement(EndpointResponse, frozen=True):
    """One headline; new listings are announced here, too."""

    title: LongText
    url: LongText = ""
    language: str | None = None
    post_time: Ms | None = None


class AnnouncementGroup(EndpointResponse, frozen=True):
    """Nesting of headlines in GET announcements."""

    details: tuple[Announcement, ...] = ()
    total_page: str | int | None = None
