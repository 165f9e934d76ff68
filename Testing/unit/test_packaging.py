"""What CMake packages for 3D Slicer is the tree, and what the Extensions Index is told is true."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

_SITE = "https://github.com/HabitatRadiomics/SlicerHabitatRadiomics"
_RAW = "https://raw.githubusercontent.com/HabitatRadiomics/SlicerHabitatRadiomics/main/"

#: Slicer's macros, as far as they matter here: files are copied below the folder of the scripted modules.
_STAND_IN = """
cmake_minimum_required(VERSION 3.20)
project(Packaging NONE)
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR qt-scripted-modules)
set(BUILD_TESTING ON)
macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MY "WITH_SUBDIR;WITH_GENERIC_TESTS" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  set(folder ${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR})
  if(MY_WITH_SUBDIR)
    get_filename_component(name ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    set(folder ${folder}/${name})
  endif()
  foreach(file ${MY_SCRIPTS} ${MY_RESOURCES})
    configure_file(${file} ${folder}/${file} COPYONLY)
  endforeach()
endmacro()
macro(slicer_add_python_unittest)
endmacro()
macro(slicer_add_python_test)
endmacro()
"""


def _cmake_list(text: str, name: str) -> list[str]:
    match = re.search(rf"set\({name}\n(.*?)\n  \)", text, re.DOTALL)
    assert match, name
    return match[1].replace("${MODULE_NAME}", "HabitatRadiomics").split()


def _files(folder: Path) -> list[str]:
    found = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return sorted(path.relative_to(folder).as_posix() for path in found if path.name != "CMakeLists.txt")


def _assert_same(listed: list[str], expected: list[str], name: str) -> None:
    lines = "\n".join(f"  {file}" for file in expected)
    assert listed == expected, f"{name} should be:\n{lines}"


def test_every_file_of_the_library_is_listed(checkout: Path) -> None:
    text = (checkout / "HabitatRadiomicsLib" / "CMakeLists.txt").read_text(encoding="utf-8")
    files = _files(checkout / "HabitatRadiomicsLib")
    scripts = [file for file in files if file.endswith(".py")]
    _assert_same(_cmake_list(text, "MODULE_PYTHON_SCRIPTS"), scripts, "MODULE_PYTHON_SCRIPTS")
    rest = [file for file in files if not file.endswith(".py")]
    _assert_same(_cmake_list(text, "MODULE_PYTHON_RESOURCES"), rest, "MODULE_PYTHON_RESOURCES")


def test_every_shared_resource_is_listed(checkout: Path) -> None:
    text = (checkout / "HabitatRadiomicsLib" / "CMakeLists.txt").read_text(encoding="utf-8")
    kinds = ("Checklists", "Features", "Models", "Networks", "Protocols")
    files = [file for file in _files(checkout / "Resources") if file.split("/")[0] in kinds]
    _assert_same(_cmake_list(text, "SHARED_RESOURCES"), files, "SHARED_RESOURCES")


def test_every_file_of_the_module_is_listed(checkout: Path) -> None:
    text = (checkout / "HabitatRadiomics" / "CMakeLists.txt").read_text(encoding="utf-8")
    listed = _cmake_list(text, "MODULE_PYTHON_SCRIPTS") + _cmake_list(text, "MODULE_PYTHON_RESOURCES")
    _assert_same(listed, _files(checkout / "HabitatRadiomics"), "the lists of the module")
    assert (checkout / "Testing" / "slicer" / "run_all.py").is_file()


@pytest.mark.skipif(shutil.which("cmake") is None, reason="there is no CMake")
def test_the_package_works_where_it_is_installed(checkout: Path, tmp_path: Path) -> None:
    """CMake puts the files together, and Python finds all that it needs in the result alone."""
    folders = "".join(
        f"add_subdirectory({checkout / name} {name})\n" for name in ("HabitatRadiomics", "HabitatRadiomicsLib")
    )
    (tmp_path / "CMakeLists.txt").write_text(_STAND_IN + folders, encoding="utf-8")
    command = ["cmake", "-S", str(tmp_path), "-B", str(tmp_path / "build")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    modules = tmp_path / "build" / "qt-scripted-modules"
    # Slicer takes each of these for a module.
    assert [path.name for path in modules.glob("*.py")] == ["HabitatRadiomics.py"]
    code = f"""
import sys
sys.path.insert(0, {str(modules)!r})
from HabitatRadiomicsLib.system.resources import resources_folder
print(resources_folder())
from HabitatRadiomicsLib.commands.program import main
main(["models"])
"""
    done = subprocess.run([sys.executable, "-P" if sys.version_info >= (3, 11) else "-B", "-c", code],
                          cwd=tmp_path, capture_output=True, encoding="utf-8")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(modules / "HabitatRadiomicsLib" / "Resources")
    assert "t790m-spine-demo" in done.stdout


def test_extension_metadata(checkout: Path) -> None:
    text = (checkout / "CMakeLists.txt").read_text(encoding="utf-8")
    found = dict(re.findall(r'set\((EXTENSION_\w+) "([^"]*)"\)', text))
    assert text.startswith("cmake_minimum_required(VERSION 3.28.0...")
    assert re.findall(r"^project\((\w+)\)", text, re.MULTILINE) == ["HabitatRadiomics"]
    assert found["EXTENSION_HOMEPAGE"] == _SITE
    assert found["EXTENSION_CONTRIBUTORS"] == "The Habitat Radiomics contributors"
    assert "Research use only" in found["EXTENSION_DESCRIPTION"]
    assert found["EXTENSION_DEPENDS"] == "NA"
    pictures = [found["EXTENSION_ICONURL"], *found["EXTENSION_SCREENSHOTURLS"].split()]
    assert len(pictures) >= 2
    for address in pictures:
        assert address.startswith(_RAW)
        assert (checkout / address.removeprefix(_RAW)).is_file(), address


def test_entry_of_the_extensions_index(checkout: Path) -> None:
    entry = json.loads((checkout / "Resources" / "HabitatRadiomics.json").read_text(encoding="utf-8"))
    assert entry == {
        "$schema": "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/"
        "slicer-extension-catalog-entry-schema-v1.0.1.json#",
        "build_dependencies": [],
        "build_subdirectory": ".",
        "category": "Quantification",
        "scm_revision": "main",
        "scm_url": f"{_SITE}.git",
        "tier": 1,
    }


def test_icon_is_128_pixels_with_transparency(checkout: Path) -> None:
    data = (checkout / "HabitatRadiomics" / "Resources" / "Icons" / "HabitatRadiomics.png").read_bytes()
    width, height, _, colour_type = struct.unpack(">IIBB", data[16:26])
    assert (width, height) == (128, 128)
    assert colour_type == 6  # red, green, blue, alpha
