"""Installs the packages that the library needs on first use, after the user agreed."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from HabitatRadiomicsLib.errors import Cancelled, DependencyError
from HabitatRadiomicsLib.scene.command import python_program
from HabitatRadiomicsLib.system.installation import InstallationPlan, install, plan_installation
from HabitatRadiomicsLib.system.installation.dependencies import missing

_MEGABYTE = 1_000_000


def ensure_packages() -> None:
    """Install the packages that are missing, after the user agreed.

    Raises:
        HabitatRadiomicsError: the user declined or cancelled, or the installation failed; Slicer is unchanged.
    """
    if not missing():
        return
    window = _progress_window()

    def report(fraction: float, words: str) -> None:
        window.setValue(int(100 * fraction))
        window.setLabelText(words[-90:])
        slicer.app.processEvents()
        if window.wasCanceled:
            raise Cancelled

    try:
        plan = plan_installation(python_program(), progress=report)
        window.hide()
        if not slicer.util.confirmYesNoDisplay(_question(plan), windowTitle=_("Install packages?")):
            raise DependencyError(
                _("The packages were not installed."), remedy=_("Press Apply again to be asked again.")
            )
        window.show()
        install(plan, python=python_program(), progress=report)
    except Cancelled as error:
        raise DependencyError(
            _("The installation was cancelled; nothing was changed."), remedy=_("Press Apply to be asked again.")
        ) from error
    finally:
        window.close()
        window.deleteLater()


def _question(plan: InstallationPlan) -> str:
    """What would be installed, the size of each download, and that nothing else changes."""
    packages = [f"{package.name} {package.version}  ({_size(package.size)})" for package in plan.packages]
    download = _("Together {size} to download. Packages that 3D Slicer has are not changed.")
    lines = [
        _("Habitat Radiomics needs these packages from the Python Package Index:"),
        "",
        *packages,
        "",
        download.format(size=_size(plan.size)),
        _("Install them now?"),
    ]
    return "\n".join(lines)


def _size(size: int | None) -> str:
    return _("size unknown") if size is None else f"{size / _MEGABYTE:.1f} MB"


def _progress_window() -> Any:
    """A modal window with a bar, some words and Cancel."""
    window = qt.QProgressDialog(slicer.util.mainWindow())
    window.setWindowTitle(_("Habitat Radiomics: packages"))
    window.setLabelText(_("Finding out what is needed ..."))
    window.setRange(0, 100)
    window.setMinimumDuration(0)
    window.setAutoClose(False)
    window.setAutoReset(False)
    window.setWindowModality(qt.Qt.ApplicationModal)
    window.show()
    return window
