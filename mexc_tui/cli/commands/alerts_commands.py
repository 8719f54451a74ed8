"""Commands of alerts and of the channels to which they are sent."""

import sys
from typing import TYPE_CHECKING

import click

from mexc_tui.cli.command_runner import NOT_DONE, WRONG_USAGE, command_runner, fail, output_flags
from mexc_tui.model.notification import ChannelName

if TYPE_CHECKING:
    from mexc_tui.cli.profile_access import ProfileAccess
    from mexc_tui.notify.messages import Builder

channel_argument = click.argument("channel", type=click.Choice([name.value for name in ChannelName]))
profiled = click.option("--profile", help="Profile of the engine; default: the name of the mode.")
NO_TERMINAL = "There is no terminal to type a secret. From a pipe: --stdin and one line."
PROMPTS = {
    ChannelName.NTFY: "Topic, or topic, space and access token",
    ChannelName.TELEGRAM: "Token of the bot, space, number of the chat",
    ChannelName.DISCORD: "Address of the webhook",
    ChannelName.SLACK: "Address of the webhook",
    ChannelName.WEBHOOK: "Key of the signature",
}


@click.group(invoke_without_command=True)
@click.option("--all", "closed", is_flag=True, help="Include closed alerts.")
@click.option("--last", type=click.IntRange(1, 1_000), default=100, show_default=True, help="Number of rows.")
@output_flags
@click.pass_context
def alerts(context: click.Context, closed: bool, last: int, profile: str | None, as_json: bool) -> None:
    """Show open alerts with count and time. The newest is last; in JSON, first."""
    from mexc_tui.cli.pages.engine_pages import alerts_page

    if context.invoked_subcommand is not None:
        return
    with command_runner(profile, as_json) as runner:
        runner.show_all(runner.data.alerts(last, closed=closed), alerts_page)


@alerts.command("secret")
@channel_argument
@click.option("--stdin", "from_pipe", is_flag=True, help="Read the secret from standard input.")
@profiled
def store_secret(channel: str, from_pipe: bool, profile: str | None) -> None:
    """Store the secret of a channel in the keyring. It replaces the previous one; input is hidden."""
    from mexc_tui.host.keys.channel_secrets import ChannelSecrets
    from mexc_tui.host.keys.record import CredentialsError

    with command_runner(profile, False) as runner:
        name = runner.profile.paths.profile
        try:
            ChannelSecrets(name).write(ChannelName(channel), _typed(ChannelName(channel), from_pipe))
        except CredentialsError as error:
            fail(str(error), NOT_DONE)
    click.echo(f"Stored for profile {name}. Next step: mexc-tui alerts test {channel} --profile {name}")


@alerts.command("test")
@channel_argument
@profiled
def send_test(channel: str, profile: str | None) -> None:
    """Send a test notification to a channel now, without the outbox. Exit code: 0 accepted, 1 not."""
    import asyncio

    from mexc_tui.notify.http import DeliveryFailed

    with command_runner(profile, False) as runner:
        build = _builder(runner.profile, ChannelName(channel))
        try:
            asyncio.run(_send(build, runner.now_ms()))
        except DeliveryFailed as error:
            fail(f"Channel {channel}: {error} Check its address and its secret.", NOT_DONE)
    click.echo(f"Channel {channel} accepted a test notification.")


def _builder(access: "ProfileAccess", channel: ChannelName) -> "Builder":
    from mexc_tui.app.notify_composition import channel_builder
    from mexc_tui.host.keys.channel_secrets import stored_secret
    from mexc_tui.host.keys.record import CredentialsError
    from mexc_tui.notify.messages import ChannelRefused

    settings = access.loaded.settings
    try:
        return channel_builder(settings, channel, access.paths.profile, secret_of=stored_secret)
    except (CredentialsError, ChannelRefused) as error:
        fail(str(error), NOT_DONE)


async def _send(build: "Builder", now_ms: int) -> None:
    from mexc_tui.model.notification import Notification
    from mexc_tui.model.severity import Severity
    from mexc_tui.notify.http import HttpSender

    one = Notification(
        key=f"test:{now_ms}",
        rule="test",
        about="mexc-tui",
        severity=Severity.INFO,
        title="Test",
        text="This channel receives the notifications of mexc-tui.",
        at_ms=now_ms,
    )
    async with HttpSender() as sender:
        await sender.send(build(one))


def _typed(channel: ChannelName, from_pipe: bool) -> str:
    if from_pipe:
        return sys.stdin.readline(2_000).strip()
    if not sys.stdin.isatty():
        fail(NO_TERMINAL, WRONG_USAGE)
    return str(click.prompt(f"{PROMPTS[channel]} (not shown)", hide_input=True, err=True)).strip()
