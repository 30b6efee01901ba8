# SPDX-License-Identifier: Apache-2.0
"""The settings of the filter `reputation`: the points of each of its checks."""

from typing import Annotated

import msgspec
from msgspec import Meta


class ReputationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What each sign of a doubtful sender is worth; a check of 0 points is not made."""

    unsecured_connection: Annotated[float, Meta(ge=-10, le=10, description="The client used no TLS.")] = 0.0
    missing_ptr: Annotated[float, Meta(ge=-10, le=10, description="The client's address has no name in the DNS (no PTR record).")] = 1.0
    dynamic_name: Annotated[
        float, Meta(ge=-10, le=10, description="Each name of the address contains it, as those of dial-up lines do.")
    ] = 1.0
    reverse_lookup_failed: Annotated[float, Meta(ge=-10, le=10, description="No name of the address leads back to it.")] = 1.0
    sender_without_address: Annotated[
        float, Meta(ge=-10, le=10, description="MAIL FROM's domain takes no mail: it has neither MX, A nor AAAA, or a null MX.")
    ] = 2.0
    spf_fail: Annotated[float, Meta(ge=-10, le=10, description="SPF says that the client may not send for MAIL FROM's domain.")] = 2.0
    spf_softfail: Annotated[float, Meta(ge=-10, le=10, description="SPF says that it probably may not.")] = 1.0
    dkim_broken: Annotated[
        float, Meta(ge=-10, le=10, description="No DKIM signature is right and at least one is wrong or has no usable key.")
    ] = 1.0
    dmarc_fail_none: Annotated[
        float, Meta(ge=-10, le=10, description="DMARC fails and the author's domain asks for nothing (`p=none`, or quarantine with `t=y`).")
    ] = 0.0
    dmarc_fail_quarantine: Annotated[
        float, Meta(ge=-10, le=10, description="DMARC fails and the author's domain asks for quarantine, or for reject with `t=y`.")
    ] = 2.0
    dmarc_fail_reject: Annotated[float, Meta(ge=-10, le=10, description="DMARC fails and the author's domain asks to reject the mail.")] = (
        4.0
    )
    unreadable_author: Annotated[
        float, Meta(ge=-10, le=10, description="DMARC cannot say whose mail it is: no author in From, or one that cannot be read.")
    ] = 0.0
    own_domain_from_outside: Annotated[
        float, Meta(ge=-10, le=10, description="An author in From is of an owned domain, and DMARC does not say that this domain sent it.")
    ] = 4.0
