"""A Mail as JSON and back, for the pipe between us and the child that reads (reader.py, reading.py)."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from listserv.core.address import Address
from listserv.core.types import Automatic, Check, Mail, Malformed, Part, Policy, Proof, Report, ReportClass


def mail_to_json(mail: Mail | Malformed) -> dict[str, Any]:
    """What ``json.dumps`` takes; ``mail_from_json`` gives the same record back."""
    if isinstance(mail, Malformed):
        return {"why": mail.why}
    return {name: _plain(getattr(mail, name)) for name in mail.__slots__}


def _plain(value: Any) -> Any:
    """A record as a dict, some records as a list; all else as it is."""
    if is_dataclass(value):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value


def mail_from_json(data: dict[str, Any]) -> Mail | Malformed:
    """Raises ValueError for what ``mail_to_json`` didn't write."""
    if "why" in data:
        return Malformed(str(data["why"]))
    try:
        return Mail(**data | _records(data))
    except (TypeError, KeyError) as error:
        raise ValueError(f"not a mail: {error}") from error


def _records(data: dict[str, Any]) -> dict[str, Any]:
    proof, report = data["proof"], data["report"]
    return {
        "author": Address(**data["author"]) if data["author"] else None,
        "to": tuple(Address(**one) for one in data["to"]),
        "cc": tuple(Address(**one) for one in data["cc"]),
        "named": tuple(Address(**one) for one in data["named"]),
        "reply_to": tuple(Address(**one) for one in data["reply_to"]),
        "date": datetime.fromisoformat(data["date"]) if data["date"] else None,
        "parts": tuple(Part(**one) for one in data["parts"]),
        "automatic": Automatic(data["automatic"]),
        "references": tuple(data["references"]),
        "list_ids": tuple(data["list_ids"]),
        "loops": tuple(data["loops"]),
        "proof": Proof(
            dkim=Check(proof["dkim"]),
            trusted=Check(proof["trusted"]),
            policy=Policy(proof["policy"]),
            intact=bool(proof["intact"]),
            guards=tuple(proof["guards"]),
            organization=str(proof["organization"]),
            chain=str(proof["chain"]),
        ),
        "report": _report(report) if report else None,
    }


def _report(data: dict[str, Any]) -> Report:
    return Report(
        kind=ReportClass(data["kind"]),
        recipients=tuple(data["recipients"]),
        status=data["status"],
        said=data["said"],
        also=tuple(data["also"]),
        feedback=data["feedback"],
        traces=tuple((kind, token) for kind, token in data["traces"]),
    )
