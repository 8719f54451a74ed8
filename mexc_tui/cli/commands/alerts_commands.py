"""Commands of alerts and of the channels to which they are sent."""

import sys
from typing import TYPE_CHECKING

import click

from mexc_tui.cli.command_runner import NOT_DONE, WRONG_USAGE, command_runner, fail, output_flags
from mexc_tui.model.notification import ChannelName, SecretName

if TYPE_CHECKING:
    from mexc_tui.app.notify_composition import SendOf
    from mexc_tui.cli.profile_access import ProfileAccess

channel_argument = click.argument("channel", type=click.Choice([name.value for name in ChannelName]))
secret_argument = click.argument("name", type=click.Choice([name.value for name in SecretName]))
profiled = click.option("--profile", help="Profile of the engine; default: the name of the mode.")
NO_TERMINAL = "There is no terminal to type a secret. From a pipe: --stdin and one line."
PROMPTS = {
    SecretName.NTFY: "Topic, or topic, space and access token",
    SecretName.TELEGRAM: "Token of the bot, space, number of the chat",
    SecretName.DISCORD: "Address of the webhook",
    SecretName.SLACK: "Address of the webhook",
    SecretName.WEBHOOK: "Key of the signature",
    SecretName.EMAIL: "User name, space, password",
    SecretName.DEAD_MAN: "Address that is pinged",
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
@secret_argument
@click.option("--stdin", "from_pipe", is_flag=True, help="Read the secret as a line of standard input.")
@profiled
def store_secret(name: str, from_pipe: bool, profile: str | None) -> None:
    """Store the secret of a channel, replacing the previous one; input is hidden.

    It goes into the keyring, or without one into a file encrypted with the passphrase of the profile, which
    is typed, or the second line of standard input.
    """
    from mexc_tui.host.keys.channel_secrets import ChannelSecrets
    from mexc_tui.host.keys.record import CredentialsError

    with command_runner(profile, False) as runner:
        owner = runner.profile.paths.profile
        secret = _typed(SecretName(name), from_pipe)
        passphrase = sys.stdin.readline(2_000).strip("\r\n") if from_pipe else ""
        try:
            kind = ChannelSecrets(owner, passphrase=passphrase).write(SecretName(name), secret)
        except CredentialsError as error:
            fail(str(error), NOT_DONE)
    click.echo(f"Stored for profile {owner} in the {kind}.{_next_step(name, owner)}")


def _next_step(name: str, profile: str) -> str:
    if name == SecretName.DEAD_MAN:
        return f" Next step: mexc-tui settings dead_man_s 60 --profile {profile}"
    return f" Next step: mexc-tui alerts test {name} --profile {profile}"


@alerts.command("test")
@channel_argument
@profiled
def send_test(channel: str, profile: str | None) -> None:
    """Send a test notification to a channel now, without the outbox. Exit code: 0 accepted, 1 not."""
    import asyncio

    from mexc_tui.notify.http import DeliveryFailed

    with command_runner(profile, False) as runner:
        send_of = _send_of(runner.profile, ChannelName(channel))
        try:
            asyncio.run(_send(send_of, runner.now_ms()))
        except DeliveryFailed as error:
            fail(f"Channel {channel}: {error} Check its address and its secret.", NOT_DONE)
    click.echo(f"Channel {channel} accepted a test notification.")


def _send_of(access: "ProfileAccess", channel: ChannelName) -> "SendOf":
    from mexc_tui.app.notify_composition import channel_send
    from mexc_tui.host.keys.channel_secrets import ChannelSecrets
    from mexc_tui.host.keys.record import CredentialsError
    from mexc_tui.notify.messages import ChannelRefused

    def secret_of(profile: str, name: SecretName) -> str:
        return ChannelSecrets(profile).read(name)

    settings = access.loaded.settings
    try:
        return channel_send(settings, channel, access.paths.profile, secret_of=secret_of)
    except (CredentialsError, ChannelRefused) as error:
        fail(str(error), NOT_DONE)


async def _send(send_of: "SendOf", now_ms: int) -> None:
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
        await send_of(sender)(one)


def _typed(name: SecretName, from_pipe: bool) -> str:
    if from_pipe:
        return sys.stdin.readline(2_000).strip()
    if not sys.stdin.isatty():
        fail(NO_TERMINAL, WRONG_USAGE)
    return str(click.prompt(f"{PROMPTS[name]} (not shown)", hide_input=True, err=True)).strip()
