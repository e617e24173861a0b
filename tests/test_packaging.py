"""The files of docs/site: shown as they are; those that no mail runs through are well-formed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.kit.mail_site import FILES, certify
from tests.kit.postfix import free_port

PAGE = FILES.parent / "hosting.md"

# standards.md S42. Not there: ProcSubset=pid, which hides from metrics how busy the machine is.
HARDENING = """
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
UMask=0077
"""


def test_hosting_md_shows_the_very_files_that_lie_beside_it() -> None:
    shown = dict(re.findall(r"<!-- site/(\S+) -->\n\n```\w*\n(.*?)```", PAGE.read_text(), re.S))
    files = {file.relative_to(FILES).as_posix(): file for file in FILES.rglob("*") if file.is_file()}
    assert shown.keys() == files.keys()
    assert [name for name, file in files.items() if shown[name] != file.read_text()] == []


def test_the_unit_locks_the_server_down() -> None:
    unit = (FILES / "listserv.service").read_text()
    service = unit.partition("[Service]\n")[2].partition("[Install]")[0].splitlines()
    assert [line for line in HARDENING.split("\n") if line and line not in service] == []
    assert "User=listserv" in service
    assert [line for line in service if line.startswith(("ReadWritePaths", "PermissionsStartOnly"))] == []


def test_nginx_takes_its_file(tmp_path: Path) -> None:
    certify(tmp_path)
    text = (FILES / "nginx.conf").read_text()
    for real, ours in (
        ("/etc/ssl/lists.example.org.pem", f"{tmp_path}/site.pem"),
        ("/etc/ssl/private/lists.example.org.key", f"{tmp_path}/site.key"),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
    ):
        text = text.replace(real, ours)
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid; error_log stderr; events {{}}\nhttp {{\n{text}}}\n")
    done = subprocess.run(["nginx", "-t", "-c", str(whole)], capture_output=True, text=True, timeout=60)
    assert "syntax is ok" in done.stderr, done.stderr


def test_rspamd_takes_its_files(tmp_path: Path) -> None:
    shutil.copytree(FILES / "rspamd", tmp_path / "local.d")
    told = ["rspamadm", f"--var=LOCAL_CONFDIR={tmp_path}", "configtest", "-c", "/etc/rspamd/rspamd.conf"]
    done = subprocess.run(told, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "syntax OK" in done.stdout + done.stderr, done
