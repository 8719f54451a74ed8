"""What a person is told who opens a profile for the first time."""

from mexc_tui.model.mode import Mode

_WORDS = {
    Mode.PRACTICE: """\
This is mexc-tui on its practice exchange: a small MEXC inside this
computer, with listings that open, simulated traders, and money that
is not real. The engine watches what is about to list and raises
signals. A arms a buy of the listing under the cursor at its opening;
by itself the engine arms only what its detectors are sure enough of,
and they need a record of outcomes first.

When you know your way, mexc-tui --mode paper trades on paper with
MEXC's own data and needs no key. Live trading comes last, with a key
that cannot withdraw: mexc-tui keys set, then mexc-tui keys check,
then mexc-tui --mode live.""",
    Mode.PAPER: """\
Paper trading: MEXC's own data, and orders that are matched here
against its book. No order leaves this computer, and no key is needed.
Nothing is armed by itself until you set that.""",
    Mode.LIVE: """\
LIVE: orders go to MEXC, and the money is real.
It begins locked: nothing is bought before you press L, or say
mexc-tui unlock, and type a phrase that names what is at stake. What
is held keeps its exits, locked or not. L, or mexc-tui lock, locks it
again. Nothing is armed by itself until you set that.""",
}
_KEYS = """

  1 to 9   the screens         ?   what is on this one, and its keys
  h        stop all buying     q   leave: the engine may go on alone

Enter goes on."""


def welcome_words(mode: Mode) -> str:
    """Return the welcome of a mode."""
    return _WORDS[mode] + _KEYS
