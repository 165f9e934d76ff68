"""What the slice views show of the results."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from HabitatRadiomicsLib.colours import habitat_colour
from HabitatRadiomicsLib.panel.signals import connect, quiet
from HabitatRadiomicsLib.scene import views
from HabitatRadiomicsLib.scene.case_keys import label_of
from HabitatRadiomicsLib.scene.colours import ACTIVATION_OPACITY, ENTROPY_OPACITY, HABITAT_OPACITY
from HabitatRadiomicsLib.scene.parameters import Parameters
from HabitatRadiomicsLib.scene.result_nodes import ResultNodes, add_habitat_labelmap

_COLUMNS = ("Habitat", "Volume [ml]", "Share", "Entropy [bits]", "Intensity")


class MapsSection:
    """Sequence, opacities, the habitats in numbers, and the way back to the previous view."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._results: ResultNodes | None = None
        self._parameters: Parameters | None = None
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
        self._boxes = (ui.entropyCheckBox, ui.habitatsCheckBox, ui.activationCheckBox)
        connect(ui.entropyCheckBox, "toggled(bool)", self._entropy_toggled)
        connect(ui.habitatsCheckBox, "toggled(bool)", self._appearance_changed)
        connect(ui.activationCheckBox, "toggled(bool)", self._activation_toggled)
        for slider in (ui.entropyOpacitySlider, ui.habitatOpacitySlider, ui.activationOpacitySlider):
            connect(slider, "valueChanged(double)", self._appearance_changed)
        connect(table, "cellClicked(int,int)", self._habitat_clicked)
        connect(ui.showMapsButton, "clicked(bool)", self._show)
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
        with quiet(ui.shownSequenceSelector, *self._boxes):
            ui.shownSequenceSelector.clear()
            for name in results.entropy if results is not None else ():
                ui.shownSequenceSelector.addItem(label_of(name), name)
            shown = ui.shownSequenceSelector.findData(parameters.text("shown.sequence"))
            ui.shownSequenceSelector.setCurrentIndex(max(0, shown))
            ui.entropyCheckBox.checked = parameters.text("shown.entropy", "1") == "1"
            ui.habitatsCheckBox.checked = parameters.text("shown.habitats", "1") == "1"
            ui.activationCheckBox.checked = parameters.text("shown.activation") == "1"
        with quiet(ui.entropyOpacitySlider, ui.habitatOpacitySlider, ui.activationOpacitySlider):
            opacity = parameters.text("shown.activationOpacity", str(ACTIVATION_OPACITY))
            ui.activationOpacitySlider.value = float(opacity)
            ui.entropyOpacitySlider.value = float(parameters.text("shown.entropyOpacity", str(ENTROPY_OPACITY)))
            ui.habitatOpacitySlider.value = float(parameters.text("shown.habitatOpacity", str(HABITAT_OPACITY)))
        self._fill_table()
        for widget in (ui.activationCheckBox, ui.activationOpacitySlider):
            widget.visible = results is not None and bool(results.activation)

    def show_maps(self) -> None:
        """Show the chosen sequence in the slice views; the previous view can be restored."""
        self.remember_view()
        if self._results is not None:
            views.show_maps(slicer.mrmlScene, self._results, self.sequence)
            self._apply_appearance()

    @property
    def _shows_activation(self) -> bool:
        """The slice views have one overlay: entropy, or the activation of a sequence that has one."""
        has_activation = self._results is not None and self.sequence in self._results.activation
        return bool(has_activation and self._ui.activationCheckBox.checked)

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
        """Keep what is shown now, for the way back; what was kept before is older and stays."""
        if self._before is None:
            self._before = views.ViewState.now(slicer.mrmlScene)
            self._ui.previousViewButton.enabled = True

    def _go_back(self, checked: bool = False) -> None:
        if self._before is not None:
            self._before.restore(slicer.mrmlScene)
        self.forget_view()

    def _show(self, checked: bool = False) -> None:
        self.show_maps()

    def _sequence_chosen(self, index: int) -> None:
        self._fill_table()
        self.show_maps()

    def _entropy_toggled(self, checked: bool) -> None:
        if checked:
            with quiet(self._ui.activationCheckBox):
                self._ui.activationCheckBox.checked = False
        self._apply_appearance()

    def _activation_toggled(self, checked: bool) -> None:
        if checked:
            with quiet(self._ui.entropyCheckBox):
                self._ui.entropyCheckBox.checked = False
        self._apply_appearance()

    def _appearance_changed(self, value: object = None) -> None:
        self._apply_appearance()

    def _apply_appearance(self) -> None:
        ui, results, parameters = self._ui, self._results, self._parameters
        if results is None or parameters is None:
            return
        heat, bits = self._shows_activation, ui.entropyCheckBox.checked and not self._shows_activation
        for widget in (ui.activationCheckBox, ui.activationOpacitySlider):
            widget.visible = bool(results.activation)
            widget.enabled = self.sequence in results.activation
        slider = ui.activationOpacitySlider if heat else ui.entropyOpacitySlider
        opacity = slider.value if heat or bits else 0.0
        overlay = (results.activation if heat else results.entropy).get(self.sequence)
        views.set_overlay(slicer.mrmlScene, results, overlay, opacity)
        for node in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode"):
            if node.GetDisplayableNode() in (*results.entropy.values(), *results.activation.values()):
                node.SetVisibility((heat or bits) and node.GetDisplayableNode() is overlay)
        for name, segmentation in results.habitats.items():
            segmentation.SetDisplayVisibility(ui.habitatsCheckBox.checked and name == self.sequence)
        views.set_habitat_opacity(results, ui.habitatOpacitySlider.value)
        parameters.set_text("shown.sequence", self.sequence)
        parameters.set_text("shown.entropy", str(int(ui.entropyCheckBox.checked)))
        parameters.set_text("shown.habitats", str(int(ui.habitatsCheckBox.checked)))
        parameters.set_text("shown.activation", str(int(ui.activationCheckBox.checked)))
        parameters.set_text("shown.activationOpacity", f"{ui.activationOpacitySlider.value:.2f}")
        parameters.set_text("shown.entropyOpacity", f"{ui.entropyOpacitySlider.value:.2f}")
        parameters.set_text("shown.habitatOpacity", f"{ui.habitatOpacitySlider.value:.2f}")

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
