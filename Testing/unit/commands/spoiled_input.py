"""A good case, the tools to spoil it, and what a refusal must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

MODEL = "t790m-spine-demo"


RESAMPLED = "was not drawn on this image's grid and was resampled"


GRID = "does not lie on the image's grid"


@dataclass(frozen=True)
class Desk:
    """A good case of one sequence in a folder, and the tools to spoil it."""

    folder: Path
    image: sitk.Image
    mask: sitk.Image
    nrrd: Callable[..., Path]
    nifti: Callable[..., Path]

    def save(self, image: sitk.Image, name: str = "spoiled.nrrd") -> Path:
        sitk.WriteImage(image, str(self.folder / name))
        return self.folder / name

    def text(self, text: str, name: str) -> Path:
        (self.folder / name).write_text(text, encoding="utf-8")
        return self.folder / name

    def shortened(self, name: str, keep: float = 0.5) -> Path:
        path = self.save(self.image, name)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * keep)])
        return path

    def voxels(self) -> np.ndarray:
        return sitk.GetArrayFromImage(self.image)

    def image_with(self, value: float, place: tuple[int, int, int]) -> sitk.Image:
        image = sitk.Cast(self.image, sitk.sitkFloat32)
        image[place] = value
        return image

    def empty_mask(self) -> sitk.Image:
        return self.mask * 0

    def moved_mask(self, *voxels: float) -> sitk.Image:
        mask = sitk.Image(self.mask)
        mask.SetOrigin(mask.TransformContinuousIndexToPhysicalPoint(voxels))
        return mask

    def stretched_mask(self) -> sitk.Image:
        mask = sitk.Image(self.mask)
        mask.SetSpacing((1.0, 1.0, 3.3))
        return mask

    def flipped_mask(self) -> sitk.Image:
        """Its axes i and j run the other way through the same box."""
        mask = sitk.Image(self.mask)
        mask.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
        mask.SetOrigin((23.0, 23.0, 0.0))
        return mask

    def mask_of(self, *boxes: tuple[slice, slice, slice]) -> sitk.Image:
        """Each box of voxels (i, j, k) with a label of its own."""
        mask = self.empty_mask()
        for label, box in enumerate(boxes, start=1):
            mask[box] = label
        return mask

    def arguments(
        self, command: str = "maps", *, image: Path | None = None, mask: Path | None = None, **sequences: Path
    ) -> list[str]:
        """A call without --out; ``score`` gets the good case as T2FS, too."""
        good = self.folder / "t1.nrrd", self.folder / "t1-mask.nrrd"
        found = {"T1W": (image or good[0], mask or good[1])}
        if command == "score":
            found["T2FS"] = good
        arguments = [command] if command == "maps" else [command, "--model", MODEL]
        for name, paths in found.items():
            arguments += ["--image", f"{name}={paths[0]}", "--mask", f"{name}={paths[1]}"]
        return arguments


Refused = Callable[..., str]


Spoil = Callable[[Desk], Path]


def tree(folder: Path) -> dict[Path, bytes | None]:
    """Every folder (None) and file below, with what the files hold."""
    return {path: path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


COMMANDS = pytest.mark.parametrize("command", ["maps", "score"])
