"""Maps and score of the patient in the scene: nodes in, nodes out, with exactly the numbers of the command line."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.cases import Case, write_case
from HabitatRadiomicsLib.errors import DependencyError
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.scene.result_nodes import ResultNodes, add_results
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput, case_of
from HabitatRadiomicsLib.system.installation.dependencies import missing


def compute_maps(
    scene: Any,
    inputs: Mapping[str, SequenceInput],
    *,
    protocol: str = "general-mri",
    progress: Progress = silent,
) -> ResultNodes:
    """Entropy maps and habitats, in this process.

    Args:
        inputs: by sequence name; with two time points by key, ``baseline_CT`` and ``follow-up_CT``.
        protocol: bundled name or YAML file.

    Raises:
        HabitatRadiomicsError: an input is refused; nothing was added to the scene.
    """
    check_packages()
    from HabitatRadiomicsLib.extraction.maps import make_maps
    from HabitatRadiomicsLib.protocol import load_protocol
    from HabitatRadiomicsLib.reporting import write_maps
    from HabitatRadiomicsLib.reporting.patient import write_timeline

    settings = load_protocol(protocol)
    with tempfile.TemporaryDirectory(prefix="habitat-radiomics-") as folder:
        case = case_of(inputs)
        prepared, maps = make_maps(case, settings, part(progress, 0, 0.8))
        progress(0.8, "writing the maps")
        write_maps(Path(folder), prepared, maps, settings)
        write_timeline(Path(folder), case.case_id, maps, settings)
        return add_results(scene, Path(folder), inputs)


def score_patient(
    scene: Any,
    inputs: Mapping[str, SequenceInput],
    model: str,
    *,
    site: str | None = None,
    clinical: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> ResultNodes:
    """Maps, score and explanation of a frozen model, in this process.

    Args:
        inputs: by the model's names of its sequences.
        model: bundled name or file.
        site: where the images were acquired; a model that harmonises sites needs it, the others warn about a site that
            they have not seen.
        clinical: the patient's clinical values by name, for a model with a nomogram.

    Raises:
        HabitatRadiomicsError: an input is refused; nothing was added to the scene.
    """
    check_packages()
    from HabitatRadiomicsLib.model import load_model
    from HabitatRadiomicsLib.reporting import write_score
    from HabitatRadiomicsLib.scoring.patient import score_case

    frozen = load_model(model)
    with tempfile.TemporaryDirectory(prefix="habitat-radiomics-") as folder:
        case = case_of(inputs)
        result = score_case(case, frozen, site=site, clinical=clinical, progress=part(progress, 0, 0.9))
        progress(0.9, "writing the report")
        write_score(Path(folder), result)
        return add_results(scene, Path(folder), inputs)


def check_packages() -> None:
    """Report missing packages before an import fails.

    Raises:
        DependencyError: packages that the library needs are not installed.
    """
    names = [requirement.distribution for requirement in missing()]
    if names:
        raise DependencyError(
            f"Packages are not installed: {', '.join(names)}.",
            remedy="Press Apply in the module, or call HabitatRadiomicsLogic().installPackages().",
        )


def write_inputs(folder: Path, case: Case) -> list[str]:
    """A checked case as files, and the arguments with which the command line reads it back.

    Corrections made to match image and mask are passed on, to be listed among the warnings.
    """
    arguments = []
    for name, (image, mask) in write_case(folder, case, compressed=False).items():
        arguments += ["--image", f"{name}={image}", "--mask", f"{name}={mask}"]
        arguments += [part for note in case.sequences[name].warnings for part in ("--note", f"{name}={note}")]
    return arguments
