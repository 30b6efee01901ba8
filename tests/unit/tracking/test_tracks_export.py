# SPDX-License-Identifier: Apache-2.0
"""The exported JSON has exactly the names that scripts know, and a file of it is read with suspicion."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.track_mails import NOON, head, name, outcome
from gatepost.tracking.export import encoded
from gatepost.tracking.export_values import microseconds, moment, read_moment, read_span, span
from gatepost.tracking.import_file import FILE_BYTES, OBJECT_BYTES, Document, ImportRefused, Splitter, documents
from gatepost.tracking.import_track import read_track
from gatepost.tracking.record import Status
from gatepost.tracking.search_show import Track

MAIL = head(NOON)
TRACK = Track(MAIL, outcome(MAIL).attempts, Status.SUCCESS)
NAMES = {
    "": """SchemaVersion Id MailId MessageId Sent Subject Size Status ValidationStatus RejectReason Scl RuleName Direction
        WasReceivedFromRelayServer ProcessingGatewayRole ReceiveConnectorName ClientIPAddress ProcessingTime FirstDeliveryAttempt
        DeliveryDuration Signed Encrypted TlsProtocol TlsCipherSuite SenderCertificateValidationFlags DetailsWereDeleted
        UrlSafeguardInfoWasDeleted Addresses Filters Actions Operations DeliveryAttempts Attachments LevelOfTrust""",
    "Addresses": "Address Domain AddressType",
    "Filters": "Name Scl Time Message ErrorMessage",
    "Actions": "Name Decision Time Message ErrorMessage",
    "Operations": "Id OperationId Created Operation",
    "DeliveryAttempts": "Address Status StatusMessage TlsProtocol Time TargetHost ConnectorName",
    "Attachments": """Id MessageTrackId Name MimeType Size Sha256Hash TlshHash Location FolderId IsQuarantined IsMalwareScanScheduled
        LastMalwareScan MalwareScanFailed AutoApprovalDate ApprovalRequestedBy ApprovalRequestedOn ApprovalRequestedReason ApprovedBy
        ApprovedOn DeletedBy DeletedOn DeleteReason IsDownloadLinkAvailable""",
}


def exported(**changes: Any) -> dict[str, Any]:
    """Give an export as a value, changed."""
    return {**json.loads(encoded(TRACK)), **changes}


def read(document: Any, tenant_id: int = 0) -> Any:
    """Read one object as a file's first."""
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_track(Document(1, 0, text), tenant_id)


def test_the_names_are_exactly_those():
    """No more, no fewer, in each list too; and the page that explains them names each."""
    document = exported()
    assert set(document) == set(NAMES[""].split())
    for part in list(NAMES)[1:]:
        assert set(document[part][0]) == set(NAMES[part].split()), part
    assert set(document["Operations"][0]["Operation"]) == {"Type", "Data"}
    page = (Path(__file__).parents[3] / "docs/reference/track-json.md").read_text()
    told = set(re.findall(r"`([A-Z][A-Za-z0-9]+)`", page))
    assert {name for names in NAMES.values() for name in names.split()} <= told


def test_the_values_are_those_that_scripts_compare():
    """Statuses, directions and address types by the product's names."""
    document = exported()
    assert document["Status"] == "Success" and document["ValidationStatus"] == "DeliveryPending"
    assert document["Direction"] == "FromExternal" and document["WasReceivedFromRelayServer"] is False
    assert [one["AddressType"] for one in document["Addresses"]] == ["Sender", "HeaderFrom", "Recipient"]
    assert document["Sent"] == "2026-11-25T12:00:00.000000+00:00"
    assert document["ProcessingTime"] == "0.00:00:00.0125000"
    assert document["DeliveryDuration"] == "0.00:00:01.0000000"
    assert json.loads(document["Operations"][0]["Operation"]["Data"]) == {"result": "pass", "policy": "reject"}


@given(st.floats(0, 253_402_300_799))
def test_a_moment_is_read_as_it_was_written(at: float):
    """To the microsecond."""
    written = moment(microseconds(at))
    assert moment(microseconds(read_moment(written))) == written


