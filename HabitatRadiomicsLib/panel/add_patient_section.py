"""Adds the patient of the Patient tab to the tables of a cohort."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.panel.first_use import ensure_packages
from HabitatRadiomicsLib.panel.widgets import PROBLEM, QUIET, connect

_NO_SUCH_CASE = "-"


class AddPatientSection:
    """Binds the widgets of *Add current patient*; the Cohort tab names the tables."""

    def __init__(self, ui: Any, current_case: Callable[[str], Case | None], on_added: Callable[[], None]) -> None:
        """Connect the widgets.

        Args:
            current_case: returns the patient of the Patient tab as a case of the given identifier, or None.
            on_added: called when the tables have changed.
        """
        self.ui = ui
        self._current_case = current_case
        self._on_added = on_added
        for text, outcome in ((_("unknown"), ""), ("0", "0"), ("1", "1")):
            ui.outcomeSelector.addItem(text, outcome)
        connect(ui.caseIdEdit, "textChanged(QString)", lambda text: self.update())
        connect(ui.addPatientButton, "clicked(bool)", self._add_patient)

    def update(self) -> None:
        """Show what is missing, and enable the button if the patient can be added."""
        problem = ""
        if self._current_case(_NO_SUCH_CASE) is None:
            problem = _("First choose images and lesions in the Patient tab.")
        elif not self.ui.imagesPathEdit.currentPath:
            problem = _("Name the table of images above; it is created if it does not exist.")
        elif not self.ui.caseIdEdit.text.strip():
            problem = _("Give the patient an identifier.")
        self.ui.addPatientButton.enabled = not problem
        # The result of the last click stays until something is missing.
        if problem or self.ui.addPatientLabel.styleSheet == QUIET:
            self._say(problem, QUIET if problem else "")

    def _add_patient(self, checked: bool = False) -> None:
        images, clinical = Path(self.ui.imagesPathEdit.currentPath), self.ui.clinicalPathEdit.currentPath
        try:
            ensure_packages()
            from HabitatRadiomicsLib.cases.cohort import add_to_cohort

            case = self._current_case(self.ui.caseIdEdit.text.strip())
            if case is None:  # the images have changed since the button was enabled
                self.update()
                return
            add_to_cohort(
                images,
                case,
                timepoint=self.ui.timepointEdit.text.strip() or "baseline",
                clinical=Path(clinical) if clinical else None,
                outcome=self.ui.outcomeSelector.currentData or "",
            )
        except HabitatRadiomicsError as error:
            self._say(str(error), PROBLEM)
            return
        self.ui.caseIdEdit.text = ""
        self._on_added()
        self._say(_("{case} was added to {table}.").format(case=case.case_id, table=images.name), "")

    def _say(self, text: str, style: str) -> None:
        # Never hidden or shown: the section may be collapsed.
        self.ui.addPatientLabel.setStyleSheet(style)
        self.ui.addPatientLabel.text = text
