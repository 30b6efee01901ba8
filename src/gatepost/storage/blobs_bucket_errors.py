# SPDX-License-Identifier: Apache-2.0
"""Say in one sentence what an S3 store's refusal means, and how to mend it.

The library gives a text for programmers; what is taken from it is the code of the store's answer, its status, or what
kind of failure of the network it was. Nothing else of it is shown.
"""

import re
from typing import NamedTuple

from gatepost.errors import StoreAway, StoreError, StoreFull

NO_BUCKET = "NoSuchBucket"

_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,80})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_OWN_ROLE = ("169.254.169.254", "169.254.170.2", "/latest/meta-data", "/latest/api/token", "AssumeRoleWithWebIdentity")
"""Where a machine of a cloud asks for its role's key, tried when none is set."""

_MENDS = {
    NO_BUCKET: "there is no such bucket; create it, or mend the setting",
    "InvalidAccessKeyId": "the access key is not known; mend `stores.blobs_login`",
    "SignatureDoesNotMatch": "the secret does not fit the access key; mend `stores.blobs_login`",
    "InvalidToken": "the key's session token is not taken; mend `stores.blobs_login`, or AWS_SESSION_TOKEN of the environment",
    "ExpiredToken": "the key has expired; renew what `stores.blobs_login` names",
    "AccessDenied": "the key may not do this; allow it to get, put, delete and list objects here, and to abort uploads of several parts",
    "AllAccessDisabled": "the bucket is disabled; enable it",
    "RequestTimeTooSkewed": "the clocks of this machine and of the store differ too much; let NTP set this machine's",
    "RequestExpired": "the clocks of this machine and of the store differ too much; let NTP set this machine's",
    "PermanentRedirect": "the bucket is in another region; add region= to the URL",
    "AuthorizationHeaderMalformed": "the bucket is in another region; add region= to the URL",
    "SlowDown": "the store is asked too much; the mails wait, but give it more room if this goes on",
    "ServiceUnavailable": "the store is not at work; the mails wait, look there if this goes on",
    "InternalError": "the store failed; the mails wait, look there if this goes on",
}
_FULL = frozenset(
    {
        "QuotaExceeded",
        "QuotaExceededException",
        "InsufficientCapacity",
        "InsufficientStorage",
        "XMinioStorageFull",
        "XMinioAdminBucketQuotaExceeded",
    }
)
_NETWORK = (
    ("dns error", "the endpoint's name cannot be found; mend endpoint= of the URL, or this machine's DNS"),
    ("certificate", "the store's certificate is not trusted; name its authority's PEM file as ca= of the URL"),
    ("Connection refused", "nobody listens at the endpoint; start the store, or mend endpoint= of the URL"),
    ("kind: Timeout", "the store does not answer in time; look at it and at the network between"),
    ("kind: Connect", "the store cannot be reached; look at it and at the network between"),
)


class Explained(NamedTuple):
    """A failure in our words. `unreachable`: the next question would most likely end the same way, after as long a wait."""

    error: StoreError
    unreachable: bool


def answer_code(error: Exception) -> str:
    """Give the code of the store's answer; '' when it gave none."""
    found = _CODE.search(str(error))
    return found[1] if found else ""


def explain(error: Exception, where: str) -> Explained:
    """Give StoreFull when a quota or the store's disk is used up, else StoreAway."""
    text = str(error)
    code = answer_code(error)
    status = found[1] if (found := _STATUS.search(text)) else ""
    if code in _FULL or status == "507":
        return Explained(StoreFull(f"{where}: the store is full ({code or status}); raise its quota or make room there"), False)
    if any(place in text for place in _OWN_ROLE):
        return Explained(StoreAway(f"{where}: there is no key to sign with; name where it is as `stores.blobs_login`"), True)
    overloaded = status in ("500", "502", "503", "504") or code in ("SlowDown", "ServiceUnavailable", "InternalError")
    if code in _MENDS:
        return Explained(StoreAway(f"{where}: {_MENDS[code]} ({code})"), overloaded)
    if "BareRedirect" in text or "without LOCATION" in text:
        return Explained(StoreAway(f"{where}: {_MENDS['PermanentRedirect']}"), False)
    if status:
        told = f"{status} {code}".rstrip()
        return Explained(StoreAway(f"{where}: the store answered {told}; look up there what that means"), overloaded)
    for sign, mend in _NETWORK:
        if sign in text:
            return Explained(StoreAway(f"{where}: {mend}"), True)
    first = text.partition("\n")[0].rpartition(" - ")[2][:200]
    return Explained(StoreAway(f"{where}: the store cannot be reached ({first or type(error).__name__}); look at it"), True)
