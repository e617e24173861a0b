"""What came back to a return path: a bounce and its class, a complaint, a machine's answer, or something."""

from __future__ import annotations

from dataclasses import replace

from listserv.core.patterns import regex
from listserv.core.types import Automatic, Mail, Report, ReportClass
from listserv.mail.complaints import feedback_type, is_unlabelled, traces
from listserv.mail.reports import kind_of_report, read_report

_TYPE = regex(r"\A[\w-]{1,40}\s*;\s*")  # RFC 3464 §2.3.6: "smtp; 550 5.1.1 …"
_KINDS = {"complaint": ReportClass.COMPLAINT, "auto-reply": ReportClass.AUTO_REPLY}


def with_report(mail: Mail, raw: bytes) -> Mail:
    """The mail with what it reports, if a machine wrote it."""
    if mail.automatic is Automatic.NO and not is_unlabelled(raw):
        return mail
    return replace(mail, report=read_returned(raw))


def read_returned(raw: bytes) -> Report:
    """Judge a mail to a return path. Never raises on what strangers send: what is unclear is OTHER."""
    said = kind_of_report(raw)
    kind = ReportClass.COMPLAINT if said == "other" and is_unlabelled(raw) else _KINDS.get(said)
    if kind is ReportClass.COMPLAINT:
        return Report(kind, feedback=feedback_type(raw), traces=traces(raw))
    if kind is not None:
        return Report(kind)
    bounce = read_report(raw)
    if bounce is None or bounce.action == "other":
        return Report(ReportClass.OTHER)
    return Report(
        kind=ReportClass(bounce.kind),
        recipients=bounce.recipients,
        status=bounce.status,
        said=_TYPE.sub("", bounce.diagnostic, count=1),
        also=bounce.also,
        traces=traces(raw),
    )
