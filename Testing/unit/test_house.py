"""The house's own rules: order of the rooms, no Slicer in the library, lint, types, sizes, resources."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from HabitatRadiomicsLib.model import bundled_models, load_model
from HabitatRadiomicsLib.protocol import bundled_protocols, load_protocol

#: Each room may import rooms above it, and itself. Only 'scene' may know MRML and VTK, only 'panel' the widgets too.
ROOMS = (
    "errors",
    "progress",
    "colours",
    "outputs",
    "system",
    "protocol",
    "cases",
    "imaging",
    "statistics",
    "habitats",
    "features",
    "model",
    "extraction",
    "learning",
    "scoring",
    "validation",
    "training",
    "reporting",
    "scene",
    "panel",
    "commands",
)
_MRML = {"slicer", "vtk"}
_WIDGETS = {"qt", "ctk", "PythonQt"}
_LINES = 400


def _files(checkout: Path) -> list[Path]:
    files = sorted((checkout / "HabitatRadiomicsLib").rglob("*.py"))
    assert len(files) > 50
    return files


def _room(checkout: Path, file: Path) -> str:
    return file.relative_to(checkout / "HabitatRadiomicsLib").parts[0].removesuffix(".py")


def _imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def test_rooms_import_only_rooms_above(checkout: Path) -> None:
    wrong = []
    for file in _files(checkout):
        room = _room(checkout, file)
        if room in ("__init__", "__main__"):
            continue
        assert room in ROOMS, f"{file} belongs to no room"
        for name in _imports(file):
            parts = name.split(".")
            if parts[0] != "HabitatRadiomicsLib" or parts[1] not in ROOMS:
                continue
            if ROOMS.index(parts[1]) > ROOMS.index(room):
                wrong.append(f"{file.relative_to(checkout)} imports {name}")
    assert wrong == []


def test_root_of_the_library_is_small(checkout: Path) -> None:
    entries = [path for path in (checkout / "HabitatRadiomicsLib").iterdir() if path.name != "__pycache__"]
    assert {path.name for path in entries if path.is_dir()} <= set(ROOMS)
    assert len([path for path in entries if path.suffix == ".py"]) <= 6


def test_rooms_say_what_comes_in_and_what_goes_out(checkout: Path) -> None:
    for file in (checkout / "HabitatRadiomicsLib").glob("*/__init__.py"):
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        assert re.search(r"^In: .*; out: .*mport", docstring, re.MULTILINE | re.DOTALL), file


def test_a_frozen_model_knows_nothing_of_learning(tmp_path: Path) -> None:
    """Scoring a patient, with explanation and report, loads no module that learns."""
    code = f"""
import sys
from pathlib import Path
from HabitatRadiomicsLib.cases.synthetic import synthetic_patient
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.reporting import write_score
write_score(Path({str(tmp_path)!r}), score_case(synthetic_patient(101, seed=3).case, load_model("t790m-spine-demo")))
rooms = {{name.split(".")[1] for name in sys.modules if name.startswith("HabitatRadiomicsLib.")}}
print(sorted(rooms & {{"learning", "validation", "training"}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_only_scene_and_panel_know_slicer(checkout: Path) -> None:
    allowed = {"scene": _MRML, "panel": _MRML | _WIDGETS}
    wrong = [
        f"{file.relative_to(checkout)} imports {name}"
        for file in _files(checkout)
        for name in _imports(file)
        if name.split(".")[0] in (_MRML | _WIDGETS) - allowed.get(_room(checkout, file), set())
    ]
    assert wrong == []


def test_files_stay_small(checkout: Path) -> None:
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in _files(checkout)}
    assert {file: length for file, length in lengths.items() if length > _LINES} == {}


def test_library_does_not_print(checkout: Path) -> None:
    talkative = []
    for file in _files(checkout):
        if _room(checkout, file) == "commands":
            continue
        calls = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        talkative += [file for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    assert talkative == []


def _unnamed_encodings(file: Path) -> list[int]:
    """The lines that read or write text in whatever encoding the system, or a library loaded before, has set."""
    lines = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        named = any(keyword.arg in ("encoding", None) for keyword in node.keywords)
        text = any(keyword.arg in ("text", "universal_newlines") for keyword in node.keywords)
        texts = {"read_text": 0, "write_text": 1}
        if not named and (text or len(node.args) == texts.get(node.func.attr)):
            lines.append(node.lineno)
        modes = [argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)]
        of_path = node.func.attr == "open" and (not node.args or (modes and set(str(modes[0])) <= set("rwaxt+")))
        if not named and of_path:
            lines.append(node.lineno)
    return lines


def test_text_files_name_their_encoding(checkout: Path) -> None:
    files = [
        file
        for part in ("HabitatRadiomicsLib", "HabitatRadiomics", "Testing")
        for file in (checkout / part).rglob("*.py")
    ]
    assert [f"{file.relative_to(checkout)}:{line}" for file in files for line in _unnamed_encodings(file)] == []


@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]],
    ids=["ruff-check", "ruff-format", "mypy"],
)
def test_lint_and_types(checkout: Path, command: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=checkout, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr


def test_import_is_light() -> None:
    """Importing the command line must not load the heavy packages, so that --help answers at once."""
    code = (
        "import sys, HabitatRadiomicsLib.commands.program; "
        "heavy = ('sklearn', 'matplotlib', 'pandas', 'shap', 'radiomics', 'scipy.stats'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"


def test_bundled_resources_are_valid() -> None:
    protocols = {name: load_protocol(name) for name in bundled_protocols()}
    assert {name: protocol.name for name, protocol in protocols.items()} == {name: name for name in protocols}
    assert "t790m-spine-mri" in protocols
    models = {name: load_model(name) for name in bundled_models()}
    assert models["t790m-spine-demo"].is_demonstration
