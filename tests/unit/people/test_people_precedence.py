# SPDX-License-Identifier: Apache-2.0
"""Which of several levels a value comes from."""

from hypothesis import given
from hypothesis import strategies as st

from gatepost.people.precedence import ORDER, Resolved, effective, settings_that_hold
from gatepost.people.record import AddressSettings, PartnerSettings

NAMES = st.sampled_from(["a", "b", "c", "d"])
SAID = st.dictionaries(NAMES, st.text(max_size=3))
LEVELS = st.dictionaries(st.sampled_from(ORDER), SAID)
SECURITY = st.sampled_from(["default", "opportunistic", "required"])


@given(product=SAID, levels=LEVELS)
def test_the_first_level_that_says_something_decides(product, levels) -> None:
    """For each name the product knows, and for no other: address before domain before default before the product."""
    held = effective(product, levels)
    assert held.keys() == product.keys()
    for name, value in held.items():
        saying = [origin for origin in ORDER if name in levels.get(origin, {})]
        if saying:
            assert value == Resolved(levels[saying[0]][name], saying[0])
        else:
            assert value == Resolved(product[name], "product")


@given(product=SAID, levels=LEVELS, name=NAMES, value=st.text(max_size=3), level=st.sampled_from(ORDER))
def test_a_word_of_one_level_moves_only_its_own_name(product, levels, name, value, level) -> None:
    """What a level says of one name changes no other, and changes that one unless a level before it speaks."""
    before = effective(product, levels)
    after = effective(product, {**levels, level: {**levels.get(level, {}), name: value}})
    assert {key: one for key, one in after.items() if key != name} == {key: one for key, one in before.items() if key != name}
    if name in product:
        before_it = ORDER[: ORDER.index(level)]
        silent = all(name not in levels.get(origin, {}) for origin in before_it)
        assert after[name] == (Resolved(value, level) if silent else before[name])


@given(default=SECURITY, domain=st.none() | SECURITY)
def test_a_partner_who_says_default_says_nothing(default, domain) -> None:
    """`default` hands the question on; without an answer the send connector has it."""
    held = settings_that_hold(PartnerSettings(default), PartnerSettings(domain) if domain is not None else None, AddressSettings())[
        "connection_security"
    ]
    said = [(value, origin) for value, origin in ((domain, "domain"), (default, "default")) if value not in (None, "default")]
    assert (held.value, held.origin) == (said[0] if said else ("default", "product"))
