# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which folders a ledger may lie in."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import folder as _folder
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.folder import (
    doubt_about,
    file_system_of,
    is_network,
)

# As the kernel writes it, with optional fields, escapes, mounts over mounts, and names that begin alike.
MOUNTINFO = r"""27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
22 27 0:21 / /proc rw,nosuid shared:5 - proc proc rw
40 27 0:38 / /home rw,relatime shared:20 master:1 - nfs4 nas:/export/home rw,vers=4.2,addr=10.0.0.2
41 40 8:1 / /home/local rw,relatime shared:21 - xfs /dev/sda1 rw
42 27 0:39 / /mnt/our\040share rw,relatime - cifs //nas/share rw
43 27 0:40 / /mnt/back\134slash rw,relatime - ceph 10.0.0.3:/ rw
44 27 8:2 / /srv rw,relatime - ext4 /dev/sda2 rw
45 44 0:41 / /srv rw,relatime unbindable - fuse.sshfs nas:/srv rw
46 27 0:42 / /var/lib/ren rw - tmpfs tmpfs rw
47 27 0:43 / /mnt/tab\011and\012line rw - 9p host rw
48 27 0:44 / /mnt/über rw - virtiofs tag rw"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/var/ledger", ("ext4", "/")),
        ("/", ("ext4", "/")),
        ("/home/one/.local/state", ("nfs4", "/home")),
        ("/home", ("nfs4", "/home")),
        ("/homestead/one", ("ext4", "/")),
        ("/home/local/one", ("xfs", "/home/local")),
        ("/home/localhost/one", ("nfs4", "/home")),
        ("/mnt/our share/ledger", ("cifs", "/mnt/our share")),
        ("/mnt/back\\slash/ledger", ("ceph", "/mnt/back\\slash")),
        ("/mnt/tab\tand\nline/ledger", ("9p", "/mnt/tab\tand\nline")),
        ("/mnt/über/ledger", ("virtiofs", "/mnt/über")),
        ("/srv/ledger", ("fuse.sshfs", "/srv")),
        ("/var/lib/renewals/ledger", ("ext4", "/")),
    ],
)
def test_the_file_system_is_that_of_the_longest_mount_point_above(path: str, expected: tuple[str, str]) -> None:
    assert file_system_of(path, MOUNTINFO) == expected


@pytest.mark.parametrize(
    "mountinfo", ["", "\n", "27 1 254:0 / / rw", "nonsense - ", "41 40 8:1 / /home rw - nfs4 a rw"]
)
def test_a_text_that_tells_nothing_of_a_path_leaves_its_file_system_unknown(mountinfo: str) -> None:
    assert file_system_of("/var/ledger", mountinfo) is None


@pytest.mark.parametrize(
    "kind",
    [
        *("nfs", "nfs4", "NFS4", "cifs", "smb", "smb2", "smb3", "smbfs", "ceph", "9p", "virtiofs", "afs", "glusterfs"),
        *("lustre", "beegfs", "gfs2", "ocfs2", "gpfs", "vboxsf", "vmhgfs"),
        *("fuse", "fuse.sshfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.vmhgfs-fuse", "fuse.grpcfuse"),
    ],
)
def test_what_is_shared_with_other_hosts_is_known(kind: str) -> None:
    assert is_network(kind)


@pytest.mark.parametrize(
    "kind",
    [
        *("ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "apfs", "bcachefs", "f2fs", "ecryptfs", "unheard-of"),
        *("fuseblk", "fuse.fuse-overlayfs"),
    ],
)
def test_what_is_local_or_not_known_passes(kind: str) -> None:
    assert not is_network(kind)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger in a folder of its own."""
    folder = tmp_path / "it's ours"
    folder.mkdir(mode=0o700)
    (folder / "ledger").touch(mode=0o600)
    return folder / "ledger"


def test_a_ledger_of_one_user_on_a_disk_is_not_doubted(path: Path) -> None:
    assert doubt_about(path) is None
    path.unlink()
    assert doubt_about(path) is None
    path.parent.rmdir()
    assert doubt_about(path) is None


def test_a_network_file_system_is_named_with_two_ways_out(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 8:1 / / rw - ext4 a rw\n2 1 0:9 / {tmp_path} rw - nfs4 nas:/state rw\n")
    monkeypatch.setattr(_folder, "MOUNTS", mounts)
    doubt = str(doubt_about(path))
    assert f"it lies on nfs4, mounted at {tmp_path}" in doubt and "local disk" in doubt and "postgresql://" in doubt


def test_where_nothing_tells_of_mounts_every_file_system_passes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_folder, "MOUNTS", path / "nothing")
    assert doubt_about(path) is None


@pytest.mark.parametrize("part", ["folder", "file", "log"])
@pytest.mark.parametrize(
    ("mode", "is_refused"), [(0o700, False), (0o755, False), (0o720, True), (0o702, True), (0o775, True), (0o777, True)]
)
def test_what_others_may_write_is_named_with_chmod_as_a_way_out(
    path: Path, part: str, mode: int, is_refused: bool
) -> None:
    place = {"folder": path.parent, "file": path, "log": path.with_name("ledger-wal")}[part]
    if part == "log":
        place.touch()
    place.chmod(mode)
    doubt: Optional[str] = doubt_about(path)
    assert (doubt is not None) is is_refused
    if doubt is not None:
        assert f"may write to {place} (mode {mode:04o})" in doubt and "chmod go-w '" in doubt


def test_nobody_is_told_to_change_the_mode_of_a_folder_that_all_share(path: Path) -> None:
    path.parent.chmod(0o1777)
    doubt = str(doubt_about(path))
    assert "(mode 1777)" in doubt and "chmod" not in doubt and "a folder of its own" in doubt
