"""Classifiers come back bit for bit, and nothing else comes in: no other type, no content that does not fit."""

from __future__ import annotations

import base64
import copy
import functools
import hashlib
import io
import json
import operator
import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
from skops.io import dumps

from HabitatRadiomicsLib.errors import DependencyError, ModelError
from HabitatRadiomicsLib.learning.classifiers import fit_classifier
from HabitatRadiomicsLib.model.classifier import check_content, classifier_text, decision, load_classifier
from HabitatRadiomicsLib.protocol import ClassifierName

CLASSIFIERS = get_args(ClassifierName)


def _table(cases: int = 60) -> tuple[np.ndarray, np.ndarray]:
    values = np.random.default_rng(1).normal(size=(cases, 3))
    return values, (values[:, 0] + values[:, 1] ** 2 > 0.7).astype(int)


@functools.cache
def _fitted(name: ClassifierName) -> Any:
    return fit_classifier(name, *_table(), seed=2)


def _raw(estimator: Any) -> str:
    """As skops writes it, with nothing looked at."""
    return base64.b64encode(dumps(estimator)).decode()


def _rewritten(text: str, change: Callable[[dict[str, bytes]], None]) -> str:
    """The same text with another archive."""
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(text))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_scores_are_the_same_bit_for_bit(name: ClassifierName) -> None:
    new = np.random.default_rng(3).normal(size=(200, 3)) * 3
    loaded = load_classifier(classifier_text(_fitted(name)))
    assert type(loaded) is type(_fitted(name))
    assert decision(loaded, new).tobytes() == decision(_fitted(name), new).tobytes()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_text_is_the_same_each_time(name: ClassifierName) -> None:
    text = classifier_text(_fitted(name))
    values, outcome = _table()
    assert classifier_text(fit_classifier(name, values.copy(), outcome.copy(), seed=2)) == text
    assert classifier_text(load_classifier(text)) == text
    assert text.isascii()


def test_the_text_is_the_same_in_another_process() -> None:
    """Addresses, the time, and what lies between the fields of a tree's nodes differ there."""
    code = """
        import hashlib, numpy as np
        litter = [b"patient" * count for count in range(5000)]
        del litter
        from HabitatRadiomicsLib.learning.classifiers import fit_classifier
        from HabitatRadiomicsLib.model.classifier import classifier_text
        values = np.random.default_rng(1).normal(size=(60, 3))
        outcome = (values[:, 0] + values[:, 1] ** 2 > 0.7).astype(int)
        for name in ("random-forest", "knn"):
            print(hashlib.sha256(classifier_text(fit_classifier(name, values, outcome, seed=2)).encode()).hexdigest())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, encoding="utf-8", check=True
    )
    here = [classifier_text(_fitted("random-forest")), classifier_text(_fitted("knn"))]
    assert done.stdout.split() == [hashlib.sha256(text.encode()).hexdigest() for text in here]


def test_other_classifiers_are_neither_written_nor_read() -> None:
    """All of them are types that skops trusts, or trusts once a tree is trusted."""
    from sklearn.linear_model import Ridge, RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import LabelBinarizer, StandardScaler
    from sklearn.svm import LinearSVC
    from sklearn.tree import DecisionTreeClassifier

    values, outcome = _table()
    others = [
        Ridge(),
        RidgeClassifier(),
        LinearSVC(),
        DecisionTreeClassifier(),
        make_pipeline(StandardScaler(), Ridge()),
    ]
    for other in [
        *(each.fit(values, outcome) for each in others),
        LabelBinarizer().fit(outcome),
        {"a": 1},
        [1.0],
        "text",
    ]:
        with pytest.raises(ModelError, match="which no model of this library does"):
            classifier_text(other)
        with pytest.raises(ModelError, match="which no model of this library does"):
            load_classifier(_raw(other))


@pytest.mark.parametrize(
    "hidden",
    [
        os.system,
        operator.methodcaller("mkdir"),
        functools.partial(print, "here"),
        np.random.default_rng(0),
        np.sin,
        {1, 2},
    ],
    ids=["function", "method-caller", "partial", "generator", "ufunc", "set"],
)
def test_another_type_within_a_classifier_is_refused(hidden: Any) -> None:
    estimator = copy.deepcopy(_fitted("logistic-regression"))
    estimator.max_iter = [{"deep": (hidden,)}]
    with pytest.raises(ModelError, match="which no model of this library does"):
        classifier_text(estimator)
    with pytest.raises(ModelError, match="which no model of this library does"):
        load_classifier(_raw(estimator))


@pytest.mark.parametrize("key", ["__module__", "__class__", "__loader__"])
def test_a_part_under_a_false_flag_is_refused(key: str) -> None:
    """Skops' loaders make other things than the type that stands beside them; only known pairs pass."""

    def change(parts: dict[str, bytes]) -> None:
        schema = json.loads(parts["schema.json"])
        part = schema["content"]["content"]["C"]
        part[key] = {"__module__": "os", "__class__": "system", "__loader__": "OperatorFuncNode"}[key]
        parts["schema.json"] = json.dumps(schema).encode()

    with pytest.raises(ModelError, match="which no model of this library does"):
        load_classifier(_rewritten(classifier_text(_fitted("svm")), change))


