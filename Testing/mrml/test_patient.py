"""Maps and scores from nodes are those of the command line on the same files, to the last bit."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from mrml_nodes import add_image, add_segmentation, add_transform, block, contents, load, matrix_of, noise, rotation

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient
from HabitatRadiomicsLib.commands.arguments import read_case
from HabitatRadiomicsLib.commands.program import build_parser, main
from HabitatRadiomicsLib.errors import Cancelled, DependencyError, HabitatRadiomicsError, ModelError, RegionError
from HabitatRadiomicsLib.protocol import load_protocol, protocol_text
from HabitatRadiomicsLib.scene.patient import compute_maps, score_patient, write_inputs
from HabitatRadiomicsLib.scene.result_nodes import habitat_labels
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput, case_of
from HabitatRadiomicsLib.system.installation import dependencies
from HabitatRadiomicsLib.system.provenance import image_digest

sys.path.append(str(Path(__file__).resolve().parents[1] / "unit"))

import two_time_points

MODEL = "t790m-spine-demo"


def document(path: Path) -> object:
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_score_is_that_of_the_command_line(scene: object, inputs: dict[str, SequenceInput], scored: Path) -> None:
    told: list[tuple[float, str]] = []
    results = score_patient(scene, inputs, MODEL, progress=lambda part, words: told.append((part, words)))
    assert results.score == document(scored / "score.json")
    assert results.content["maps"] == document(scored / "habitats.json")
    assert results.report.GetText() == (scored / "report.html").read_text(encoding="utf-8")
    parts = [part for part, _ in told]
    assert parts == sorted(parts)
    assert parts[0] >= 0
    assert parts[-1] <= 1
    assert len({words for _, words in told}) > 4


def test_the_site_that_is_told_draws_the_command_lines_warning(scene: object, inputs: dict[str, SequenceInput]) -> None:
    results = score_patient(scene, inputs, MODEL, site="Gamma")
    assert any("The model has not seen the site Gamma" in warning for warning in results.warnings)


@pytest.mark.parametrize("ending", ["nrrd", "nii.gz"])
def test_maps_of_an_oblique_image_are_those_of_the_command_line(
    scene: object, patient: SyntheticPatient, tmp_path: Path, ending: str
) -> None:
    """A turn about all axes and a spacing that no decimal number is; NIfTI keeps both in single precision."""
    source = patient.case.sequences["T1W"]
    turned = noise(direction=None, spacing=(0.9, 0.9, 10 / 3))
    volumes, paths = [], []
    for image, name in ((source.image, "image"), (source.mask, "mask")):
        image = sitk.Image(image)
        image.SetDirection(turned.GetDirection())
        image.SetSpacing(turned.GetSpacing())
        image.SetOrigin(turned.GetOrigin())
        paths.append(tmp_path / f"{name}.{ending}")
        volumes.append(load(image, paths[-1], labelmap=name == "mask"))
    out = tmp_path / "maps"
    assert main(["maps", "--image", f"T1W={paths[0]}", "--mask", f"T1W={paths[1]}", "--out", str(out)]) == 0
    results = compute_maps(scene, {"T1W": SequenceInput(*volumes)})
    assert results.content == {"maps": document(out / "habitats.json"), "score": None}
    entropy = sitk.ReadImage(str(out / "T1W_entropy.nrrd"))
    np.testing.assert_array_equal(
        slicer.util.arrayFromVolume(results.entropy["T1W"]), sitk.GetArrayViewFromImage(entropy)
    )


def test_maps_of_a_left_handed_file_are_those_of_the_command_line_but_for_rounding(
    scene: object, patient: SyntheticPatient, tmp_path: Path
) -> None:
    """Slicer turns its slices around as it loads, so that sums run in another order."""
    source = patient.case.sequences["T1W"]
    nodes, paths = [], []
    for image, name in ((source.image, "image"), (source.mask, "mask")):
        paths.append(tmp_path / f"{name}.nii.gz")
        nodes.append(load(sitk.Flip(image, (True, False, False)), paths[-1], labelmap=name == "mask"))
    out = tmp_path / "maps"
    assert main(["maps", "--image", f"T1W={paths[0]}", "--mask", f"T1W={paths[1]}", "--out", str(out)]) == 0
    results = compute_maps(scene, {"T1W": SequenceInput(*nodes)})
    expected = document(out / "habitats.json")["sequences"]["T1W"]["habitats"]
    found = results.content["maps"]["sequences"]["T1W"]["habitats"]
    assert len(found) == len(expected) >= 2
    for row, other in zip(found, expected):
        assert row.pop("name") == other.pop("name")
        assert row == pytest.approx(other, rel=1e-9)
    written = sitk.ReadImage(str(out / "T1W_habitats.nrrd"))
    np.testing.assert_array_equal(habitat_labels(results, "T1W"), sitk.GetArrayFromImage(written)[::-1])


def test_maps_of_a_volume_under_a_transform_lie_where_it_is_seen(
    scene: object, inputs: dict[str, SequenceInput]
) -> None:
    """They have no transform of their own: what was measured lies in the world."""
    turn = np.eye(4)
    turn[:3, :3], turn[:3, 3] = rotation(5, -20, 33), (12.5, -8, 60)
    transform, chosen = add_transform(turn), inputs["T1W"]
    for node in (chosen.volume, chosen.mask):
        node.SetAndObserveTransformNodeID(transform.GetID())
    results = compute_maps(scene, {"T1W": chosen})
    entropy, habitats = results.entropy["T1W"], results.habitats["T1W"]
    assert entropy.GetParentTransformNode() is habitats.GetParentTransformNode() is None
    np.testing.assert_allclose(matrix_of(entropy), turn @ matrix_of(chosen.volume), atol=1e-5)
    lesion = slicer.util.arrayFromSegmentBinaryLabelmap(
        chosen.mask, chosen.mask.GetSegmentation().GetNthSegmentID(0), chosen.volume
    )
    np.testing.assert_array_equal(habitat_labels(results, "T1W") > 0, lesion > 0)
    assert chosen.volume.GetParentTransformNode() is transform


def test_maps_of_two_time_points_are_those_of_the_command_line(scene: object, tmp_path: Path) -> None:
    """The follow-up on the scale of the baseline, and how its habitats changed."""
    settings = two_time_points.protocol(regions=["whole", "habitats"])
    (tmp_path / "two.yaml").write_text(protocol_text(settings), encoding="utf-8")
    nodes, arguments = {}, ["--protocol", str(tmp_path / "two.yaml")]
    for moment, images in two_time_points.images_of(3, responds=True, core_left=0.35).items():
        key, volumes = f"{moment}_CT", []
        for image, kind in zip(images, ("image", "mask")):
            path = tmp_path / f"{moment}-{kind}.nrrd"
            volumes.append(load(image, path, labelmap=kind == "mask"))
            arguments += [f"--{kind}", f"{key}={path}"]
        nodes[key] = SequenceInput(*volumes)
    out = tmp_path / "maps"
    assert main(["maps", *arguments, "--out", str(out)]) == 0
    results = compute_maps(scene, nodes, protocol=str(tmp_path / "two.yaml"))
    content = results.content
    changes = content.pop("changes")
    assert content == {"maps": document(out / "habitats.json"), "score": None}
    assert content["maps"]["sequences"]["follow-up_CT"]["scale"]["lesion"] == "baseline_CT"
    with (out / "habitat_changes.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for name in ("sequence", "habitat", "scale"):
        assert [row[name] for row in changes] == [row[name] for row in rows]
    assert [row["followup_ml"] for row in changes] == [float(row["followup_ml"]) for row in rows]
    assert {row["scale"] for row in rows} == {"baseline"}
    alone = {"follow-up_CT": nodes["follow-up_CT"]}
    before = contents(scene)
    with pytest.raises(RegionError, match="found on the scale of baseline CT, which is missing"):
        compute_maps(scene, alone, protocol=str(tmp_path / "two.yaml"))
    assert contents(scene) == before


def test_a_mask_drawn_on_another_grid_is_that_of_the_command_line(
    scene: object, patient: SyntheticPatient, tmp_path: Path
) -> None:
    source = patient.case.sequences["T2FS"]
    fine = sitk.Expand(source.mask, (2, 2, 1), sitk.sitkNearestNeighbor)
    image, mask = load(source.image, tmp_path / "image.nrrd"), add_segmentation({"lesion": fine})
    sitk.WriteImage(fine, str(tmp_path / "mask.nrrd"))
    out = tmp_path / "maps"
    arguments = ["--image", f"T2FS={tmp_path / 'image.nrrd'}", "--mask", f"T2FS={tmp_path / 'mask.nrrd'}"]
    assert main(["maps", *arguments, "--resample-mask", "--out", str(out)]) == 0
    results = compute_maps(scene, {"T2FS": SequenceInput(image, mask)})
    assert results.content["maps"] == document(out / "habitats.json")
    assert "was resampled (nearest neighbour)" in results.warnings[0]


def test_digests_are_those_of_what_was_measured(scene: object, scored: Path, patient: SyntheticPatient) -> None:
    told = document(scored / "score.json")["provenance"]["inputs"]
    for name, sequence in patient.case.sequences.items():
        assert told[name] == {
            "image_sha256": image_digest(sequence.image),
            "mask_sha256": image_digest(sequence.mask),
        }


def only_t1w(inputs: dict[str, SequenceInput]) -> dict[str, SequenceInput]:
    return {"T1W": inputs["T1W"]}


def other_names(inputs: dict[str, SequenceInput]) -> dict[str, SequenceInput]:
    return {"T1W": inputs["T1W"], "FLAIR": inputs["T2FS"]}


def tiny_lesion(inputs: dict[str, SequenceInput]) -> dict[str, SequenceInput]:
    image = noise()
    mask = add_segmentation({"lesion": block(image, high=(8, 7, 3))})
    return {**inputs, "T2FS": SequenceInput(add_image(image), mask)}


def no_mask(inputs: dict[str, SequenceInput]) -> dict[str, SequenceInput]:
    return {**inputs, "T2FS": SequenceInput(inputs["T2FS"].volume, None)}


@pytest.mark.parametrize(
    ("spoil", "model", "kind", "told"),
    [
        (only_t1w, MODEL, ModelError, "The images do not fit the model: it needs T1W and T2FS; T2FS is missing."),
        (other_names, MODEL, ModelError, "FLAIR is not a sequence of this model"),
        (tiny_lesion, MODEL, RegionError, "T2FS: "),
        (no_mask, MODEL, HabitatRadiomicsError, "T2FS segment: No segmentation or label map is chosen."),
        (dict, "no-such-model", ModelError, "no-such-model"),
    ],
)
def test_a_score_that_is_refused_leaves_the_scene_as_it_was(
    scene: object,
    inputs: dict[str, SequenceInput],
    spoil: Callable[[dict[str, SequenceInput]], dict[str, SequenceInput]],
    model: str,
    kind: type[HabitatRadiomicsError],
    told: str,
) -> None:
    chosen = spoil(inputs)
    before = contents(scene)
    with pytest.raises(kind) as error:
        score_patient(scene, chosen, model)
    assert told in str(error.value)
    assert contents(scene) == before


@pytest.mark.parametrize(
    ("spoil", "settings", "told"),
    [
        (tiny_lesion, {}, "T2FS: "),
        (dict, {"protocol": "no-such-protocol"}, "no-such-protocol"),
    ],
)
def test_maps_that_are_refused_leave_the_scene_as_it_was(
    scene: object,
    inputs: dict[str, SequenceInput],
    spoil: Callable[[dict[str, SequenceInput]], dict[str, SequenceInput]],
    settings: dict[str, str],
    told: str,
) -> None:
    chosen = spoil(inputs)
    before = contents(scene)
    with pytest.raises(HabitatRadiomicsError) as error:
        compute_maps(scene, chosen, **settings)
    assert told in str(error.value)
    assert contents(scene) == before


def test_work_that_is_cancelled_leaves_the_scene_as_it_was(scene: object, inputs: dict[str, SequenceInput]) -> None:
    def stop(part: float, words: str) -> None:
        if part > 0.5:
            raise Cancelled

    before = contents(scene)
    with pytest.raises(Cancelled):
        compute_maps(scene, inputs, progress=stop)
    assert contents(scene) == before


def test_packages_that_are_missing_are_named_before_anything_is_read(
    scene: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = dependencies.Requirement("no-such-package", "no_such_package", "1")
    monkeypatch.setattr(dependencies, "REQUIREMENTS", (absent,))
    for work in (lambda: compute_maps(scene, {}), lambda: score_patient(scene, {}, MODEL)):
        with pytest.raises(DependencyError, match="Packages are not installed: no-such-package") as error:
            work()
        assert "installPackages()" in error.value.remedy


def read_back(arguments: list[str], out: Path) -> Case:
    return read_case(build_parser().parse_args(["maps", *arguments, "--out", str(out)]), load_protocol("general-mri"))


def test_a_case_written_for_another_process_reads_back_the_same(
    scene: object, inputs: dict[str, SequenceInput], tmp_path: Path
) -> None:
    image = noise()
    bent = add_segmentation({"lesion": sitk.Expand(block(image), (2, 2, 1), sitk.sitkNearestNeighbor)})
    case = case_of({**inputs, "FLAIR": SequenceInput(add_image(image), bent)})
    assert len(case.sequences["FLAIR"].warnings) == 1
    back = read_back(write_inputs(tmp_path / "case", case), tmp_path / "out")
    assert list(back.sequences) == ["T1W", "T2FS", "FLAIR"]
    for name, sequence in case.sequences.items():
        read = back.sequences[name]
        assert image_digest(read.image) == image_digest(sequence.image)
        assert image_digest(read.mask) == image_digest(sequence.mask)
        assert read.warnings == sequence.warnings


def test_notes_keep_their_order_and_their_signs(scene: object, tmp_path: Path) -> None:
    image = noise()
    case = case_of({"T1W": SequenceInput(add_image(image), add_segmentation({"lesion": block(image)}))})
    notes = ("First: a = b.", "Second, 5 ml.", "--third starts like an option.")
    case = Case("case", {"T1W": replace(case.sequences["T1W"], warnings=notes)})
    back = read_back(write_inputs(tmp_path / "case", case), tmp_path / "out")
    assert back.sequences["T1W"].warnings == notes