@given(st.floats(-1e12, 1e12, allow_nan=False))
def test_a_span_is_read_as_it_was_written(milliseconds: float):
    """To 100 ns."""
    assert span(read_span(span(milliseconds))) == span(milliseconds)


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf"), 1e300])
def test_an_impossible_span_can_be_written(odd: float):
    """A gateway that told one must not make a track unreadable."""
    assert read_span(span(odd)) is not None


def test_what_was_exported_is_read():
    """Whatever the order of the names and the white space."""
    document = exported()
    backwards = dict(reversed(document.items()))
    assert read(json.dumps(backwards, indent=4).encode()).track == read(document).track


PENDING = {"Status": "DeliveryPending", "FirstDeliveryAttempt": None, "DeliveryDuration": None, "DeliveryAttempts": []}
BAD: list[tuple[dict[str, Any], str]] = [
    ({"SchemaVersion": 2}, "SchemaVersion: is 2, this program knows 1"),
    ({"SchemaVersion": "1"}, r"Expected `int`, got `str` - at `\$.SchemaVersion`"),
    ({"Id": "../../etc/passwd"}, "Id: a track's name is 24 letters, up to V, and digits"),
    ({"Id": name(NOON).lower()}, "Id: is written in capitals"),
    ({"Id": name(NOON - 5 * 86_400)}, "Sent: is another day's"),
    ({"MailId": "another"}, "MailId: is 'another', by the rest of the track it would be"),
    ({"Sent": "yesterday"}, "Sent: is not written as"),
    ({"Sent": "2026-13-45T12:00:00.000000+00:00"}, "Sent: "),
    ({"Subject": "x" * 600}, "Subject: is 'xxx"),
    ({"Subject": "two\nlines"}, "Subject: is"),
    ({"Subject": "\u202eevil"}, "Subject: is"),
    ({"Subject": 5}, r"at `\$.Subject`"),
    ({"Size": -1}, r"Expected `int` >= 0 - at `\$.Size`"),
    ({"Size": 2**70}, r"at `\$.Size`"),
    ({"Size": 1.5}, r"at `\$.Size`"),
    ({"Scl": "high"}, r"at `\$.Scl`"),
    ({"Status": "Fine"}, "Status: is 'Fine', by the rest of the track it would be 'Success'"),
    ({"ValidationStatus": "Fine"}, "ValidationStatus: 'Fine' is none of None, Success"),
    ({"Direction": "Sideways"}, "Direction: 'Sideways' is none of FromExternal, FromInternal"),
    ({"WasReceivedFromRelayServer": True}, "WasReceivedFromRelayServer"),
    ({"LevelOfTrust": {"Points": 1}}, r"at `\$.LevelOfTrust`"),
    ({"UrlSafeguardInfoWasDeleted": True}, "UrlSafeguardInfoWasDeleted"),
    ({"Addresses": []}, r"DeliveryAttempts\[0\].Address: is no recipient of this mail"),
    ({"Addresses": [{"Address": "a@b.example", "Domain": "c.example", "AddressType": "Sender"}], **PENDING}, r"Domain: is"),
    ({"Addresses": [{"Address": "a@b.example", "Domain": "b.example", "AddressType": "Thief"}], **PENDING}, "entries, of which"),
    ({"Filters": [{"Name": "x"}]}, r"missing required field `Scl` - at `\$.Filters\[0\]`"),
    ({"Filters": [{"Name": "x", "Scl": 1, "Time": "soon", "Message": "", "ErrorMessage": None}]}, r"Filters\[0\].Time: is not written as"),
    ({"Filters": [{"Name": "x"}] * 3 + [7]}, r"Filters\[0\]"),
    ({"Extra": 1}, "unknown field `Extra`"),
    ({"Operations": [{"Id": 1, "OperationId": "x", "Created": "x", "Operation": {"Type": "T", "Data": "{"}}]}, r"Data: is no JSON"),
    (
        {"Operations": [{"Id": 9, "OperationId": "x", "Created": "x", "Operation": {"Type": "T", "Data": "{}"}}]},
        r"Operations\[0\].Id: is 9",
    ),
    ({"DeliveryAttempts": [exported()["DeliveryAttempts"][0] | {"Status": "Lost"}]}, r"DeliveryAttempts\[0\].Status: 'Lost' is none of"),
    ({"DeliveryAttempts": [exported()["DeliveryAttempts"][0]] * 2}, r"DeliveryAttempts: has 2 entries"),
    ({"Attachments": [exported()["Attachments"][0] | {"Sha256Hash": "ab"}]}, r"Attachments\[0\].Sha256Hash: is 'ab', .* would be None"),
]


