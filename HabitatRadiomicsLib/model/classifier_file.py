"""Classifiers as text for the model file: skops' format, without pickle and with an allow-list of types.

skops by itself trusts all of scikit-learn, and more with each version. A file is therefore inspected before skops
builds anything from it, and refused if it holds a type that is not listed here.
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
from HabitatRadiomicsLib.model.classifier_checks import check_content

#: Module, class and skops' loader of what a file may hold: what `make_classifier` makes,
_CLASSIFIERS = {
    ("sklearn.discriminant_analysis", "LinearDiscriminantAnalysis", "ObjectNode"),
    ("sklearn.ensemble._forest", "RandomForestClassifier", "ObjectNode"),
    ("sklearn.linear_model._logistic", "LogisticRegression", "ObjectNode"),
    ("sklearn.naive_bayes", "GaussianNB", "ObjectNode"),
    ("sklearn.neighbors._classification", "KNeighborsClassifier", "ObjectNode"),
    ("sklearn.neural_network._multilayer_perceptron", "MLPClassifier", "ObjectNode"),
    ("sklearn.svm._classes", "SVC", "ObjectNode"),
}
#: and what these are made of.
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
_LARGEST = 1 << 27  # bytes, unpacked: some forty times what a random forest of 100 cases takes
_REMEDY = "Use the original file, from a source that you trust."


def classifier_text(estimator: Any) -> str:
    """A fitted classifier as text, the same for the same classifier.

    skops identifies objects by their memory addresses and adds time stamps; both are removed. So are the padding
    bytes between the fields of a tree's nodes, which could hold any memory of the process that wrote the file.

    Raises:
        ModelError: it is none of those that `make_classifier` makes.
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
        # Of a file that was checked; skops wants trees named besides.
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
    """Refuse a file whose outermost part is no classifier, or that has a part of another type than those above."""
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
    """Trees have one outcome; with more, the constructor would read numbers of classes that may not exist."""
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
