"""Plays ``Slicer --testing --additional-module-paths DIR --python-script SCRIPT``: runs a script in the stand-in.

The exit status is the script's; an exception that nobody catches gives 1.
"""

from __future__ import annotations

import argparse
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
# The names of this folder's modules are not for everybody.
sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != _HERE]


def main() -> int:
    """Run the script of the command line."""
    parser = argparse.ArgumentParser(description="Run a script in the stand-in for 3D Slicer.")
    parser.add_argument("--no-main-window", action="store_true", help="there is no layout manager either")
    parser.add_argument("--additional-module-paths", type=Path, action="append", default=[], metavar="DIR")
    parser.add_argument("script", type=Path)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()

    stand_in = _install()
    stand_in.application.show_main_window(not options.no_main_window)
    for folder in options.additional_module_paths:
        _import_modules(stand_in, folder)
    stand_in.start_up()
    sys.argv[:] = [str(options.script), *options.arguments]
    status = _run(options.script)
    stand_in.reset()
    return status


def _install() -> Any:
    sys.path.insert(0, str(_HERE.parent))
    from standin.install import install_gui

    sys.path.pop(0)
    return install_gui(testing=True)


def _import_modules(stand_in: Any, folder: Path) -> None:
    from standin.loader import is_module_file

    for path in sorted(folder.glob("*.py")):
        if is_module_file(path):
            stand_in.import_module(path.resolve())


def _run(script: Path) -> int:
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as request:
        if request.code is None or isinstance(request.code, int):
            return request.code or 0
        print(request.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
