"""What only the application can prove; run by 3D Slicer itself:

    Slicer --testing --no-splash --no-main-window --additional-module-paths HabitatRadiomics \
        --python-script Testing/slicer/run_all.py

Exit status 0 when every check passed. Each check prints a line; a failure prints where and what. The packages must be
installed before (``HabitatRadiomicsLogic().installPackages()``).
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
import tempfile
import time
import traceback
from pathlib import Path

import slicer

# Models and patients that were made up for the tests.
_TESTING = Path(__file__).resolve().parent.parent
sys.path += [str(_TESTING), str(_TESTING / "gui"), str(_TESTING / "unit")]

MODEL = "t790m-spine-demo"
INPUTS = {"T1W": ("T1W", "T1W lesion", "lesion"), "T2FS": ("T2FS", "T2FS lesion", "lesion")}
#: Of the same patient at the command line (habitat-radiomics demo), where floating point sums in the same order.
SCORE = 0.6522725506710839
TOLERANCE = 1e-6


class Skip(Exception):  # noqa: N818 - not an error
    """A check that cannot run here, and why."""


class Checks:
    """The checks in their order; each may use what the ones before it left in the scene."""

    def __init__(self) -> None:
        self.results = None
        self.widget = None

    def check_versions(self) -> None:
        """Tell what this is; Slicer's own Python is new enough."""
        app = slicer.app
        print(f"    Slicer {app.majorVersion}.{app.minorVersion}, Python {platform.python_version()}, {sys.platform}")
        assert sys.version_info >= (3, 10), "the library needs Python 3.10 or newer"

    def check_module_is_found(self) -> None:
        """The module is registered under its name, with its title and category."""
        assert hasattr(slicer.modules, "habitatradiomics"), "slicer.modules.habitatradiomics is missing"
        module = slicer.modules.habitatradiomics
        assert module.title == "Habitat Radiomics", module.title
        assert "Quantification" in list(module.categories), module.categories

    def check_module_file_imports_nothing_heavy(self) -> None:
        """Importing the module file loads no third-party package; how long it takes is printed."""
        path = Path(slicer.modules.habitatradiomics.path)
        before = set(sys.modules)
        started = time.perf_counter()
        spec = importlib.util.spec_from_file_location("HabitatRadiomicsTimed", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        seconds = time.perf_counter() - started
        heavy = {"sklearn", "matplotlib", "pandas", "shap", "pydantic", "skimage", "radiomics"}
        loaded = {name.split(".")[0] for name in set(sys.modules) - before} & heavy
        assert not loaded, f"the import loaded {sorted(loaded)}"
        print(f"    {1000 * seconds:.0f} ms")

    def check_packages_are_installed(self) -> None:
        """The packages are there; PyPI's 'slicer' is not on the path of the application."""
        from HabitatRadiomicsLib.system.installation.dependencies import missing

        names = [requirement.distribution for requirement in missing()]
        assert not names, f"missing: {', '.join(names)}"
        assert hasattr(slicer, "app"), "'slicer' is not 3D Slicer"

    def check_widget_is_made(self) -> None:
        """The panel is built from its .ui files, says what is missing, and does not enable Apply."""
        self.widget = slicer.modules.habitatradiomics.widgetRepresentation().self()
        ui = self.widget.ui
        assert ui.modelSelector.count >= 1, "no model is offered"
        assert not ui.applyButton.enabled, "Apply is enabled in an empty scene"
        assert ui.problemLabel.text, "nothing says why Apply is disabled"
        assert set(self.widget.patient.rows) == set(INPUTS), list(self.widget.patient.rows)

    def check_sample_data(self) -> None:
        """The synthetic case comes from the Sample Data module's registry, and fills the panel in."""
        from HabitatRadiomicsLib.scene.sample_data import CATEGORY, SYNTHETIC, register_sample_data

        if CATEGORY not in slicer.modules.sampleDataSources:
            register_sample_data(Path(slicer.modules.habitatradiomics.path).parent / "Resources/Icons/none.png")
        sources = {source.sampleName: source for source in slicer.modules.sampleDataSources[CATEGORY]}
        assert SYNTHETIC in sources, sorted(sources)
        # What a click on the sample does.
        sources[SYNTHETIC].customDownloader(sources[SYNTHETIC])
        for volume, mask, _segment in INPUTS.values():
            assert slicer.util.getNode(volume) is not None
            assert slicer.util.getNode(mask) is not None
        self.widget.enter()
        assert self.widget.ui.applyButton.enabled, self.widget.ui.problemLabel.text + self._row_messages()

    def check_maps(self) -> None:
        """Maps without a panel: the habitats add up to the lesion, the entropy lies between 0 and 5 bits."""
        volume, mask = slicer.util.getNode("T1W"), slicer.util.getNode("T1W lesion")
        results = self._logic().computeMaps(volume, mask, "lesion", sequence="T1W")
        rows = results.content["maps"]["sequences"]["T1W"]["habitats"]
        lesion = slicer.util.arrayFromSegmentBinaryLabelmap(mask, "lesion", volume)
        assert sum(row["voxels"] for row in rows) == int(lesion.sum())
        entropy = slicer.util.arrayFromVolume(results.entropy["T1W"])
        assert entropy.min() >= 0
        assert 0 < entropy.max() <= 5
        assert not entropy[lesion == 0].any(), "entropy outside the lesion"

    def check_score(self) -> None:
        """The score is the command line's."""
        inputs = {
            name: (slicer.util.getNode(volume), slicer.util.getNode(mask), segment)
            for name, (volume, mask, segment) in INPUTS.items()
        }
        self.results = self._logic().score(inputs, MODEL, site="Alpha")
        score = self.results.score["score"]
        print(f"    {score!r}")
        assert abs(score - SCORE) < TOLERANCE, f"{score} instead of {SCORE}"
        total = self.results.score["base"] + sum(row["shap"] for row in self.results.score["contributions"])
        assert abs(total - score) < 1e-9, "SHAP values do not add up to the score"

    def check_panel_run(self) -> None:
        """Apply, in a process of its own: the window's timer takes the results, and they are the same."""
        patient, ui = self.widget.patient, self.widget.ui
        self._apply()
        results = patient._parameters.results()
        assert results is not None, "no results in the parameter node"
        assert not ui.scoreSection.isHidden(), "the score section is hidden"
        assert results.score["score"] == self.results.score["score"], "the panel's score differs from the logic's"
        patient.score.click_bar(0)
        assert ui.featureLabel.text, "a click on a bar says nothing"
        self.results = results

    def check_cancel(self) -> None:
        """Cancel stops the process, and nothing stays in the scene."""
        patient, ui = self.widget.patient, self.widget.ui
        before = slicer.mrmlScene.GetNumberOfNodes()
        ui.applyButton.click()
        assert patient.run.running, f"the run did not start: {ui.statusLabel.text}"
        ui.cancelButton.click()
        assert not patient.run.running
        assert slicer.mrmlScene.GetNumberOfNodes() == before, "nodes were left behind"
        assert ui.applyButton.enabled, ui.problemLabel.text

    def check_evaluation(self) -> None:
        """The Cohort tab compares a model with the outcomes of new patients, and shows what came out."""
        from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort

        cohort, ui = self.widget.cohort, self.widget.ui
        with tempfile.TemporaryDirectory() as folder:
            images, clinical = write_synthetic_cohort(Path(folder), 4, seed=9)
            ui.taskSelector.setCurrentIndex(ui.taskSelector.findData("evaluate"))
            ui.settingsSelector.setCurrentIndex(ui.settingsSelector.findData(MODEL))
            ui.imagesPathEdit.currentPath = str(images)
            ui.clinicalPathEdit.currentPath = str(clinical)
            ui.outputPathEdit.currentPath = os.path.join(folder, "evaluation")
            assert ui.runButton.enabled, ui.cohortProblemLabel.text
            ui.runButton.click()
            self._wait_for(cohort.run)
            assert ui.cohortStatusLabel.text == "Done.", ui.cohortStatusLabel.text
            assert "of 4 cases, 2 of them T790M-positive" in ui.cohortResultLabel.text, ui.cohortResultLabel.text
            assert not ui.cohortResultLabel.isHidden(), "the result is hidden"
            assert ui.openOutputButton.enabled
            assert ui.openOutputButton.text == "Open report"
            assert os.path.getsize(os.path.join(folder, "evaluation", "report.html")) > 10_000
        print(f"    {ui.cohortResultLabel.text.splitlines()[0][2:]}")

    def check_site(self) -> None:
        """The sites of the model are offered; another may be typed; and it comes into the parameter node."""
        patient, ui = self.widget.patient, self.widget.ui
        offered = [ui.siteSelector.itemText(index) for index in range(ui.siteSelector.count)]
        assert offered == ["", "Alpha", "Beta"], offered
        ui.siteSelector.setCurrentIndex(2)
        assert patient._parameters.text("site") == "Beta"
        ui.siteSelector.setEditText("Gamma")
        assert patient._parameters.text("site") == patient.site.site == "Gamma"
        ui.siteSelector.setCurrentIndex(0)
        assert patient._parameters.text("site") == patient.site.site == ""

    def check_clinical_form(self) -> None:
        """A model with a nomogram asks for clinical values, says what is odd, and scores with them in a process."""
        from made_up_models import CLINICAL, nomogram_model

        patient, ui = self.widget.patient, self.widget.ui
        with tempfile.TemporaryDirectory() as folder:
            self._choose_model(nomogram_model(), folder)
            assert not ui.clinicalSection.isHidden(), "no clinical values are asked for"
            assert not ui.applyButton.enabled, "Apply is enabled without clinical values"
            age, visceral = patient.clinical.rows["age"], patient.clinical.rows["visceral"]
            age.field.text = "sixty"
            assert "is not a valid value of 'age'" in age.message.text, age.message.text
            age.field.text = CLINICAL["age"]
            visceral.field.setCurrentIndex(2)
            assert patient.clinical.values == CLINICAL, patient.clinical.values
            assert ui.applyButton.enabled, ui.problemLabel.text + self._row_messages()
            self._apply()
        results = patient._parameters.results()
        rad_score = results.score["nomogram"]["rad_score"]
        assert abs(rad_score - self.results.score["score"]) < TOLERANCE, f"{rad_score} is not the rad-score"
        assert not ui.nomogramPictureLabel.isHidden(), "the nomogram is hidden"
        assert ui.nomogramPictureLabel.pixmap.width() > 300, "the nomogram has no picture"
        assert "Total points" in ui.nomogramLabel.text, ui.nomogramLabel.text
        print(f"    {ui.nomogramLabel.text.split('<b>')[-1].removesuffix('</b>')}")
        patient.use_model(MODEL)
        assert ui.clinicalSection.isHidden(), "the demonstration asks for clinical values"

    def check_two_time_points(self) -> None:
        """A model of two time points: guesses by the studies' dates, changes of volumes, maps beside their input."""
        from made_up_models import two_time_point_model
        from two_scans import add_scans, put_into_study
        from two_time_points import protocol

        patient, ui = self.widget.patient, self.widget.ui
        before, after = add_scans(named=False).values()
        item = put_into_study([after.volume, after.mask], "20240611")
        put_into_study([before.volume, before.mask], "20240203", item)
        with tempfile.TemporaryDirectory() as folder:
            self._choose_model(two_time_point_model(protocol()), folder)
            chosen = {name: row.chosen for name, row in patient.rows.items()}
            assert chosen == {"baseline_CT": before, "follow-up_CT": after}, chosen
            assert ui.applyButton.enabled, ui.problemLabel.text + self._row_messages()
            self._apply()
        results = patient._parameters.results()
        assert results.change_table.GetTable().GetNumberOfRows() == len(results.content["changes"]) > 2
        assert not ui.timelinePictures.isHidden(), "the timeline is hidden"
        assert not ui.changesLabel.isHidden(), "the changes are hidden"
        assert ui.anotherTimepointButton.isHidden(), "the model has seen both time points"
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        for name, volume in (("baseline_CT", before.volume), ("follow-up_CT", after.volume)):
            studies = [
                hierarchy.GetItemAncestorAtLevel(hierarchy.GetItemByDataNode(node), "Study")
                for node in (volume, results.entropy[name], results.habitats[name])
            ]
            assert len(set(studies)) == 1, f"{name} and its maps lie in {studies}"
        ui.showChangesButton.click()
        ui.shownSequenceSelector.setCurrentIndex(1)
        assert patient.maps.sequence == "follow-up_CT", patient.maps.sequence
        total = results.content["changes"][-1]
        print(f"    {total['baseline_ml']:.2f} ml, then {total['followup_ml']:.2f} ml")
        patient.use_model(MODEL)
        patient._parameters.set_results(self.results)
        self.widget.loadParameters()
        assert ui.applyButton.enabled, ui.problemLabel.text + self._row_messages()

    def check_activation(self) -> None:
        """The activation of a network takes the place of the entropy overlay, where onnxruntime is installed."""
        if importlib.util.find_spec("onnxruntime") is None:
            raise Skip("onnxruntime is not installed")
        from made_up_models import deep_image, deep_model
        from two_scans import add_lesion

        from HabitatRadiomicsLib.scene.volumes import add_volume

        patient, ui = self.widget.patient, self.widget.ui
        image, mask = deep_image(1)
        volume = add_volume(slicer.mrmlScene, image, "deep")
        lesion = add_lesion(mask, "deep lesion", volume)
        with tempfile.TemporaryDirectory() as folder:
            file = self._write_model(deep_model(), folder)
            results = self._logic().score({"CT": (volume, lesion, "lesion")}, file)
        patient._parameters.set_results(results)
        self.widget.loadParameters()
        ui.showMapsButton.click()
        ui.activationCheckBox.click()
        # Without a main window there are no slice views; legends follow what is chosen all the same.
        composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        shown = {node.GetForegroundVolumeID() for node in composites}
        assert shown <= {results.activation["CT"].GetID()}, shown
        legends = {
            node.GetDisplayableNode(): bool(node.GetVisibility())
            for node in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode")
        }
        assert legends[results.activation["CT"]], "the legend of the activation is hidden"
        assert not legends[results.entropy["CT"]], "the legend of the entropy is shown"
        ui.entropyCheckBox.click()
        patient._parameters.set_results(self.results)
        self.widget.loadParameters()

    def check_shap_beside_slicer(self) -> None:
        """shap works, and 'slicer' is the application's, untouched."""
        from HabitatRadiomicsLib.scoring.explanation.shap_bridge import import_shap

        names = set(vars(slicer))
        shap = import_shap()
        assert hasattr(shap, "LinearExplainer")
        assert sys.modules["slicer"] is slicer
        lent = set(vars(slicer)) - names
        assert not lent, f"shap's import left {sorted(lent)} in slicer"

    def check_bad_input_is_told(self) -> None:
        """A lesion of one voxel: a sentence under the row, and Apply is off."""
        import numpy as np

        volume = slicer.util.getNode("T1W")
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "single voxel")
        segmentation.CreateDefaultDisplayNodes()
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        segment = segmentation.GetSegmentation().AddEmptySegment("one", "one")
        voxels = np.zeros(slicer.util.arrayFromVolume(volume).shape, np.uint8)
        voxels[5, 20, 20] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, segmentation, segment, volume)
        row = self.widget.patient.rows["T1W"]
        good = row.chosen
        row.ui.maskSelector.setCurrentNode(segmentation)
        self.widget.patient.update()
        assert "single voxel" in row.ui.messageLabel.text, row.ui.messageLabel.text
        assert not self.widget.ui.applyButton.enabled
        row.show(good)
        slicer.mrmlScene.RemoveNode(segmentation)
        self.widget.patient.update()
        assert self.widget.ui.applyButton.enabled, self._row_messages()

    def check_scene_round_trip(self) -> None:
        """Saved as .mrb, closed and loaded: maps, tables, chart, report and the panel are back."""
        kept = self.results.content
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "scene.mrb")
            assert slicer.util.saveScene(path), "the scene cannot be saved"
            slicer.mrmlScene.Clear()
            assert self.widget.patient._parameters.results() is None, "results survive a closed scene"
            slicer.util.loadScene(path)
        results = self.widget.patient._parameters.results()
        assert results is not None, "the results are gone"
        assert results.content == kept, "the document changed"
        for name in kept["maps"]["sequences"]:
            segments = results.habitats[name].GetSegmentation()
            names = [segments.GetNthSegment(index).GetName() for index in range(segments.GetNumberOfSegments())]
            assert names == [row["name"] for row in kept["maps"]["sequences"][name]["habitats"]], names
            assert results.entropy[name].GetDisplayNode().GetInterpolate() == 0
        assert not self.widget.ui.mapsSection.isHidden(), "the maps section is hidden"
        assert self.widget.ui.habitatTable.rowCount >= 2

    def check_self_test(self) -> None:
        """The module's own test."""
        import HabitatRadiomics

        HabitatRadiomics.HabitatRadiomicsTest().runTest()

    def check_reload(self) -> None:
        """Reload gives a fresh panel over a freshly read library."""
        slicer.mrmlScene.Clear()
        before = sys.modules["HabitatRadiomicsLib.scene.patient"]
        self.widget.onReload()
        self.widget = slicer.modules.habitatradiomics.widgetRepresentation().self()
        assert self.widget.ui.modelSelector.count >= 1
        assert sys.modules.get("HabitatRadiomicsLib.scene.patient") is not before, "the library was not read again"

    def _logic(self):
        import HabitatRadiomics

        return HabitatRadiomics.HabitatRadiomicsLogic()

    def _write_model(self, model, folder: str) -> str:
        from HabitatRadiomicsLib.model import model_text

        file = Path(folder) / f"{model.name}.json"
        file.write_text(model_text(model), encoding="utf-8")
        return str(file)

    def _choose_model(self, model, folder: str) -> None:
        self.widget.patient.use_model(self._write_model(model, folder))
        assert self.widget.patient.model.card is not None, self.widget.ui.modelProblemLabel.text

    def _apply(self) -> None:
        patient, ui = self.widget.patient, self.widget.ui
        ui.applyButton.click()
        assert patient.run.running, f"the run did not start: {ui.statusLabel.text}"
        self._wait_for(patient.run)
        assert ui.statusLabel.text == "Done.", ui.statusLabel.text

    def _wait_for(self, run) -> None:
        """Handle events until a run has ended; the limit is for one that hangs."""
        deadline = time.monotonic() + 1200
        while run.running and time.monotonic() < deadline:
            slicer.app.processEvents()
            time.sleep(0.02)
        assert not run.running, "the run did not end in 20 minutes"

    def _row_messages(self) -> str:
        return " ".join(row.ui.messageLabel.text for row in self.widget.patient.rows.values())


def main() -> int:
    """Run every check; the number of those that failed."""
    checks = Checks()
    failed = 0
    for name, check in vars(Checks).items():
        if not name.startswith("check_"):
            continue
        print(f"{name.removeprefix('check_').replace('_', ' ')}: {check.__doc__.splitlines()[0]}", flush=True)
        try:
            check(checks)
        except Skip as reason:
            print(f"    SKIPPED: {reason}", flush=True)
        except BaseException:
            failed += 1
            print(f"    FAILED:\n{traceback.format_exc()}", flush=True)
        else:
            print("    ok", flush=True)
    print(f"{failed} failed." if failed else "All checks passed.", flush=True)
    return failed


if __name__ == "__main__":
    slicer.util.exit(min(main(), 1))
