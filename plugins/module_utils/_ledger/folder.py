# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a ledger may be kept in a folder: on a local file system, and writable only by its owner."""

from __future__ import annotations

import re
import shlex
import stat
from pathlib import Path
from typing import Optional

MOUNTS = Path("/proc/self/mountinfo")  # only on Linux

# Locks and syncs may not work between hosts on these. Cluster file systems are included, since SQLite's write-ahead log
# needs memory that all its users share.
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
# A FUSE file system may be on any host (sshfs, rclone, s3fs, gcsfuse), and the kernel does not tell. The exception is
# the root of a rootless container. Local disks, as with NTFS, have the type fuseblk.
_LOCAL_FUSE = "fuse.fuse-overlayfs"
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def doubt_about(path: Path) -> Optional[str]:
    """Why a ledger at this path must not be relied on, and what to do about it; None if nothing speaks against it.

    ``path`` must not contain symbolic links. A file system that cannot be determined is accepted. Raises OSError.
    """
    try:
        found = file_system_of(str(path), MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        found = None
    if found is not None and is_network(found[0]):
        return (
            f"it lies on {found[0]}, mounted at {found[1]}; on a network file system, one host may not see in time what"
            " another one writes, and both would order: move it to a local disk and set ledger to that path, or keep it"
            " in PostgreSQL (ledger: postgresql://user@host/database)"
        )
    return next(filter(None, map(_writable, (path.parent, path, path.with_name(f"{path.name}-wal")))), None)


def file_system_of(path: str, mountinfo: str) -> Optional[tuple[str, str]]:
    """PURE: the type and mount point of the file system of a path without symbolic links.

    ``mountinfo`` is the text of the file of that name, see proc_pid_mountinfo(5). None if it has no such mount.
    """
    found = ("", "")
    for line in mountinfo.split("\n"):  # not splitlines, since a name may contain its other line breaks
        mount, dummy, source = line.partition(" - ")
        fields, kind = mount.split(" "), source.split(" ")[0]
        if len(fields) < 5 or not kind:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4])
        is_below = path == point or path.startswith(f"{point.rstrip('/')}/")
        # Of two at the same mount point, the later one hides the other.
        if is_below and len(point) >= len(found[1]):
            found = (kind, point)
    return found if found[0] else None


def is_network(kind: str) -> bool:
    """PURE: whether a file system type of Linux is known to be shared with other hosts."""
    kind = kind.lower()
    return kind in _NETWORK or (kind.partition(".")[0] == "fuse" and kind != _LOCAL_FUSE)


def _writable(place: Path) -> Optional[str]:
    """What is wrong with the mode of a file or folder; None if it is missing, or only its owner may write to it."""
    try:
        mode = stat.S_IMODE(place.stat().st_mode)
    except FileNotFoundError:
        return None
    if not mode & _OTHERS_MAY_WRITE:
        return None
    advice = "name a file in a folder of its own"
    if not mode & stat.S_ISVTX:  # as on /tmp, whose mode must not change
        advice = f"chmod go-w {shlex.quote(str(place))}, or {advice}"
    return f"users other than its owner may write to {place} (mode {mode:04o}), and so decide what is ordered: {advice}"
