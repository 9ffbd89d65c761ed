"""Folders as the kubelet mounts ConfigMaps and Secrets, and swaps them when they change."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path


class Mounted:
    """A mounted ConfigMap or Secret.

    It is laid out as Kubernetes' ``AtomicWriter`` does it: ``..data`` is a link to a folder whose
    name has a time, each file is a link that leads through ``..data``, and a swap renames a new
    link over ``..data``, removes the old folder, and then corrects the links of the files.
    """

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self.folder = folder
        self._number = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.swap(files)

    def swap(self, files: Mapping[str, str]) -> None:
        """Put other files in place of all that are there."""
        self.begin(files)
        self.end(files)

    def begin(self, files: Mapping[str, str]) -> None:
        """Swap the folder, and remove the old one; the links of the files stay as they were."""
        self._number += 1
        name = f"..2026_11_29_02_27_14.{self._number:09}"
        fresh = self.folder / name
        fresh.mkdir()
        for file, text in files.items():
            (fresh / file).write_text(text)
        data = self.folder / "..data"
        old = data.resolve() if data.is_symlink() else None
        (self.folder / "..data_tmp").symlink_to(name)
        (self.folder / "..data_tmp").rename(data)
        if old is not None:
            shutil.rmtree(old)

    def end(self, files: Mapping[str, str]) -> None:
        """Make the links of new files, and remove those of files that are gone."""
        for path in self.folder.iterdir():
            if not path.name.startswith("..") and path.name not in files:
                path.unlink()
        for file in files:
            link = self.folder / file
            if not link.is_symlink():
                link.symlink_to(f"..data/{file}")
