"""The synthetic spinal metastases with clinical variables and repeated segmentations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import INTER_OBSERVER, INTRA_OBSERVER
from HabitatRadiomicsLib.cases.synthetic.grid import on_grid
from HabitatRadiomicsLib.cases.synthetic.spine import write_synthetic_cohort
from HabitatRadiomicsLib.cases.synthetic.texture import texture
from HabitatRadiomicsLib.outputs import write_csv, write_image

SECOND_READER = "second-reader.csv"
REPEAT_READING = "repeat-reading.csv"
#: The tables of repeated segmentations, and the kind of reading in each.
READINGS = {SECOND_READER: INTER_OBSERVER, REPEAT_READING: INTRA_OBSERVER}
#: SD of the displacement of a repeated contour in mm; readers agree best with themselves.
_DISPLACEMENT = {SECOND_READER: 0.7, REPEAT_READING: 0.4}
#: Correlation length of this displacement along the contour, in mm.
_GRAIN = 6.0


def write_spine_clinical(
    folder: Path, patients: int, *, seed: int, effect: float, read_twice: int = 0
) -> tuple[Path, Path]:
    """A cohort on disk with age, visceral metastases and sex; returns ``images.csv`` and ``clinical.csv``.

    With the outcome, patients are 8 years older (SD 10) and have visceral metastases at odds of 4 for each 1 of the
    others; sex tells nothing.

    Args:
        effect: of the images (see :func:`write_synthetic_cohort`), and a factor of the difference in age and of the
            odds ratio's logarithm; 0: the outcome shows nowhere.
        read_twice: of how many patients a second reader's masks are written, and the first reader's second ones, each
            with a table of its own beside the others: ``second-reader.csv``, ``repeat-reading.csv``.
    """
    import pandas as pd

    tables = write_synthetic_cohort(folder, patients, seed=seed, effect=effect)
    clinical = pd.read_csv(tables[1])
    known = [_clinical(seed, number, outcome, effect) for number, outcome in enumerate(clinical["outcome"])]
    clinical[["age", "visceral", "sex"]] = known
    write_csv(clinical, tables[1])
    if read_twice:
        for table in READINGS:
            _write_reading(folder, tables[0], table, read_twice, seed)
    return tables


def _clinical(seed: int, number: int, outcome: int, effect: float) -> list[object]:
    generator = np.random.default_rng([seed, number, 2])
    side = 1 if outcome else -1
    age = int(np.clip(np.rint(generator.normal(62 + 4 * effect * side, 10)), 18, 95))
    odds = np.exp(effect * side * np.log(4) / 2)
    visceral = "yes" if generator.uniform() < odds / (1 + odds) else "no"
    return [age, visceral, "female" if generator.uniform() < 0.5 else "male"]


def _write_reading(folder: Path, images: Path, table: str, count: int, seed: int) -> None:
    """The same images with slightly different contours."""
    import pandas as pd

    rows = pd.read_csv(images)
    reading = rows[rows["case_id"].isin(rows["case_id"].unique()[:count])]
    masks = []
    for number, row in enumerate(reading.itertuples()):
        mask = sitk.ReadImage(str(folder / row.mask))
        path = Path(row.mask).with_name(f"{row.sequence}-{Path(table).stem}.nrrd")
        generator = np.random.default_rng([seed, number, 3 + list(READINGS).index(table)])
        write_image(_outlined_again(mask, _DISPLACEMENT[table], generator), folder / path)
        masks.append(path.as_posix())
    write_csv(reading.assign(mask=masks), folder / table)


def _outlined_again(mask: sitk.Image, displacement: float, generator: np.random.Generator) -> sitk.Image:
    inside = sitk.GetArrayFromImage(mask) == 1
    distance = sitk.GetArrayFromImage(
        sitk.SignedMaurerDistanceMap(mask, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    )
    shift = displacement * texture(generator, inside.shape, mask.GetSpacing()[::-1], _GRAIN)
    return on_grid((distance + shift <= 0).astype(np.uint8), mask)
