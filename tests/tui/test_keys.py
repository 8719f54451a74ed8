from collections import Counter

from rich.cells import cell_len

from mexc_tui.tui.keys import (
    BETWEEN,
    BY_ID,
    KEYS,
    Scope,
    allowed,
    bindings,
    footer,
    help_text,
    palette,
)


def test_every_action_has_a_unique_id_and_a_text() -> None:
    assert max(Counter(key.id for key in KEYS).values()) == 1
    assert all(key.name and key.help for key in KEYS)


def test_no_key_has_two_actions_in_one_scope() -> None:
    for scope in (Scope.TABLE, Scope.FILTER):
        keys = [one for key in KEYS if key.scope in (scope, Scope.EVERYWHERE) for one in key.each]
        assert max(Counter(keys).values()) == 1, scope


def test_keys_used_by_terminals_are_not_bound() -> None:
    taken = {"ctrl+a", "ctrl+b", "ctrl+s", "ctrl+z"}
    for key in KEYS:
        for one in key.each:
            assert one not in taken
            assert not one.startswith("alt+")


def test_an_operator_action_is_never_a_lower_case_letter() -> None:
    for key in KEYS:
        if key.needs_operator:
            assert all(len(one) > 1 or not one.islower() for one in key.each)


def test_the_footer_fits_and_ends_at_a_whole_word() -> None:
    for width in range(10, 200, 7):
        assert cell_len(BETWEEN.join(_words(width))) <= width
    assert {"h Halt", "? Help", "q Leave"} <= set(_words(60))
    assert _words(20) == ["h Halt", "? Help"]


def _words(width: int) -> list[str]:
    return [spot.text for spot in footer(width, may_operate=True)]


def test_palette_and_help_describe_the_keys() -> None:
    names = [name for name, _, _ in palette(may_operate=True)]
    assert "Listings (2)" in names
    text = help_text(may_operate=True)
    assert all(key.help in text for key in KEYS if key.keys)


def test_a_read_only_screen_has_no_operator_keys() -> None:
    assert not any(key.needs_operator for key in allowed(may_operate=False))


def test_bindings_equal_the_table_of_keys() -> None:
    bound = {one.id: one.action for scope in Scope for one in bindings(scope)}
    assert bound == {key.id: key.action for key in KEYS if key.keys}


def test_the_halt_key_works_with_caps_lock() -> None:
    assert {"h", "H"} <= set(BY_ID["halt"].each)
