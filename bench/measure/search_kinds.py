# SPDX-License-Identifier: Apache-2.0
"""The kinds of question that are measured, with values drawn anew each time."""

from collections.abc import Callable
from typing import Any

from gatepost.tracking.partitions import track_of
from measure.search_mails import DAYS, OWN, Mails

_DAY = 86_400.0


class Drawing:
    """Draws values as the mails were drawn."""

    def __init__(self, begin: float, sample: list[tuple[bytes, str]]) -> None:
        self.mails = Mails(4711)
        self.begin, self.end = begin, begin + DAYS * _DAY
        self.draw = self.mails.random
        self._sample = sample

    def one(self) -> tuple[bytes, str]:
        """Give the name and the Message-ID of a mail that is there."""
        return self.draw.choice(self._sample)

    def day(self) -> dict[str, float]:
        """Give a period of 24 hours, most often the last one."""
        end = self.end if self.draw.random() < 0.5 else self.begin + (1 + self.draw.random() * (DAYS - 1)) * _DAY
        return {"after": end - _DAY, "before": end}

    def period(self) -> dict[str, float]:
        """Give a period of an hour to 30 days."""
        length = self.draw.choice([3600.0, _DAY, 7 * _DAY, 30 * _DAY])
        end = self.begin + length + self.draw.random() * max(self.end - self.begin - length, 0.0)
        return {"after": end - length, "before": end}


KINDS: dict[str, Callable[[Drawing], dict[str, Any]]] = {
    "id": lambda draw: {"track": track_of(draw.one()[0])},
    "message-id": lambda draw: {"message_id": draw.one()[1]},
    "message-id, unknown": lambda draw: {"message_id": f"<{draw.draw.random()}@nowhere.example>"},
    "address": lambda draw: {"between": [draw.mails.partner()[0]]},
    "address, own": lambda draw: {"between": [draw.mails.own_address()]},
    "address, unknown": lambda draw: {"between": [f"nobody{draw.draw.random()}@{OWN}"]},
    "address within a period": lambda draw: {"between": [draw.mails.partner()[0]], **draw.period()},
    "domain": lambda draw: {"between": [draw.mails.partner()[1]]},
    "domain, the rarest": lambda draw: {"between": [draw.mails.domains[-1 - int(draw.draw.random() * 50)]]},
    "domain, our own": lambda draw: {"between": [OWN]},
    "two addresses": lambda draw: {"between": [draw.mails.partner()[0], draw.mails.own_address()]},
    "two domains": lambda draw: {"between": [OWN, draw.mails.domains[-1 - int(draw.draw.random() * 500)]]},
    "period with status": lambda draw: {"statuses": ["dispatcher_error"], **draw.period()},
    "period with status, common": lambda draw: {"statuses": ["success"], **draw.period()},
    "period with statuses": lambda draw: {"statuses": ["delivery_pending", "partial_success"], **draw.period()},
    "status that nobody has": lambda draw: {"statuses": ["put_on_hold"]},
    "newest": lambda draw: {},
    "subject, part, 24 h": lambda draw: {"subject": f" {int(draw.draw.random() * 30_000)}", **draw.day()},
    "subject, no such part, 24 h": lambda draw: {"subject": "größenwahn", **draw.day()},
    "address, part, 24 h": lambda draw: {
        "between": [f"*son{int(draw.draw.random() * 40)}@partner1{int(draw.draw.random() * 900)}*"],
        **draw.day(),
    },
    "address, no such part, 24 h": lambda draw: {"between": ["*nobody-at-all*"], **draw.day()},
}
