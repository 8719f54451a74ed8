"""Every alert has a title."""

import re
from pathlib import Path

import mexc_tui
from mexc_tui.model.trading import RiskLevel
from mexc_tui.wording.alert_titles import alert_title

RULE = re.compile(r'"((?:books|engine|order|store):[a-z]+)"')


def test_every_rule_that_raises_an_alert_has_a_title() -> None:
    sources = [path.read_text() for path in (Path(mexc_tui.__file__).parent / "engine").rglob("*.py")]
    rules = {rule for source in sources for rule in RULE.findall(source)}
    rules |= {f"guard:{level.value}" for level in RiskLevel}
    assert "books:difference" in rules
    for rule in rules:
        assert ":" not in alert_title(rule).removeprefix("Risk monitor:"), rule
