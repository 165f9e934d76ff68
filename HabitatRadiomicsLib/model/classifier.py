"""A model's classifier: its score, and its text in the model file.

The text is skops' format, without pickle and with an allow-list of types.
skops by itself trusts all of scikit-learn, and more with each version. A file is therefore inspected before skops
builds anything from it, and refused if it holds a type that is not listed here. scikit-learn's compiled code trusts the
numbers in a classifier, and wrong ones would make it access memory out of bounds; a file whose content does not fit
together is refused before the classifier scores anything.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from HabitatRadiomicsLib.errors import DependencyError, ModelError

#: Log-odds are limited to -4.6..4.6, because a fraction of neighbours or trees is not certain.
_LEAST_PROBABILITY = 0.01
#: Module, class and skops' loader of the objects that a file may hold: the classifiers of `make_classifier`,
_CLASSIFIERS = {
    ("sklearn.discriminant_analysis", "LinearDiscriminantAnalysis", "ObjectNode"),
    ("sklearn.ensemble._forest", "RandomForestClassifier", "ObjectNode"),
    ("sklearn.linear_model._logistic", "LogisticRegression", "ObjectNode"),
    ("sklearn.naive_bayes", "GaussianNB", "ObjectNode"),
    ("sklearn.neighbors._classification", "KNeighborsClassifier", "ObjectNode"),
    ("sklearn.neural_network._multilayer_perceptron", "MLPClassifier", "ObjectNode"),
    ("sklearn.svm._classes", "SVC", "ObjectNode"),
}
#: and their parts.
_PARTS = {
    ("builtins", "dict", "DictNode"),
    ("builtins", "list", "ListNode"),
    ("builtins", "str", "JsonNode"),
    ("builtins", "str", "TypeNode"),
    ("builtins", "tuple", "TupleNode"),
    ("numpy", "float64", "NdArrayNode"),
    ("numpy", "int64", "NdArrayNode"),
    ("numpy", "ndarray", "NdArrayNode"),
    ("numpy.random.mtrand", "RandomState", "RandomStateNode"),
    ("sklearn.preprocessing._label", "LabelBinarizer", "ObjectNode"),
    ("sklearn.tree._classes", "DecisionTreeClassifier", "ObjectNode"),
    ("sklearn.tree._tree", "Tree", "TreeNode"),
}
_ALLOWED = _CLASSIFIERS | _PARTS
_SCHEMA = "schema.json"
_LARGEST = 1 << 27  # bytes, unpacked: about forty times the size of a random forest of 100 cases
_REMEDY = "Use the original file, from a source that you trust."


def classifier_text(estimator: Any) -> str:
    """A fitted classifier as text, the same for the same classifier.

    skops identifies objects by their memory addresses and adds time stamps; both are removed. So are the padding
    bytes between the fields of a tree's nodes, which could hold any memory of the process that wrote the file.

    Raises:
        ModelError: `make_classifier` makes no classifier of this type.
        DependencyError: skops is not installed.
    """
    _need_skops()
    from skops.io import dumps

    with zipfile.ZipFile(io.BytesIO(dumps(estimator))) as written:
        schema = _without_addresses(json.loads(written.read(_SCHEMA)))
        _check_types(schema)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, part in enumerate(part for part in _dictionaries(schema) if "file" in part):
                content = _without_leftovers(written.read(part["file"]))
                part["file"] = f"{number}.npy"
                _add(archive, part["file"], content)
            _add(archive, _SCHEMA, json.dumps(schema, separators=(",", ":")).encode())
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def load_classifier(text: str) -> Any:
    """The classifier in a text; its scores equal those of the written one, bit for bit.

    Raises:
        ModelError: the text is damaged, holds another type, or content that does not fit together.
        DependencyError: skops is not installed.
    """
    _need_skops()
    from skops.io import loads

    content = _unpacked(text)
    try:
        # The file was checked; skops also wants trees to be named.
        estimator = loads(content, trusted=["sklearn.tree._tree.Tree"])
        check_content(estimator)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"The model's classifier cannot be built ({type(error).__name__}: {error}).", remedy=_REMEDY
        ) from error
    return estimator


def _unpacked(text: str) -> bytes:
    """The archive in a text, whose types are all allowed."""
    try:
        content = base64.b64decode(text, validate=True)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST:
                raise ValueError("it is larger than any that this library makes")
            if archive.testzip() is not None:
                raise ValueError("a checksum does not fit")
            schema = json.loads(archive.read(_SCHEMA))
    except Exception as error:  # zipfile and its decompressors have many
        raise ModelError(
            f"The model's classifier cannot be read ({error}).", remedy="Copy the model file again from its source."
        ) from error
    _check_types(schema)
    return content


def _check_types(schema: Any) -> None:
    """Refuse a file whose outermost part is not a classifier, or with a part of a type that is not listed above."""
    parts = list(_dictionaries(schema))
    if not parts or parts[0] is not schema or _type(schema) not in _CLASSIFIERS:
        raise _refused(_type(schema) if isinstance(schema, dict) else ("", "", ""))
    for part in parts:
        names_a_type = any(key in part for key in ("__module__", "__class__", "__loader__"))
        if names_a_type and (_type(part) not in _ALLOWED or (part["__loader__"] == "TreeNode" and _many_outputs(part))):
            raise _refused(_type(part))


def _type(part: dict[str, Any]) -> tuple[str, str, str]:
    return str(part.get("__module__")), str(part.get("__class__")), str(part.get("__loader__"))


def _many_outputs(tree: dict[str, Any]) -> bool:
    """Whether a tree has more than one outcome; its constructor would read numbers of classes that may not exist."""
    try:
        return bool(tree["__reduce__"]["args"]["content"][2]["content"] != "1")
    except (IndexError, KeyError, TypeError):
        return True


def _refused(kind: tuple[str, str, str]) -> ModelError:
    return ModelError(
        f"The model's classifier is or contains {kind[0]}.{kind[1]} ({kind[2]}), which no model of this library does.",
        remedy=_REMEDY,
    )


def _dictionaries(content: Any) -> Iterator[dict[str, Any]]:
    """All dictionaries of a schema, the outer ones first."""
    waiting = [content]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(reversed(part.values()))
        elif isinstance(part, list):
            waiting.extend(reversed(part))


def _without_addresses(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_addresses(value) for key, value in content.items() if key != "__id__"}
    return [_without_addresses(value) for value in content] if isinstance(content, list) else content


def _without_leftovers(content: bytes) -> bytes:
    """An array's file, with zeros between the fields of its records."""
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.names is None:
        return content
    clean = np.zeros(array.shape, array.dtype)
    for name in array.dtype.names:
        clean[name] = array[name]
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Without the time of day."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def _need_skops() -> None:
    if importlib.util.find_spec("skops") is None:
        raise DependencyError(
            "Models with a classifier need skops, which is not installed.", remedy="Install it: pip install skops."
        )


