"""``import HabitatRadiomicsLib as hr``: light, complete, and every example in it is true."""

from __future__ import annotations

import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import HabitatRadiomicsLib as hr
from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort

_PROTOCOL = {
    "name": "few",
    "title": "Few features",
    "sequences": ["T1W", "T2FS"],
    "regions": ["whole"],
    "features": {
        "classes": ["firstorder"],
        "images": {
            "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
            "gradient": False, "lbp_2d": False, "log_sigmas": [],
        },
    },
    "learning": {
        "folds": 2, "repeats": 1, "significance": 0.8, "bootstraps": 50, "permutations": 0, "optimism_bootstraps": 0,
        "learning_curve": False, "regions": ["whole"],
    },
}  # fmt: skip
_FUNCTIONS = sorted(name for name in hr.__all__ if inspect.isfunction(getattr(hr, name)))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the examples find: a cohort of 12, four new patients, and a protocol that is quickly done."""
    folder = tmp_path_factory.mktemp("desk")
    write_synthetic_cohort(folder, 12, seed=5)
    write_synthetic_cohort(folder / "new", 4, seed=77)
    (folder / "protocol.yaml").write_text(yaml.safe_dump(_PROTOCOL), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_examples(name: str, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(desk)
    [example] = doctest.DocTestFinder(recurse=False).find(getattr(hr, name), name, globs={})
    assert example.examples
    failed, _ = doctest.DocTestRunner().run(example)
    assert failed == 0, capsys.readouterr().out


def test_the_verbs_are_there() -> None:
    verbs = {"read_case", "maps", "extract", "train", "evaluate", "load_model", "score"}
    assert verbs <= set(hr.__all__) <= set(dir(hr))
    for name in hr.__all__:
        assert getattr(hr, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'habitats_of'"):
        _ = hr.habitats_of


def test_the_import_loads_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import HabitatRadiomicsLib; print(*(set(sys.modules) - before))"
    command = [sys.executable, "-S", "-c", code]
    folder = Path(hr.__file__).parents[1]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=True)
    loaded = set(done.stdout.split())
    assert {name.split(".")[0] for name in loaded} - sys.stdlib_module_names == {"HabitatRadiomicsLib"}
    assert not any(name.startswith("HabitatRadiomicsLib.") for name in loaded)
