"""What the slice views show of the results."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from HabitatRadiomicsLib.colours import habitat_colour
from HabitatRadiomicsLib.panel.widgets import connect, fill_selector, quiet
from HabitatRadiomicsLib.scene import views
from HabitatRadiomicsLib.scene.colours import ACTIVATION_OPACITY, ENTROPY_OPACITY, HABITAT_OPACITY
from HabitatRadiomicsLib.scene.parameters import Parameters
from HabitatRadiomicsLib.scene.result_nodes import ResultNodes, add_habitat_labelmap
from HabitatRadiomicsLib.scene.sequence_input import label_of

_COLUMNS = ("Habitat", "Volume [ml]", "Share", "Entropy [bits]", "Intensity")
#: Check boxes and sliders that are kept with the scene, with their initial values, by parameter.
_BOXES = {
    "shown.entropy": ("entropyCheckBox", True),
    "shown.habitats": ("habitatsCheckBox", True),
    "shown.activation": ("activationCheckBox", False),
}
_SLIDERS = {
    "shown.entropyOpacity": ("entropyOpacitySlider", ENTROPY_OPACITY),
    "shown.habitatOpacity": ("habitatOpacitySlider", HABITAT_OPACITY),
    "shown.activationOpacity": ("activationOpacitySlider", ACTIVATION_OPACITY),
}


class MapsSection:
    """Sequence, opacities, the habitats in numbers, and the way back to the previous view."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._results: ResultNodes | None = None
        self._parameters: Parameters  # from show_results() on
        self._before: views.ViewState | None = None
        table = ui.habitatTable
        table.setColumnCount(len(_COLUMNS))
        table.setHorizontalHeaderLabels([_(name) for name in _COLUMNS])
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.verticalHeader().setVisible(False)
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        table.horizontalHeader().setStretchLastSection(True)
        table.setWordWrap(False)
        connect(ui.shownSequenceSelector, "currentIndexChanged(int)", self._sequence_chosen)
        # The slice views have one overlay: either box switches the other off.
        connect(ui.entropyCheckBox, "toggled(bool)", lambda on: self._overlay_toggled(ui.activationCheckBox, on))
        connect(ui.activationCheckBox, "toggled(bool)", lambda on: self._overlay_toggled(ui.entropyCheckBox, on))
        connect(ui.habitatsCheckBox, "toggled(bool)", lambda on: self._apply_appearance())
        for widget, _opacity in _SLIDERS.values():
            connect(getattr(ui, widget), "valueChanged(double)", lambda value: self._apply_appearance())
        connect(table, "cellClicked(int,int)", self._habitat_clicked)
        connect(ui.showMapsButton, "clicked(bool)", lambda checked: self.show_maps())
        connect(ui.previousViewButton, "clicked(bool)", self._go_back)
        connect(ui.labelmapButton, "clicked(bool)", self._make_labelmap)

    @property
    def sequence(self) -> str:
        """The sequence shown."""
        return self._ui.shownSequenceSelector.currentData or ""

    def show_results(self, results: ResultNodes | None, parameters: Parameters) -> None:
        """Fill the section; the slice views do not change."""
        self._results, self._parameters = results, parameters
        ui = self._ui
        ui.mapsSection.visible = results is not None
        ui.mapsSection.collapsed = results is None
        sequences = () if results is None else tuple(results.entropy)
        items = [(label_of(name), name) for name in sequences]
        fill_selector(ui.shownSequenceSelector, items, parameters.text("shown.sequence"))
        for name, (widget, checked) in _BOXES.items():
            with quiet(getattr(ui, widget)):
                getattr(ui, widget).checked = parameters.text(name, str(int(checked))) == "1"
        for name, (widget, opacity) in _SLIDERS.items():
            with quiet(getattr(ui, widget)):
                getattr(ui, widget).value = float(parameters.text(name, str(opacity)))
        self._fill_table()
        for widget in (ui.activationCheckBox, ui.activationOpacitySlider):
            widget.visible = results is not None and bool(results.activation)

    def show_maps(self) -> None:
        """Show the chosen sequence in the slice views; the previous view can be restored."""
        self.remember_view()
        if self._results is not None:
            views.show_maps(slicer.mrmlScene, self._results, self.sequence)
            self._apply_appearance()

    def show_habitat(self, sequence: str, region: str) -> None:
        """Show one habitat, or the whole lesion, of a sequence in the slice views."""
        self.remember_view()
        if self._results is not None and sequence in self._results.entropy:
            with quiet(self._ui.shownSequenceSelector):
                self._ui.shownSequenceSelector.setCurrentIndex(self._ui.shownSequenceSelector.findData(sequence))
            self._fill_table()
            views.show_habitat(slicer.mrmlScene, self._results, sequence, region)
            self._apply_appearance()

    def forget_view(self) -> None:
        """The scene was closed: there is no previous view to restore."""
        self._before = None
        self._ui.previousViewButton.enabled = False

    def remember_view(self) -> None:
        """Keep what is shown now, for the way back, unless an earlier view is kept already."""
        if self._before is None:
            self._before = views.ViewState.now(slicer.mrmlScene)
            self._ui.previousViewButton.enabled = True

    def _go_back(self, checked: bool = False) -> None:
        if self._before is not None:
            self._before.restore(slicer.mrmlScene)
        self.forget_view()

    def _sequence_chosen(self, index: int) -> None:
        self._fill_table()
        self.show_maps()

    def _overlay_toggled(self, other_box: Any, on: bool) -> None:
        if on:
            with quiet(other_box):
                other_box.checked = False
        self._apply_appearance()

    def _apply_appearance(self) -> None:
        ui, results = self._ui, self._results
        if results is None:
            return
        has_activation = self.sequence in results.activation
        for widget in (ui.activationCheckBox, ui.activationOpacitySlider):
            widget.visible = bool(results.activation)
            widget.enabled = has_activation
        shows_activation = has_activation and ui.activationCheckBox.checked
        shows_overlay = shows_activation or ui.entropyCheckBox.checked
        slider = ui.activationOpacitySlider if shows_activation else ui.entropyOpacitySlider
        overlay = (results.activation if shows_activation else results.entropy).get(self.sequence)
        views.set_overlay(slicer.mrmlScene, results, overlay, slider.value if shows_overlay else 0.0)
        for node in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode"):
            if node.GetDisplayableNode() in (*results.entropy.values(), *results.activation.values()):
                node.SetVisibility(shows_overlay and node.GetDisplayableNode() is overlay)
        for name, segmentation in results.habitats.items():
            segmentation.SetDisplayVisibility(ui.habitatsCheckBox.checked and name == self.sequence)
        views.set_habitat_opacity(results, ui.habitatOpacitySlider.value)
        self._parameters.set_text("shown.sequence", self.sequence)
        for name, (widget, _checked) in _BOXES.items():
            self._parameters.set_text(name, str(int(getattr(ui, widget).checked)))
        for name, (widget, _opacity) in _SLIDERS.items():
            self._parameters.set_text(name, f"{getattr(ui, widget).value:.2f}")

    def _fill_table(self) -> None:
        rows = self._rows()
        table = self._ui.habitatTable
        table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            texts = (
                row["name"], f"{row['volume_ml']:.2f}", f"{row['fraction']:.0%}",
                f"{row['entropy_mean_bits']:.2f} ± {row['entropy_sd_bits']:.2f}",
                f"{row['intensity_mean']:.4g} ± {row['intensity_sd']:.3g}",
            )  # fmt: skip
            for column, text in enumerate(texts):
                table.setItem(number, column, qt.QTableWidgetItem(text))
            square = qt.QPixmap(12, 12)
            square.fill(qt.QColor(habitat_colour(int(row["name"][1:]) - 1)))
            table.item(number, 0).setIcon(qt.QIcon(square))
        table.resizeRowsToContents()
        frame = 2 * table.frameWidth
        table.setFixedHeight(frame + table.horizontalHeader().sizeHint.height() + table.verticalHeader().length())

    def _rows(self) -> list[dict[str, Any]]:
        if self._results is None:
            return []
        maps = self._results.content["maps"]["sequences"].get(self.sequence)
        return [] if maps is None else list(maps["habitats"])

    def _habitat_clicked(self, row: int, column: int) -> None:
        self.show_habitat(self.sequence, self._ui.habitatTable.item(row, 0).text())

    def _make_labelmap(self, checked: bool = False) -> None:
        if self._results is not None:
            add_habitat_labelmap(slicer.mrmlScene, self._results, self.sequence)