def check_content(estimator: Any) -> None:
    """Check that the content of a loaded classifier fits together, and score one case with it.

    Raises:
        ModelError: the content does not fit together, or the score is not a number. Other errors are scikit-learn's,
            about content that it cannot use.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    features = int(estimator.n_features_in_)
    fits = np.array_equal(estimator.classes_, [0, 1])
    if isinstance(estimator, RandomForestClassifier):
        fits = fits and all(_tree_fits(tree, features) for tree in estimator.estimators_)
    elif isinstance(estimator, SVC):
        fits = fits and _vectors_fit(estimator, features)
    elif isinstance(estimator, KNeighborsClassifier):
        fits = fits and _neighbours_fit(estimator, features)
    if not fits or not np.isfinite(decision(estimator, np.zeros((1, features)))).all():
        raise ModelError(
            "The model's classifier has content that does not fit together.",
            remedy=_REMEDY,
        )


def _tree_fits(estimator: Any, features: int) -> bool:
    """Each node's children exist and come after it, and each split is at an existing feature."""
    tree = estimator.tree_
    count = tree.node_count
    if not 0 < count <= tree.capacity or tree.n_outputs != 1 or tree.max_n_classes != 2:
        return False
    left, right, split = tree.children_left, tree.children_right, tree.feature
    inner = left != -1
    places = np.arange(count)[inner]
    children = np.array([left[inner], right[inner]])
    return bool(
        estimator.n_features_in_ == tree.n_features == features
        and (children > places).all()
        and (children < count).all()
        and (split[inner] >= 0).all()
        and (split[inner] < features).all()
    )


def _vectors_fit(estimator: Any, features: int) -> bool:
    count = len(estimator.support_vectors_)
    return bool(
        estimator.kernel == "rbf"
        and estimator.support_vectors_.shape == (count, features)
        and estimator._dual_coef_.shape == (1, count)
        and estimator.support_.shape == (count,)
        and estimator._n_support.shape == (2,)
        and (estimator._n_support >= 0).all()
        and estimator._n_support.sum() == count
        and estimator._intercept_.shape == (1,)
        and estimator._probA.size == estimator._probB.size == 0
    )


def _neighbours_fit(estimator: Any, features: int) -> bool:
    count = len(estimator._fit_X)
    return bool(
        (estimator._fit_method, estimator.effective_metric_) == ("brute", "euclidean")
        and estimator._fit_X.shape == (count, features)
        and np.isfinite(estimator._fit_X).all()
        and estimator._y.shape == (count,)
        and np.isin(estimator._y, (0, 1)).all()
        and 0 < estimator.n_neighbors <= count
    )


def decision(estimator: Any, standardised: np.ndarray) -> np.ndarray:
    """Scores, higher for outcome 1: the decision function, or log-odds of probabilities clipped to 0.01..0.99.

    Args:
        estimator: fitted by `fit_classifier`.
        standardised: z-scored features, shape (cases, features); finite.

    Returns:
        Shape (cases,).
    """
    linear = linear_terms(estimator)
    if linear is not None:
        intercept, coefficients = linear
        return np.asarray(intercept + standardised @ coefficients)
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(standardised), dtype=float)
    return log_odds(estimator.predict_proba(standardised)[:, 1])


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities clipped to 0.01..0.99."""
    probability = probability.clip(_LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return np.asarray(np.log(probability) - np.log1p(-probability))


def linear_terms(estimator: Any) -> tuple[float, np.ndarray] | None:
    """Intercept and coefficients, shape (features,), of a linear classifier's score; None: it is not linear."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression

    if not isinstance(estimator, (LogisticRegression, LinearDiscriminantAnalysis)):
        return None
    return float(estimator.intercept_[0]), np.asarray(estimator.coef_[0], dtype=float)
