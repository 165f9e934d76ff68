"""The 3D Slicer module: metadata, widget, logic and self-test, each as thin as Slicer allows.

Third-party packages, and the parts of the library that need them, are imported when they are used, so that the module
loads quickly and before its packages are installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

# An installed library lies beside this file; in a checkout, it lies beside this file's folder, unknown to Slicer.
_CHECKOUT = Path(__file__).resolve().parent.parent
if (_CHECKOUT / "HabitatRadiomicsLib").is_dir() and str(_CHECKOUT) not in sys.path:
    sys.path.append(str(_CHECKOUT))


class HabitatRadiomics(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Habitat Radiomics")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        parent.dependencies = []
        parent.contributors = ["The Habitat Radiomics contributors"]
        parent.helpText = _(
            "Splits a lesion into habitats, sub-regions that differ in signal and in local disorder, measures them "
            "with radiomic features, scores the patient with a frozen rad-score model and explains the score. Research "
            "use only. See the <a href='{url}'>documentation</a>."
        ).format(url="https://github.com/HabitatRadiomics/SlicerHabitatRadiomics#readme")
        parent.acknowledgementText = _(
            "Feature definitions follow pyradiomics (van Griethuysen et al., Cancer Res 2017) and the Image Biomarker "
            "Standardisation Initiative (Zwanenburg et al., Radiology 2020); explanations are those of shap (Lundberg "
            "and Lee, NeurIPS 2017)."
        )
        slicer.app.connect("startupCompleted()", self.registerSampleData)

    def registerSampleData(self):
        """Offer the synthetic and the public case in the Sample Data module."""
        from HabitatRadiomicsLib.scene.sample_data import register_sample_data

        register_sample_data(Path(self.resourcePath("Icons/HabitatRadiomics.png")))


class HabitatRadiomicsWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Loads the .ui file and connects its two tabs to the scene."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.patient = None
        self.cohort = None

    def setup(self):
        """Build the panel."""
        ScriptedLoadableModuleWidget.setup(self)
        from HabitatRadiomicsLib.panel.cohort_tab import CohortTab
        from HabitatRadiomicsLib.panel.patient_tab import PatientTab
        from HabitatRadiomicsLib.panel.widgets import fit_to_current

        widget = slicer.util.loadUI(self.resourcePath("UI/HabitatRadiomics.ui"))
        self.layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.logic = HabitatRadiomicsLogic()
        self.patient = PatientTab(self.ui, self.resourcePath("UI/SequenceRow.ui"), self.onPatientChanged)
        self.cohort = CohortTab(self.ui, self.patient.case, self.patient.use_model)
        fit_to_current(self.ui.tabs, (self.ui.patientContent, self.ui.cohortContent))
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneReplaced)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneReplaced)
        self.loadParameters()

    def loadParameters(self):
        """Show what the scene's parameter node holds."""
        from HabitatRadiomicsLib.scene.parameters import Parameters

        parameters = Parameters(self.logic.getParameterNode())
        self.patient.load(parameters)
        self.cohort.load(parameters)

    def enter(self):
        """Guess the inputs again when the module is opened: volumes may have been loaded since."""
        if self.patient is not None and not self.patient.run.running:
            self.patient.guess()

    def cleanup(self):
        """The module is removed: stop what runs."""
        self.removeObservers()
        if self.patient is not None:
            self.patient.close()
            self.cohort.close()

    def onReload(self):
        """Reload the library too, not only this file."""
        for name in [name for name in sys.modules if name.split(".")[0] == "HabitatRadiomicsLib"]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def onPatientChanged(self):
        """Let the Cohort tab check whether the patient can be added."""
        if self.cohort is not None:
            self.cohort.update()

    def onSceneStartClose(self, caller, event):
        """Stop a run: it must not add results to another scene."""
        self.patient.close()

    def onSceneReplaced(self, caller, event):
        """Show the parameters of the new scene."""
        self.loadParameters()


