"""A good case in a folder, a program that must refuse, and a model file to spoil."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.model import load_model, model_text

from .spoiled_input import MODEL, Desk, Refused, tree


@pytest.fixture
def desk(
    tmp_path: Path,
    tiny_image: sitk.Image,
    tiny_mask: sitk.Image,
    nrrd_by_hand: Callable[..., Path],
    nifti_by_hand: Callable[..., Path],
) -> Desk:
    folder = tmp_path / "case"
    folder.mkdir()
    desk = Desk(folder, tiny_image, tiny_mask, nrrd_by_hand, nifti_by_hand)
    desk.save(tiny_image, "t1.nrrd")
    desk.save(tiny_mask, "t1-mask.nrrd")
    return desk


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs the program, which must refuse and leave every file as it was; returns its sentence."""

    def run(*arguments: str, says: Sequence[str], out: Path | None = None) -> str:
        before = tree(tmp_path)
        status = main([*arguments, "--out", str(out or tmp_path / "new" / "out")])
        told = capsys.readouterr()
        assert status == 2, told
        assert told.out == ""
        sentence = told.err.partition("habitat-radiomics: ")[2]
        for fragment in says:
            assert fragment in sentence
        assert "Traceback" not in told.err
        assert "::" not in sentence  # no words of C++
        assert sentence.endswith(".\n") or "\n  - " in sentence  # a list of problems has no full stop
        assert tree(tmp_path) == before
        return sentence

    return run


@pytest.fixture(scope="module")
def good_model() -> str:
    return model_text(load_model(MODEL))
