"""Entries of the Sample Data module: a synthetic spinal case made by code, and a public patient.

They are registered whenever Slicer starts, so imports needed to make the case are deferred until it is made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

CATEGORY = "Habitat Radiomics"
SYNTHETIC = "SyntheticSpine"
SARCOMA = "SoftTissueSarcoma"

#: Patient 1 of the IBSI validation set, from the collection Soft-tissue-Sarcoma of The Cancer Imaging Archive
#: (CC BY 3.0; doi 10.7937/K9/TCIA.2015.7GO2GSKS): file, SHA-256, node name, file type.
_SARCOMA_URL = (
    "https://raw.githubusercontent.com/theibsi/data_sets/6da96021bc91faf4c0cb7fd7fa56a4225d2064a8/"
    "ibsi_validation/nifti/STS_001/"
)
_SARCOMA_FILES = (
    ("MR_T1_image.nii.gz", "c6dec5057ac68c5c0d45322a3ee680a3bc65b776f8359e2c5d56ff90b3ed253f", "T1W", "VolumeFile"),
    ("MR_T1_mask.nii.gz", "e1a2d44d41992fdda50303ebbf040729d3b13b33b9eaa00dc8274651767057ee", "T1W tumour",
     "SegmentationFile"),
    ("PET_image.nii.gz", "358300bb60fb5a21e914e833afdda4d16072bd25cbd0c0f9e38a7a64726af31a", "PET", "VolumeFile"),
    ("PET_mask.nii.gz", "ac70620abd70a5934dc2d8efbbd3baf627484b7182d1268aac071a9a445f57b5", "PET tumour",
     "SegmentationFile"),
)  # fmt: skip

#: The new patient of ``habitat-radiomics demo``: the panel and the terminal give the same score.
_SYNTHETIC_NUMBER = 31
_SYNTHETIC_SEED = 4
_LESION_COLOUR = (0.90, 0.20, 0.20)


def register_sample_data(icon: Path) -> None:
    """Register both cases with the Sample Data module; run once, when the application has started."""
    import SampleData

    register = SampleData.SampleDataLogic.registerCustomSampleDataSource
    common = {"category": CATEGORY, "thumbnailFileName": str(icon)}
    register(
        **common,
        sampleName=SYNTHETIC,
        uris="",
        fileNames=None,
        nodeNames=None,
        customDownloader=lambda source: add_synthetic_patient(slicer.mrmlScene),
    )
    files, checksums, names, file_types = zip(*_SARCOMA_FILES)
    register(
        **common,
        sampleName=SARCOMA,
        uris=[_SARCOMA_URL + file for file in files],
        fileNames=[f"HabitatRadiomics-STS_001-{file}" for file in files],
        checksums=[f"SHA256:{digest}" for digest in checksums],
        nodeNames=list(names),
        loadFileTypes=list(file_types),
    )


def add_synthetic_patient(scene: Any) -> list[Any]:
    """A synthetic spinal metastasis, T1W and T2FS, each with a segmentation of its own; works offline.

    Returns:
        Volume and segmentation of T1W, then of T2FS.
    """
    import SimpleITK as sitk

    from HabitatRadiomicsLib.cases.synthetic import synthetic_patient
    from HabitatRadiomicsLib.scene.masks import add_segmentation
    from HabitatRadiomicsLib.scene.subject_hierarchy import all_or_nothing
    from HabitatRadiomicsLib.scene.volumes import add_volume

    patient = synthetic_patient(_SYNTHETIC_NUMBER, seed=_SYNTHETIC_SEED)
    nodes = []
    with all_or_nothing(scene):
        for name, sequence in patient.case.sequences.items():
            volume = add_volume(scene, sequence.image, name)
            volume.GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeGrey")
            volume.SetDescription("Synthetic: made by code, no patient.")
            lesion = {"lesion": (sitk.GetArrayFromImage(sequence.mask), _LESION_COLOUR)}
            segmentation = add_segmentation(scene, f"{name} lesion", volume, lesion)
            segmentation.GetDisplayNode().SetOpacity2DFill(0.2)
            nodes += [volume, segmentation]
    slicer.util.setSliceViewerLayers(background=nodes[0], fit=True)
    return nodes
