"""Installs the packages that the library needs on first use, after the user agreed."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from HabitatRadiomicsLib.errors import Cancelled, HabitatRadiomicsError
from HabitatRadiomicsLib.scene.command import python_program
from HabitatRadiomicsLib.system.installation import InstallationPlan, install, plan_installation
from HabitatRadiomicsLib.system.installation.dependencies import missing

_MEGABYTE = 1_000_000


def packages_ready() -> tuple[bool, str]:
    """Whether all packages are installed; if not, asks the user and installs them.

    Returns:
        True and nothing; or False and what to do, in sentences. Then Slicer is as it was.
    """
    if not missing():
        return True, ""
    window = _ProgressWindow()
    try:
        plan = plan_installation(python_program(), progress=window.report)
        window.hide()
        if not slicer.util.confirmYesNoDisplay(question(plan), windowTitle=_("Install packages?")):
            return False, _("The packages were not installed. Press Apply again to be asked again.")
        window.show()
        install(plan, python=python_program(), progress=window.report)
    except Cancelled:
        return False, _("The installation was cancelled; nothing was changed. Press Apply to be asked again.")
    except HabitatRadiomicsError as error:
        return False, str(error)
    finally:
        window.close()
    return True, ""


def question(plan: InstallationPlan) -> str:
    """The question: what would be installed, the size of each download, and that nothing else changes."""
    lines = [f"{package.name} {package.version}  ({_size(package.size)})" for package in plan.packages]
    return "\n".join(
        [
            _("Habitat Radiomics needs these packages from the Python Package Index:"),
            "",
            *lines,
            "",
            _("Together {size} to download. Packages that 3D Slicer has are not changed.").format(
                size=_size(plan.size)
            ),
            _("Install them now?"),
        ]
    )


def _size(size: int | None) -> str:
    if size is None:
        return _("size unknown")
    return f"{size / _MEGABYTE:.1f} MB"


class _ProgressWindow:
    """A modal window with a bar, some words and Cancel."""

    def __init__(self) -> None:
        self._dialog = qt.QProgressDialog(slicer.util.mainWindow())
        self._dialog.setWindowTitle(_("Habitat Radiomics: packages"))
        self._dialog.setLabelText(_("Finding out what is needed ..."))
        self._dialog.setRange(0, 100)
        self._dialog.setMinimumDuration(0)
        self._dialog.setAutoClose(False)
        self._dialog.setAutoReset(False)
        self._dialog.setWindowModality(qt.Qt.ApplicationModal)
        self._dialog.show()

    def report(self, fraction: float, words: str) -> None:
        """Progress of the library; lets the window live.

        Raises:
            Cancelled: the user pressed Cancel.
        """
        self._dialog.setValue(int(100 * fraction))
        self._dialog.setLabelText(words[-90:])
        slicer.app.processEvents()
        if self._dialog.wasCanceled:
            raise Cancelled

    def hide(self) -> None:
        """While the question is asked."""
        self._dialog.hide()

    def show(self) -> None:
        """Again."""
        self._dialog.show()

    def close(self) -> None:
        """For good."""
        self._dialog.close()
        self._dialog.deleteLater()
