"""One list of requirements, the same as the package's own, and an honest look at what is missing."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

from HabitatRadiomicsLib.system.installation import dependencies
from HabitatRadiomicsLib.system.installation.dependencies import (
    DIPY,
    NETWORK_TRAINING,
    NUMBA,
    ONNXRUNTIME,
    PYRADIOMICS,
    REQUIREMENTS,
    Requirement,
    missing,
    private_folder,
)


def _quoted_lines(checkout: Path, start: str) -> list[str]:
    """The strings of a list in pyproject.toml; Python 3.10 has no TOML reader."""
    text = (checkout / "pyproject.toml").read_text(encoding="utf-8")
    block = text.split(start, 1)[1].split("]", 1)[0]
    lines = [line.strip() for line in block.splitlines() if not line.strip().startswith("#")]
    return [match[2] for line in lines for match in re.finditer(r"""(["'])(.*)\1""", line)]


def _with_marker(requirement: Requirement) -> str:
    marker = f'; python_version < "{requirement.python_below}"' if requirement.python_below else ""
    return requirement.specifier + marker


def test_requirements_are_those_of_the_package(checkout: Path) -> None:
    assert [_with_marker(row) for row in REQUIREMENTS] == _quoted_lines(checkout, "\ndependencies = [")
    assert [PYRADIOMICS.specifier] == _quoted_lines(checkout, "\npyradiomics = [")
    assert [DIPY.specifier] == _quoted_lines(checkout, "\ndiffusion = [")
    assert [NUMBA.specifier] == _quoted_lines(checkout, "\nfast = [")
    assert [ONNXRUNTIME.specifier] == _quoted_lines(checkout, "\ndeep = [")
    training = [row.specifier for row in (*NETWORK_TRAINING, ONNXRUNTIME)]
    assert training == _quoted_lines(checkout, "\ndeep-train = [")


def test_nothing_is_missing_here() -> None:
    assert missing() == []


def test_import_names_are_right() -> None:
    for row in REQUIREMENTS:
        if row.applies:
            files = importlib.metadata.files(row.distribution)
            assert files is not None
            assert row.module in {file.parts[0].removesuffix(".py") for file in files}


@pytest.mark.parametrize(
    ("version", "too_old"),
    [("1.9.9", True), ("2.0", False), ("2", False), ("2.0.0", False), ("2.0.1+local", False), ("10.0", False),
     ("2.0rc1", False), ("", False), (None, False)],
)  # fmt: skip
def test_versions_are_compared_by_number(monkeypatch: pytest.MonkeyPatch, version: str | None, too_old: bool) -> None:
    monkeypatch.setattr(Requirement, "installed", lambda requirement: version)
    assert Requirement("alpha", "alpha", "2.0").is_too_old() == too_old


def test_absent_and_old_ones_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    absent, old = Requirement("absent", "absent_module", "1.0"), Requirement("pytest", "pytest", "9999")
    elsewhere, nameless = (
        Requirement("absent", "absent_module", "1.0", python_below="3.0"),
        Requirement("x", "json", "1"),
    )
    monkeypatch.setattr(dependencies, "REQUIREMENTS", (absent, old, elsewhere, nameless))
    assert missing() == [absent, old]


def test_private_folder_is_on_no_path() -> None:
    assert str(private_folder()) not in sys.path


def test_shap_lacks_its_own_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dependencies.sys, "path", [str(tmp_path)])
    monkeypatch.setattr(dependencies, "REQUIREMENTS", ())
    monkeypatch.setattr(dependencies, "private_folder", lambda: tmp_path / "private")
    assert [row.specifier for row in missing()] == ["slicer==0.0.8"]
    (tmp_path / "private" / "slicer").mkdir(parents=True)
    (tmp_path / "private" / "slicer" / "slicer_internal.py").touch()
    info = tmp_path / "private" / "slicer-0.0.8.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slicer\nVersion: 0.0.8\n", encoding="utf-8")
    assert missing() == []


def test_only_the_standard_library_is_needed() -> None:
    """The installation runs where nothing is installed."""
    code = "from HabitatRadiomicsLib.system.installation import dependencies; print(len(dependencies.missing()) > 10)"
    command = [sys.executable, "-S", "-c", f"import sys; sys.path.append({str(Path(__file__).parents[3])!r}); {code}"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.stdout.strip() == "True", done.stderr
