"""The command line: how an operator meets the program. Exit codes 0 done, 1 could not be done, 2 wrong usage.

The groups are in cli_lists, cli_members, cli_holds, cli_queue and cli_archive. Whatever goes wrong ends
in one line on standard error, which says why and what to do.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import DBAPIError

from listserv import __version__
from listserv.cli_archive import archive_group, export, import_group
from listserv.cli_backup import backup, restore
from listserv.cli_bench import bench
from listserv.cli_digest import digest_group
from listserv.cli_doctor import doctor
from listserv.cli_holds import hold_group
from listserv.cli_lists import list_group
from listserv.cli_log import log
from listserv.cli_members import member_group
from listserv.cli_queue import queue_group
from listserv.cli_redact import redact
from listserv.cli_status import explain, status
from listserv.desk import Desk, read, shows
from listserv.errors import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, ListservError, StoreBusy, StoreFull
from listserv.loading import loading
from listserv.opening import upgrade_site
from listserv.settings import FILE_NAME
from listserv.shown import say, warn


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    metavar="FILE",
    help="The settings file; else $LISTSERV_CONFIG, ./listserv.toml, /etc/listserv/listserv.toml.",
)
@click.option("--json", "as_json", is_flag=True, help="Show things as JSON, for programs.")
@click.version_option(__version__, prog_name="listserv")
@click.pass_context
def cli(context: click.Context, config: str | None, as_json: bool) -> None:
    """A discussion list server that people run entirely by mail."""
    context.obj = Desk(config, as_json)


@cli.command()
@click.option("--domain", required=True, help="The lists' domain, such as lists.example.org.")
@click.option("--owner", required=True, metavar="EMAIL", help="Who runs the site.")
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=Path(), help="Where; else here.")
@shows
@click.pass_obj
def init(desk: Desk, domain: str, owner: str, folder: Path) -> None:
    """Found a site: settings, secret, DKIM key, database. Prints the DNS records to publish."""
    from listserv.founding import Plan, domain_of, found, local_zone

    name = domain_of(domain)
    plan = Plan(name, read(owner), folder, f"https://{name}", local_zone())
    settings, records = found(plan, desk.environ)
    told = {"settings": str(settings.folder / FILE_NAME), "records": [_fields(one) for one in records]}
    desk.show_one(told, lambda: _print_founded(told, settings.site.domain))


def _fields(record: Any) -> dict[str, str]:
    return {key: getattr(record, key) for key in ("name", "type", "value", "why")}


def _print_founded(told: dict[str, Any], domain: str) -> None:
    from listserv.dns_records import pointer_hint

    say(f"{told['settings']} is written. Publish these DNS records:\n")
    for record in told["records"]:
        say(f"; {record['why']}\n{record['name']} IN {record['type']} {record['value']}\n")
    say(pointer_hint(domain))
    say("Then: `listserv list create NAME --title … --host EMAIL` and `listserv serve`.")


@cli.command()
@click.option("--only", "only", metavar="ROLE,…", help="receive, process, deliver, schedule, archive, web.")
@click.pass_obj
def serve(desk: Desk, only: str | None) -> int:
    """Run the server: everything in one process, or only some roles."""
    with loading():
        from listserv import app

    roles = {word.strip() for word in (only or ",".join(app.ROLES)).split(",")}
    if unknown := roles - set(app.ROLES):
        raise click.UsageError(f"{', '.join(sorted(unknown))}: no role; there are {', '.join(app.ROLES)}")
    return app.serve(desk.settings(), frozenset(roles))


@cli.command()
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="Keep everything there.")
@click.option("--once", is_flag=True, help="End after the first round.")
@click.pass_obj
def demo(desk: Desk, folder: Path | None, once: bool) -> None:
    """Try it: the real server with a sample community, all on this machine."""
    from listserv.demo import run_demo

    run_demo(desk, folder, once=once)


@cli.group()
def db() -> None:
    """The database."""


@db.command()
@click.pass_obj
def upgrade(desk: Desk) -> None:
    """Bring the database to this program's schema."""
    changed = upgrade_site(desk.settings())
    say("The database is upgraded." if changed else "The database is up to date.")


for _group in (list_group, member_group, hold_group, queue_group, digest_group, import_group, archive_group):
    cli.add_command(_group)
for _command in (status, doctor, log, explain, redact, export, bench, backup, restore):
    cli.add_command(_command)


# -- how it ends ------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. Nobody sees a traceback."""
    try:
        ended = cli.main(arguments, prog_name="listserv", standalone_mode=False)
    except BrokenPipeError:
        # Whoever read our output has enough; what is still buffered must not raise at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except click.exceptions.Abort:
        warn("listserv: stopped")
        return EXIT_FAILED
    except click.exceptions.NoArgsIsHelpError as error:
        warn(error.format_message())  # the help, as it is
        return EXIT_USAGE
    except Exception as error:
        code, line = told(error)
        warn(f"listserv: {line}")
        return code
    return ended if isinstance(ended, int) else EXIT_DONE


def told(error: Exception) -> tuple[int, str]:
    """The exit code and the one line for what went wrong."""
    match error:
        case click.UsageError():
            where = error.ctx.command_path if error.ctx else "listserv"
            return EXIT_USAGE, f"{_line(error.format_message())} See `{where} --help`."
        case click.ClickException():
            return EXIT_FAILED, _line(error.format_message())
        case StoreFull():
            return EXIT_FAILED, "the disk is full; make room, then try again. Nothing was changed"
        case StoreBusy():
            return (
                EXIT_FAILED,
                f"the database does not answer ({_line(str(error))}); is it running? Try again",
            )
        case ListservError():
            return EXIT_FAILED, _line(str(error))
        case DBAPIError():
            return EXIT_FAILED, f"the database said: {_line(str(error.orig))}; nothing was changed"
        case _:
            return EXIT_FAILED, _of_the_machine(error) or _of_ours(error)


def _of_the_machine(error: Exception) -> str:
    """What to say where a file or the disk is to blame; "" where it is not."""
    if not isinstance(error, OSError):
        return ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; make room, then try again"
    named = isinstance(error.filename, str | os.PathLike)
    return _line(f"{error.filename} can't be used: {error.strerror}") if named else ""


def _of_ours(error: Exception) -> str:
    return f"a fault of ours ({type(error).__name__}); please report {_written(error)}"


def _line(words: str) -> str:
    return " ".join(words.split())


def _written(error: Exception) -> str:
    """The file that the traceback is in."""
    with tempfile.NamedTemporaryFile("w", prefix="listserv-", suffix=".txt", delete=False) as out:
        traceback.print_exception(error, file=out)
    return out.name
