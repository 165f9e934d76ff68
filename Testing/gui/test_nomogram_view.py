"""The patient's place in the nomogram: in the Score section and in the report."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qt

from HabitatRadiomicsLib.cases.synthetic import synthetic_patient
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.model.nomogram import NomogramPart, patient_nomogram
from HabitatRadiomicsLib.panel import score_section
from HabitatRadiomicsLib.reporting import write_score
from HabitatRadiomicsLib.scoring.patient import score_case

sys.path.append(str(Path(__file__).resolve().parent))

from made_up_models import CLINICAL, CLINICAL_EFFECT, DEMONSTRATION, nomogram_model
from panel_steps import add_patient, click, module_panel, scored_by_the_library, show_results_of

pytest.importorskip("radiomics")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command line would write of the synthetic patient."""
    folder = tmp_path_factory.mktemp("nomogram")
    write_score(folder, score_case(synthetic_patient(31, seed=4).case, nomogram_model(), clinical=CLINICAL))
    return folder


def test_nomogram_and_points_are_shown(
    habitat_widget: Any, slicer_gui: Any, folder: Path, tmp_path: Path, screenshot: Callable[[Any, Path], None]
) -> None:
    ui = habitat_widget.ui
    with module_panel(slicer_gui, habitat_widget) as area:
        show_results_of(habitat_widget, add_patient(habitat_widget), folder)
        slicer_gui.process_events()
        assert not ui.nomogramPictureLabel.isHidden()
        assert 300 < ui.nomogramPictureLabel.pixmap.width() <= 388
        assert not area.horizontalScrollBar().visible
        text = ui.nomogramLabel.text
        assert "rad-score: 0.65" in text
        assert "age (years): 61" in text
        assert "visceral: liver or lung" in text
        assert "Total points" in text
        assert "Risk of T790M mutation: 81% (44% to 96%)" in text
        picture = tmp_path / "nomogram.png"
        screenshot(habitat_widget.parent, picture)


def test_rad_score_of_the_nomogram_is_that_of_the_images(habitat_widget: Any, folder: Path) -> None:
    show_results_of(habitat_widget, add_patient(habitat_widget), folder)
    score = habitat_widget.patient._parameters.results().score
    rad_score = score_case(synthetic_patient(31, seed=4).case, load_model(DEMONSTRATION)).score
    assert score["nomogram"]["rad_score"] == pytest.approx(rad_score, abs=1e-9)
    found = patient_nomogram(score)
    assert found is not None
    part = nomogram_model().nomogram
    assert part is not None
    risk = float(found.part.scale().probability(found.total))
    assert np.log(risk / (1 - risk)) == pytest.approx(2.5 + 0.8 * rad_score + CLINICAL_EFFECT, abs=1e-9)
    assert found.risk.value == pytest.approx(score["probability"], abs=1e-9)
    assert NomogramPart.model_validate(score["nomogram"]["part"]).terms == part.terms


def test_a_click_opens_the_picture_in_full_size(
    habitat_widget: Any, slicer_gui: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bytes] = []
    monkeypatch.setattr(score_section, "open_temporary", lambda name, data: opened.append(data))
    show_results_of(habitat_widget, add_patient(habitat_widget), folder)
    click(habitat_widget.ui.nomogramPictureLabel, 20, 20)
    (data,) = opened
    picture = qt.QPixmap()
    assert picture.loadFromData(qt.QByteArray(data))
    assert picture.width() > 1000


def test_a_model_without_a_nomogram_shows_none(
    habitat_widget: Any, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    inputs = add_patient(habitat_widget)
    show_results_of(habitat_widget, inputs, folder)
    show_results_of(habitat_widget, inputs, scored_by_the_library(tmp_path_factory))
    assert habitat_widget.ui.nomogramPictureLabel.isHidden()
    assert habitat_widget.ui.nomogramLabel.isHidden()


def test_without_packages_the_rest_is_shown(habitat_widget: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = add_patient(habitat_widget)
    monkeypatch.setattr(score_section, "missing", lambda: ["matplotlib"])
    show_results_of(habitat_widget, inputs, folder)
    assert habitat_widget.ui.nomogramPictureLabel.isHidden()
    assert not habitat_widget.ui.scoreLabel.isHidden()


def test_report_has_the_nomogram(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<h2>Nomogram</h2>" in page
    assert "risk of T790M mutation (95% interval)" in page
    assert "81% (44% to 96%)" in page
