"""What only the application can prove; run by 3D Slicer itself:

    Slicer --testing --no-splash --no-main-window --additional-module-paths HabitatRadiomics \
        --python-script Testing/slicer/run_all.py

Exit status 0 when every check passed. Each check prints a line; a failure prints where and what. The packages must be
installed before (``HabitatRadiomicsLogic().installPackages()``).
"""

from __future__ import annotations

import importlib.util
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
#: Score of the same patient on the command line (habitat-radiomics demo).
SCORE = 0.6522725506710839
TOLERANCE = 1e-6


class Skip(Exception):  # noqa: N818 - not an error
    """A check that cannot run here, and why."""


class Checks:
    """The checks in their order; each may use what earlier ones left in the scene."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = self.widget = self.ui = self.patient = None

    def check_versions(self) -> None:
        """Slicer's own Python is new enough; prints the versions."""
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
        self._take_panel()
        assert self.ui.modelSelector.count >= 1, "no model is offered"
        assert not self.ui.applyButton.enabled, "Apply is enabled in an empty scene"
        assert self.ui.problemLabel.text, "nothing says why Apply is disabled"
        assert set(self.patient.rows) == set(INPUTS), list(self.patient.rows)

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
        self._assert_ready()

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
        """Apply, in a separate process: the window's timer takes the results, and they are the same."""
        results = self._apply()
        assert not self.ui.scoreSection.isHidden(), "the score section is hidden"
        assert results.score["score"] == self.results.score["score"], "the panel's score differs from the logic's"
        self.patient.score.click_bar(0)
        assert self.ui.featureLabel.text, "a click on a bar says nothing"
        self.results = results

    def check_cancel(self) -> None:
        """Cancel stops the process, and nothing stays in the scene."""
        before = slicer.mrmlScene.GetNumberOfNodes()
        self._start()
        self.ui.cancelButton.click()
        assert not self.patient.run.running
        assert slicer.mrmlScene.GetNumberOfNodes() == before, "nodes were left behind"
        self._assert_ready()

    def check_evaluation(self) -> None:
        """The Cohort tab compares a model with the outcomes of new patients, and shows the result."""
        from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort

        ui = self.ui
        images, clinical = write_synthetic_cohort(self.folder, 4, seed=9)
        ui.taskSelector.setCurrentIndex(ui.taskSelector.findData("evaluate"))
        ui.settingsSelector.setCurrentIndex(ui.settingsSelector.findData(MODEL))
        ui.imagesPathEdit.currentPath = str(images)
        ui.clinicalPathEdit.currentPath = str(clinical)
        ui.outputPathEdit.currentPath = str(self.folder / "evaluation")
        assert ui.runButton.enabled, ui.cohortProblemLabel.text
        ui.runButton.click()
        self._wait_for(self.widget.cohort.run)
        assert ui.cohortStatusLabel.text == "Done.", ui.cohortStatusLabel.text
        assert "of 4 cases, 2 of them T790M-positive" in ui.cohortResultLabel.text, ui.cohortResultLabel.text
        assert not ui.cohortResultLabel.isHidden(), "the result is hidden"
        assert ui.openOutputButton.enabled
        assert ui.openOutputButton.text == "Open report"
        assert (self.folder / "evaluation" / "report.html").stat().st_size > 10_000
        print(f"    {ui.cohortResultLabel.text.splitlines()[0][2:]}")

    def check_site(self) -> None:
        """The sites of the model are offered; another may be typed; the parameter node keeps the choice."""
        selector, site = self.ui.siteSelector, self.patient.site
        offered = [selector.itemText(index) for index in range(selector.count)]
        assert offered == ["", "Alpha", "Beta"], offered
        selector.setCurrentIndex(2)
        assert self.patient._parameters.text("site") == site.site == "Beta"
        selector.setEditText("Gamma")
        assert self.patient._parameters.text("site") == site.site == "Gamma"
        selector.setCurrentIndex(0)
        assert self.patient._parameters.text("site") == site.site == ""

    def check_clinical_form(self) -> None:
        """A model with a nomogram asks for clinical values, says what is odd, and scores with them in a process."""
        from made_up_models import CLINICAL, nomogram_model

        ui = self.ui
        self._choose(nomogram_model())
        assert not ui.clinicalSection.isHidden(), "no clinical values are asked for"
        assert not ui.applyButton.enabled, "Apply is enabled without clinical values"
        age, visceral = self.patient.clinical.rows["age"], self.patient.clinical.rows["visceral"]
        age.field.text = "sixty"
        assert "is not a valid value of 'age'" in age.message.text, age.message.text
        age.field.text = CLINICAL["age"]
        visceral.field.setCurrentIndex(2)
        assert self.patient.clinical.values == CLINICAL, self.patient.clinical.values
        self._assert_ready()
        results = self._apply()
        rad_score = results.score["nomogram"]["rad_score"]
        assert abs(rad_score - self.results.score["score"]) < TOLERANCE, f"{rad_score} is not the rad-score"
        assert not ui.nomogramPictureLabel.isHidden(), "the nomogram is hidden"
        assert ui.nomogramPictureLabel.pixmap.width() > 300, "the nomogram has no picture"
        assert "Total points" in ui.nomogramLabel.text, ui.nomogramLabel.text
        print(f"    {ui.nomogramLabel.text.split('<b>')[-1].removesuffix('</b>')}")
        self.patient.use_model(MODEL)
        assert ui.clinicalSection.isHidden(), "the demonstration asks for clinical values"

    def check_two_time_points(self) -> None:
        """A model of two time points: guesses by the studies' dates, changes of volumes, maps beside their input."""
        from made_up_models import two_time_point_model
        from two_scans import add_scans, put_into_study
        from two_time_points import protocol

        ui = self.ui
        before, after = add_scans(named=False).values()
        item = put_into_study([after.volume, after.mask], "20240611")
        put_into_study([before.volume, before.mask], "20240203", item)
        self._choose(two_time_point_model(protocol()))
        chosen = {name: row.chosen for name, row in self.patient.rows.items()}
        assert chosen == {"baseline_CT": before, "follow-up_CT": after}, chosen
        self._assert_ready()
        results = self._apply()
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
        assert self.patient.maps.sequence == "follow-up_CT", self.patient.maps.sequence
        total = results.content["changes"][-1]
        print(f"    {total['baseline_ml']:.2f} ml, then {total['followup_ml']:.2f} ml")
        self.patient.use_model(MODEL)
        self._show(self.results)
        self._assert_ready()

    def check_activation(self) -> None:
        """The activation of a network replaces the entropy overlay, where onnxruntime is installed."""
        if importlib.util.find_spec("onnxruntime") is None:
            raise Skip("onnxruntime is not installed")
        from made_up_models import deep_image, deep_model
        from two_scans import add_lesion

        from HabitatRadiomicsLib.scene.volumes import add_volume

        image, mask = deep_image(1)
        volume = add_volume(slicer.mrmlScene, image, "deep")
        lesion = add_lesion(mask, "deep lesion", volume)
        results = self._logic().score({"CT": (volume, lesion, "lesion")}, self._model_file(deep_model()))
        self._show(results)
        self.ui.showMapsButton.click()
        self.ui.activationCheckBox.click()
        # Without a main window there are no slice views; legends follow the choice all the same.
        composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        shown = {node.GetForegroundVolumeID() for node in composites}
        assert shown <= {results.activation["CT"].GetID()}, shown
        legends = {
            node.GetDisplayableNode(): bool(node.GetVisibility())
            for node in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode")
        }
        assert legends[results.activation["CT"]], "the legend of the activation is hidden"
        assert not legends[results.entropy["CT"]], "the legend of the entropy is shown"
        self.ui.entropyCheckBox.click()
        self._show(self.results)

    def check_shap_beside_slicer(self) -> None:
        """shap works, and 'slicer' is the application's, untouched."""
        from HabitatRadiomicsLib.scoring.shap_bridge import import_shap

        names = set(vars(slicer))
        shap = import_shap()
        assert hasattr(shap, "LinearExplainer")
        assert sys.modules["slicer"] is slicer
        lent = set(vars(slicer)) - names
        assert not lent, f"shap's import left {sorted(lent)} in slicer"

    def check_bad_input(self) -> None:
        """A lesion of one voxel: a sentence below the row, and Apply is disabled."""
        import numpy as np

        volume = slicer.util.getNode("T1W")
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "single voxel")
        segmentation.CreateDefaultDisplayNodes()
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        segment = segmentation.GetSegmentation().AddEmptySegment("one", "one")
        voxels = np.zeros(slicer.util.arrayFromVolume(volume).shape, np.uint8)
        voxels[5, 20, 20] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, segmentation, segment, volume)
        row = self.patient.rows["T1W"]
        good = row.chosen
        row.ui.maskSelector.setCurrentNode(segmentation)
        self.patient.update()
        assert "single voxel" in row.ui.messageLabel.text, row.ui.messageLabel.text
        assert not self.ui.applyButton.enabled
        row.show(good)
        slicer.mrmlScene.RemoveNode(segmentation)
        self.patient.update()
        self._assert_ready()

    def check_scene_round_trip(self) -> None:
        """Saved as .mrb, closed and loaded: maps, tables, chart, report and panel are restored."""
        kept = self.results.content
        path = str(self.folder / "scene.mrb")
        assert slicer.util.saveScene(path), "the scene cannot be saved"
        slicer.mrmlScene.Clear()
        assert self.patient._parameters.results() is None, "results survive a closed scene"
        slicer.util.loadScene(path)
        results = self.patient._parameters.results()
        assert results is not None, "the results are gone"
        assert results.content == kept, "the document changed"
        for name in kept["maps"]["sequences"]:
            segments = results.habitats[name].GetSegmentation()
            names = [segments.GetNthSegment(index).GetName() for index in range(segments.GetNumberOfSegments())]
            assert names == [row["name"] for row in kept["maps"]["sequences"][name]["habitats"]], names
            assert results.entropy[name].GetDisplayNode().GetInterpolate() == 0
        assert not self.ui.mapsSection.isHidden(), "the maps section is hidden"
        assert self.ui.habitatTable.rowCount >= 2

    def check_self_test(self) -> None:
        """The module's own test."""
        import HabitatRadiomics

        HabitatRadiomics.HabitatRadiomicsTest().runTest()

    def check_reload(self) -> None:
        """Reload gives a fresh panel over a freshly read library."""
        slicer.mrmlScene.Clear()
        before = sys.modules["HabitatRadiomicsLib.scene.patient"]
        self.widget.onReload()
        self._take_panel()
        assert self.ui.modelSelector.count >= 1
        assert sys.modules.get("HabitatRadiomicsLib.scene.patient") is not before, "the library was not read again"

    def _logic(self):
        import HabitatRadiomics

        return HabitatRadiomics.HabitatRadiomicsLogic()

    def _take_panel(self) -> None:
        self.widget = slicer.modules.habitatradiomics.widgetRepresentation().self()
        self.ui, self.patient = self.widget.ui, self.widget.patient

    def _model_file(self, model) -> str:
        from HabitatRadiomicsLib.model import model_text

        file = self.folder / f"{model.name}.json"
        file.write_text(model_text(model), encoding="utf-8")
        return str(file)

    def _choose(self, model) -> None:
        self.patient.use_model(self._model_file(model))
        assert self.patient.model.card is not None, self.ui.modelProblemLabel.text

    def _show(self, results) -> None:
        self.patient._parameters.set_results(results)
        self.widget.loadParameters()

    def _start(self) -> None:
        self.ui.applyButton.click()
        assert self.patient.run.running, f"the run did not start: {self.ui.statusLabel.text}"

    def _apply(self):
        """Press Apply and wait; the results."""
        self._start()
        self._wait_for(self.patient.run)
        assert self.ui.statusLabel.text == "Done.", self.ui.statusLabel.text
        results = self.patient._parameters.results()
        assert results is not None, "no results in the parameter node"
        return results

    def _assert_ready(self) -> None:
        messages = " ".join(row.ui.messageLabel.text for row in self.patient.rows.values())
        assert self.ui.applyButton.enabled, self.ui.problemLabel.text + messages

    def _wait_for(self, run) -> None:
        """Handle events until a run has ended; the limit is for one that hangs."""
        deadline = time.monotonic() + 1200
        while run.running and time.monotonic() < deadline:
            slicer.app.processEvents()
            time.sleep(0.02)
        assert not run.running, "the run did not end in 20 minutes"


def main() -> int:
    """Run every check and return how many failed."""
    failed = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        checks = Checks(Path(folder))
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