class HabitatRadiomicsLogic(ScriptedLoadableModuleLogic):
    """The module without its panel, for the Python console and for scripts: nodes in, nodes out.

    Every method needs the packages that the panel installs when Apply is first pressed, or :meth:`installPackages`.
    """

    def installPackages(self):
        """Install what is missing from the Python Package Index; packages that Slicer has are not changed."""
        from HabitatRadiomicsLib.scene.command import python_program
        from HabitatRadiomicsLib.system.installation import install, plan_installation

        install(plan_installation(python_program()), python=python_program())

    def computeMaps(self, volumeNode, segmentationNode, segmentID="", sequence="image", protocol="general-mri"):
        """Local entropy and habitats of one lesion.

        Args:
            volumeNode: vtkMRMLScalarVolumeNode.
            segmentationNode: vtkMRMLSegmentationNode or vtkMRMLLabelMapVolumeNode.
            segmentID: segment, or label as text; empty takes the only one there is.
            sequence: what the image is called in the results, e.g. ``T1W``.
            protocol: bundled name or YAML file.

        Returns:
            HabitatRadiomicsLib.scene.result_nodes.ResultNodes.
        """
        from HabitatRadiomicsLib.scene.patient import compute_maps
        from HabitatRadiomicsLib.scene.sequence_input import SequenceInput

        inputs = {sequence: SequenceInput(volumeNode, segmentationNode, segmentID)}
        return compute_maps(slicer.mrmlScene, inputs, protocol=protocol)

    def score(self, inputs, model, site=None, clinical=None):
        """Maps, score and explanation of one patient by a frozen model.

        Args:
            inputs: (volumeNode, segmentationNode, segmentID) by the model's name of the sequence; with two time points
                by e.g. ``baseline_CT`` and ``follow-up_CT``.
            model: bundled name or JSON file.
            site: where the images were acquired; a model that harmonises sites needs it, the others warn about a site
                that they have not seen.
            clinical: clinical values by name, e.g. {"age": 61}, for a model with a nomogram.

        Returns:
            HabitatRadiomicsLib.scene.result_nodes.ResultNodes; its ``score`` is the content of score.json.
        """
        from HabitatRadiomicsLib.scene.patient import score_patient
        from HabitatRadiomicsLib.scene.sequence_input import SequenceInput

        chosen = {name: SequenceInput(*nodes) for name, nodes in inputs.items()}
        values = {name: str(value) for name, value in (clinical or {}).items()}
        return score_patient(slicer.mrmlScene, chosen, model, site=site, clinical=values)

    def extractCohort(self, images, output, protocol, clinical=None, jobs=1):
        """Measure every patient of a table, in separate processes.

        Args:
            images: images.csv.
            output: folder for features.csv, features.json, errors.csv and warnings.csv; an interrupted run continues
                there, and trainCohort takes over what was measured.
            protocol: bundled name or YAML file.
            clinical: clinical.csv, for its columns outcome and site.
            jobs: number of patients measured at once.

        Returns:
            vtkMRMLTableNode with the content of features.csv.
        """
        return self._runTask("extract", images, output, protocol, clinical=clinical, jobs=jobs)

    def trainCohort(self, images, clinical, output, protocol, name="model", jobs=1):
        """Train a model on the patients of a table and validate it on held-out patients, in separate processes.

        Args:
            images: images.csv.
            clinical: clinical.csv with outcomes.
            output: folder for model.json, report.html, study.json, tables and figures; an interrupted run continues
                there.
            protocol: bundled name or YAML file.
            name: of the model: letters, digits, hyphens.
            jobs: number of patients measured at once.

        Returns:
            vtkMRMLTableNode with a row for each measure of the held-out performance: its value and its 95% interval.
        """
        return self._runTask("train", images, output, protocol, clinical=clinical, jobs=jobs, options=["--name", name])

    def scoreCohort(self, images, output, model, clinical=None, jobs=1):
        """Score every patient of a table, in separate processes.

        Args:
            images: images.csv.
            output: folder for scores.csv and errors.csv; an interrupted run continues there.
            model: bundled name or JSON file.
            clinical: clinical.csv, for its column site, which a model that harmonises sites needs, and the clinical
                values that a nomogram needs.
            jobs: number of patients measured at once.

        Returns:
            vtkMRMLTableNode with the content of scores.csv.
        """
        return self._runTask("score-cohort", images, output, model, clinical=clinical, jobs=jobs)

    def evaluateCohort(self, images, clinical, output, model, jobs=1):
        """Compare a frozen model with the outcomes of new patients, in separate processes; nothing is fitted.

        Args:
            images: images.csv.
            clinical: clinical.csv with outcomes.
            output: folder for report.html, study.json, scores.csv, errors.csv, tables and figures; an interrupted run
                continues there.
            model: bundled name or JSON file; the log beside the file records on which cohorts it was evaluated, and
                when.
            jobs: number of patients measured at once.

        Returns:
            vtkMRMLTableNode with a row for each measure (AUC, sensitivity, ...): its value and its 95% interval.
        """
        return self._runTask("evaluate", images, output, model, clinical=clinical, jobs=jobs)

    def _runTask(self, command, *tables, **options):
        from HabitatRadiomicsLib.scene.cohort import run_task

        return run_task(slicer.mrmlScene, command, *tables, **options)


class HabitatRadiomicsTest(ScriptedLoadableModuleTest):
    """Self-test: the synthetic case, from sample data to a score."""

    def setUp(self):
        """An empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self):
        """Run all tests."""
        self.setUp()
        self.test_maps_of_the_synthetic_case()

    def test_maps_of_the_synthetic_case(self):
        """Habitats add up to the lesion; the entropy lies in the range of 32 grey levels."""
        from HabitatRadiomicsLib.scene.sample_data import add_synthetic_patient

        self.delayDisplay("Computing the habitats of a synthetic case")
        volume, segmentation, *_others = add_synthetic_patient(slicer.mrmlScene)
        results = HabitatRadiomicsLogic().computeMaps(volume, segmentation, "lesion", sequence="T1W")
        lesion = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "lesion", volume)
        rows = results.content["maps"]["sequences"]["T1W"]["habitats"]
        self.assertGreaterEqual(len(rows), 2)
        self.assertEqual(sum(row["voxels"] for row in rows), int(lesion.sum()))
        self.assertLessEqual(slicer.util.arrayFromVolume(results.entropy["T1W"]).max(), 5.0)
        self.delayDisplay("Test passed")