def test_no_text_that_is_damaged_is_read() -> None:
    text = classifier_text(_fitted("svm"))
    content = base64.b64decode(text)
    flipped = bytearray(content)
    flipped[len(content) // 3] ^= 1
    damaged = ["", "no base64!", "é", text[: len(text) // 2], text[:-8], text[8:], "QUJD" * 20]
    damaged.append(base64.b64encode(flipped).decode())
    for each in damaged:
        with pytest.raises(ModelError, match="cannot be read"):
            load_classifier(each)


@pytest.mark.parametrize("schema", [b"", b"{}", b"[]", b"null", b"[" * 100_000, b'{"__class__": "SVC"}', b"\xff"])
def test_no_schema_that_makes_no_sense_is_read(schema: bytes) -> None:
    text = _rewritten(classifier_text(_fitted("lda")), lambda parts: parts.update({"schema.json": schema}))
    with pytest.raises(ModelError):
        load_classifier(text)


@pytest.mark.parametrize("part", ["schema.json", "0.npy"])
def test_no_archive_without_a_part_is_read(part: str) -> None:
    text = _rewritten(classifier_text(_fitted("lda")), lambda parts: parts.__delitem__(part))
    with pytest.raises(ModelError, match="cannot be"):
        load_classifier(text)


def test_no_archive_that_unpacks_to_a_flood_is_read() -> None:
    text = _rewritten(classifier_text(_fitted("lda")), lambda parts: parts.update({"0.npy": bytes(1 << 28)}))
    assert len(text) < 1 << 20
    with pytest.raises(ModelError, match="larger than any"):
        load_classifier(text)


def _with_nodes(change: Callable[[dict[str, Any]], None]) -> Any:
    estimator = copy.deepcopy(_fitted("random-forest"))
    tree = estimator.estimators_[7].tree_
    state = tree.__getstate__()
    state["nodes"] = state["nodes"].copy()
    change(state)
    tree.__setstate__(state)
    return estimator


def _at_root(**values: int) -> Callable[[dict[str, Any]], None]:
    def change(state: dict[str, Any]) -> None:
        for name, value in values.items():
            state["nodes"][name][0] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _at_root(left_child=10**6),
        _at_root(right_child=10**6),
        _at_root(left_child=0),
        _at_root(right_child=-5),
        _at_root(feature=3),
        _at_root(feature=-7),
        lambda state: state.update(node_count=0),
    ],
    ids=["left-far", "right-far", "loop", "right-before", "no-such-feature", "negative-feature", "no-node"],
)
def test_trees_that_lead_nowhere_are_refused(change: Callable[[dict[str, Any]], None]) -> None:
    with pytest.raises(ModelError, match="does not fit together"):
        load_classifier(classifier_text(_with_nodes(change)))


def test_a_tree_of_several_outcomes_is_refused_before_it_is_built() -> None:
    def change(parts: dict[str, bytes]) -> None:
        schema = json.loads(parts["schema.json"])
        tree = schema["content"]["content"]["estimators_"]["content"][0]["content"]["content"]["tree_"]
        assert tree["__reduce__"]["args"]["content"][2]["content"] == "1"
        tree["__reduce__"]["args"]["content"][2]["content"] = "1000000"
        parts["schema.json"] = json.dumps(schema).encode()

    with pytest.raises(ModelError, match="which no model of this library does"):
        load_classifier(_rewritten(classifier_text(_fitted("random-forest")), change))


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("svm", "_n_support", np.array([500, 500], dtype=np.int32)),
        ("svm", "_dual_coef_", np.ones((1, 2))),
        ("svm", "_intercept_", np.zeros(0)),
        ("svm", "support_vectors_", np.ones((2, 3))),
        ("svm", "support_", np.zeros(1, dtype=np.int32)),
        ("svm", "kernel", "precomputed"),
        ("svm", "_probA", np.ones(1)),
        ("knn", "_fit_X", np.ones((60, 9))),
        ("knn", "_fit_X", np.full((60, 3), np.nan)),
        ("knn", "_y", np.full(60, 70_000)),
        ("knn", "_y", np.zeros(5, dtype=int)),
        ("knn", "n_neighbors", 500),
        ("knn", "_fit_method", "kd_tree"),
        ("knn", "effective_metric_", "precomputed"),
        ("lda", "classes_", np.array([0, 1, 2])),
        ("logistic-regression", "coef_", np.full((1, 3), np.nan)),
    ],
)
def test_content_that_does_not_fit_together_is_refused(name: ClassifierName, attribute: str, value: Any) -> None:
    estimator = copy.deepcopy(_fitted(name))
    setattr(estimator, attribute, value)
    with pytest.raises(ModelError, match="does not fit together"):
        load_classifier(classifier_text(estimator))


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [("logistic-regression", "coef_", np.zeros((1, 2))), ("mlp", "coefs_", []), ("naive-bayes", "theta_", "text")],
)
def test_content_that_cannot_be_used_is_refused(name: ClassifierName, attribute: str, value: Any) -> None:
    estimator = copy.deepcopy(_fitted(name))
    setattr(estimator, attribute, value)
    with pytest.raises(ModelError, match="cannot be built"):
        load_classifier(classifier_text(estimator))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_checks_pass_whatever_was_fitted(name: ClassifierName) -> None:
    check_content(_fitted(name))
    check_content(fit_classifier(name, np.array([[0.0], [0.1], [1.0], [1.2]]), np.array([0, 0, 1, 1]), seed=0))


def test_without_skops_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="pip install skops"):
        classifier_text(_fitted("lda"))
    with pytest.raises(DependencyError, match="pip install skops"):
        load_classifier("")
