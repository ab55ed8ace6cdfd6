# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a folder is one to keep a ledger in: on a file system of this machine, and with no writer but its owner."""

from __future__ import annotations

import re
import shlex
import stat
from pathlib import Path
from typing import Optional

MOUNTS = Path("/proc/self/mountinfo")  # Linux alone has it

# Whether a lock holds, and what was synced is there, is known of one host at a time at best. Cluster file systems are
# among them: SQLite's write-ahead log needs memory that all its users share.
_NETWORK = {
    *(
        "9p",
        "acfs",
        "afs",
        "auristorfs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "gfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
    ),
    *(
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "panfs",
        "prl_fs",
        "pvfs2",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "vboxsf",
    ),
    *("virtiofs", "vmhgfs", "wekafs"),
}
# What a process of the user serves may be on any host (sshfs, rclone, s3fs, gcsfuse), and a kernel does not tell which.
# Not so the root of a rootless container. A disk served so, as NTFS is, is called fuseblk.
_LOCAL_FUSE = "fuse.fuse-overlayfs"
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def doubt_about(path: Path) -> Optional[str]:
    """Why a ledger at this path is not to be relied upon, and what to do about it; None if nothing is known against it.

    ``path`` has no symbolic links in it. What cannot be found out passes. Raises OSError.
    """
    try:
        found = file_system_of(str(path), MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        found = None
    if found is not None and is_network(found[0]):
        return (
            f"it lies on {found[0]}, mounted at {found[1]}, and what one host writes to a network file system another"
            " may not see in time, so that both order: move it to a local disk and name that in ledger, or keep it in"
            " PostgreSQL (ledger: postgresql://user@host/database)"
        )
    return next(filter(None, map(_writable, (path.parent, path, path.with_name(f"{path.name}-wal")))), None)


def file_system_of(path: str, mountinfo: str) -> Optional[tuple[str, str]]:
    """PURE: the type of the file system that a path without symbolic links lies on, and where that is mounted.

    ``mountinfo`` is the text of the file of that name, see proc_pid_mountinfo(5). None where it tells nothing of it.
    """
    found = ("", "")
    for line in mountinfo.split("\n"):  # a name may hold what else ends a line
        mount, dummy, source = line.partition(" - ")
        fields, kind = mount.split(" "), source.split(" ")[0]
        if len(fields) < 5 or not kind:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4])
        is_below = path == point or path.startswith(f"{point.rstrip('/')}/")
        # Of two at one place, the later one lies over the other.
        if is_below and len(point) >= len(found[1]):
            found = (kind, point)
    return found if found[0] else None


def is_network(kind: str) -> bool:
    """PURE: whether a type of file system, as Linux names it, is known to be shared with other hosts."""
    kind = kind.lower()
    return kind in _NETWORK or (kind.partition(".")[0] == "fuse" and kind != _LOCAL_FUSE)


def _writable(place: Path) -> Optional[str]:
    """What is wrong with the mode of a file or folder; None if it is not there, or its owner alone may write to it."""
    try:
        mode = stat.S_IMODE(place.stat().st_mode)
    except FileNotFoundError:
        return None
    if not mode & _OTHERS_MAY_WRITE:
        return None
    way_out = "name a file in a folder of its own"
    if not mode & stat.S_ISVTX:  # as /tmp has, which is to stay as it is
        way_out = f"chmod go-w {shlex.quote(str(place))}, or {way_out}"
    return f"others than its owner may write to {place} (mode {mode:04o}), and so decide what is ordered: {way_out}"