@pytest.mark.parametrize(("changes", "sentence"), BAD, ids=[str(index) for index in range(len(BAD))])
def test_what_cannot_be_kept_is_refused_by_place_and_reason(changes: dict[str, Any], sentence: str):
    """Never changed, never taken in part."""
    with pytest.raises(ImportRefused, match=sentence) as refused:
        read(exported(**changes))
    assert str(refused.value).startswith("track 1 (byte 0): ") and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text", [b"{}", b"[]", b"{", b'{"SchemaVersion":1}', b"\xff{", b'{"a":' * 5000, b'{"SchemaVersion":1,"Id":"\xff"}', b"nul"]
)
def test_what_is_no_track_is_refused(text: bytes):
    """Broken, deep and foreign texts, without a surprise."""
    with pytest.raises(ImportRefused):
        read(text)


@given(st.binary(max_size=200))
def test_no_bytes_surprise_the_reader(text: bytes):
    """Whatever a file holds: tracks, or a refusal."""
    try:
        for document in documents(io.BytesIO(text)):
            read_track(document, 0)
    except ImportRefused:
        pass


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(['"', "\\", "{", "}", '{"', '\\"']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(max_size=6), VALUES, max_size=4), min_size=1, max_size=5), st.integers(1, 40), st.integers(0, 3))
def test_objects_are_found_wherever_the_pieces_end(values: list[dict[str, Any]], size: int, form: int):
    """One after another, one a line, as an array, laid out for people: each object once, at its place."""
    between = ("", "\n", ",\n ", "\r\n")[form]
    text = between.join(json.dumps(value, ensure_ascii=form == 1, indent=2 if form == 3 else None) for value in values)
    whole = (f"[{text}]" if form == 2 else text).encode()
    splitter = Splitter()
    found = [one for start in range(0, len(whole), size) for one in splitter.feed(whole[start : start + size])]
    splitter.end()
    assert [json.loads(one.untrusted_text) for one in found] == values
    assert all(whole[one.offset : one.offset + len(one.untrusted_text)] == one.untrusted_text for one in found)
    assert [one.number for one in found] == list(range(1, len(values) + 1))


class Endless(io.RawIOBase):
    """A file that gives the same bytes for ever, and counts."""

    def __init__(self, piece: bytes) -> None:
        self.piece, self.given = piece, 0

    def read(self, size: int = -1) -> bytes:
        self.given += len(self.piece)
        return self.piece


@pytest.mark.parametrize(
    ("piece", "most", "sentence"),
    [
        (b" " * 262_144, FILE_BYTES, "the file is longer than 100 MB"),
        (b'{"a":"' + b"x" * 262_000, OBJECT_BYTES, "is longer than 4 MiB"),
        (b"{" * 262_144, OBJECT_BYTES, "is longer than 4 MiB"),
    ],
)
def test_a_file_without_an_end_is_refused_at_its_bound(piece: bytes, most: int, sentence: str):
    """Without being read to an end or held in memory."""
    endless = Endless(piece)
    with pytest.raises(ImportRefused, match=sentence):
        list(documents(endless))  # type: ignore[arg-type]
    assert endless.given <= most + 2 * len(piece)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "the file holds no track"),
        (b"[ ]", "the file holds no track"),
        (b"{} {", r"track 2 \(byte 3\): the file ends in the middle of it"),
        (b'{"a":"}', r"track 1 \(byte 0\): the file ends in the middle"),
        (b"<xml/>", r"track 1 \(byte 0\): begins with b'<'"),
        (b"{}\n}", r"track 2 \(byte 3\): begins with b'}'"),
    ],
)
def test_what_is_no_file_of_tracks_is_named(text: bytes, sentence: str):
    """With the place where it stops being one."""
    with pytest.raises(ImportRefused, match=sentence):
        list(documents(io.BytesIO(text)))


def test_a_byte_order_mark_is_passed_over():
    """As some editors leave one."""
    (found,) = documents(io.BytesIO(b"\xef\xbb\xbf{}"))
    assert (found.offset, found.untrusted_text) == (3, b"{}")
