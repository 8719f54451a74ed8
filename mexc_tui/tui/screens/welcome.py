"""Welcome text of each mode, shown when a profile is opened for the first time."""

from mexc_tui.model.mode import Mode

_WORDS = {
    Mode.PRACTICE: """\
Practice mode: a simulated MEXC on this computer, with listings,
traders and play money. The engine tracks upcoming listings and raises
signals. A arms a buy of the selected listing at its opening. The
engine arms automatically only above a minimum probability, once its
detectors have a record of outcomes.

Next: mexc-tui --mode paper trades on paper with MEXC's market data
and needs no key. Live trading needs a key without withdrawal
permission: mexc-tui keys set, then mexc-tui keys check, then
mexc-tui --mode live.""",
    Mode.PAPER: """\
Paper mode: MEXC's market data; orders are matched locally against its
order book. No order leaves this computer, and no key is needed.
Automatic arming is off by default.""",
    Mode.LIVE: """\
LIVE: orders go to MEXC with real money.
Live trading starts locked: no entries until you press L, or run
mexc-tui unlock, and type a phrase that states the amounts at risk.
Positions keep their exits, locked or not. L or mexc-tui lock locks
again. Automatic arming is off by default.""",
}
_KEYS = """

  1 to 9   screens             ?   help and keys of this screen
  h        halt entries        q   leave: detach or stop the engine

Enter to continue."""


def welcome_text(mode: Mode) -> str:
    """Return the welcome text of a mode."""
    return _WORDS[mode] + _KEYS
