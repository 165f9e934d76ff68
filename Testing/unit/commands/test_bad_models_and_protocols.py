"""A model or a protocol that will not do: status 2, a sentence with the remedy, and nothing written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from HabitatRadiomicsLib.protocol import bundled_protocols
from HabitatRadiomicsLib.system.provenance import document_digest

from .spoiled_input import COMMANDS, MODEL, Desk, Refused


def edited_digit(text: str) -> str:
    edited, count = re.subn(
        r'("intercept": -?\d\.\d)(\d)', lambda hit: hit[1] + str((int(hit[2]) + 1) % 10), text, count=1
    )
    assert count == 1
    return edited


def with_number(text: str, number: str) -> str:
    edited, count = re.subn(r'("intercept": )[-\d.e]+', rf"\g<1>{number}", text, count=1)
    assert count == 1
    return edited


def with_digest(text: str, **changes: object) -> str:
    """Parts replaced, and a digest that fits."""
    document = {**json.loads(text), **changes}
    document.pop("sha256")
    return json.dumps({**document, "sha256": document_digest(document)})


MODELS: dict[str, tuple[Callable[[str], str], tuple[str, ...]]] = {
    "truncated": (lambda text: text[: len(text) // 2], ("cannot be read as JSON", "truncated", "Copy it again")),
    "edited": (edited_digit, ("edited or damaged", "original file")),
    "without digest": (lambda text: with_digest(text).replace("sha256", "sha512"), ("edited or damaged",)),
    "of a newer format": (
        lambda text: with_digest(text, format_version=2),
        ("The model has format 2", "reads up to 1", "Update"),
    ),
    "with NaN": (lambda text: with_number(text, "NaN"), ("NaN is not a number that a model may hold",)),
    "with Infinity": (lambda text: with_number(text, "-Infinity"), ("-Infinity is not a number",)),
    "with 1e999": (lambda text: with_number(text, "1e999"), ("edited or damaged",)),
    "with 1e999 and no digest": (
        lambda text: re.sub('"sha256": "[0-9a-f]*"', '"sha256": ""', with_number(text, "1e999")),
        ("edited or damaged",),
    ),
    "with half a character": (lambda text: text.replace('"title": "', '"title": "\\ud800'), ("edited or damaged",)),
    "with too few coefficients": (
        lambda text: with_digest(text, coefficient_covariance=[[1.0]]),
        ("not a valid model", "coefficient_covariance"),
    ),
    "with an unknown part": (lambda text: with_digest(text, surprise=1), ("not a valid model", "surprise")),
    "another JSON file": (lambda text: '{"warnings": []}\n', ("not a model file", "format_version")),
    "a list": (lambda text: "[1, 2]\n", ("not a model file",)),
    "nested without end": (lambda text: "[" * 200_000, ("cannot be read as JSON",)),
    "an image": (lambda text: "NRRD0004\ntype: short\n", ("cannot be read as JSON",)),
    "empty": (lambda text: "", ("cannot be read as JSON",)),
}


@COMMANDS
@pytest.mark.parametrize("what", MODELS)
def test_a_bad_model_file_is_refused(desk: Desk, refused: Refused, good_model: str, what: str, command: str) -> None:
    spoil, says = MODELS[what]
    spoiled = spoil(good_model)
    assert spoiled != good_model
    path = desk.text(spoiled, "model.json")
    arguments = [command, "--model", str(path), *desk.arguments("maps")[1:]]
    refused(*arguments, says=(f"{path}: ", *says))


def test_a_model_file_that_is_not_text_is_refused(desk: Desk, refused: Refused) -> None:
    path = desk.folder / "t1.nrrd"
    arguments = ["score", "--model", str(path), *desk.arguments("maps")[1:]]
    refused(*arguments, says=(f"{path}: ", "cannot be read as JSON"))


@pytest.mark.parametrize("name", ["none.json", ".", "x" * 300])
def test_a_model_that_is_not_there_is_refused(desk: Desk, refused: Refused, name: str) -> None:
    arguments = ["score", "--model", name, *desk.arguments("maps")[1:]]
    refused(*arguments, says=(f"{name}: ", "no model of this name", "Bundled models: ", MODEL))


PROTOCOLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "impossible date": ("name: 2024-99-99\n", ("cannot be read as YAML",)),
    "nested without end": ("[" * 20_000, ("cannot be read as YAML",)),
    "no mapping": ("- a\n- b\n", ("mapping of settings",)),
    "empty": ("", ("mapping of settings",)),
    "bad YAML": ("name: [a\ntitle: b\n", ("cannot be read as YAML", "line 2")),
    "tab": ("name:\n\t- a\n", ("cannot be read as YAML",)),
    "newer format": ("format_version: 2\nname: a\ntitle: b\n", ("has format 2", "reads up to 1", "Update")),
    "many wrong settings": (
        "name: my_own\nregions: [whole, S0]\nsurprise: 1\nring_mm: -1\n"
        "habitats: {superpixels: 1, entropy: {window: 8}}\nfeatures: {discretisation: {}, clases: [glcm]}\n"
        "preprocessing: {window: {lower: 5, upper: 5}, resampling: {spacing: [1, 1]}}\n",
        (
            "name: use letters, digits and hyphens",
            "title: Field required",
            "regions: 'S0' is not a region",
            "surprise: Extra",
            "ring_mm: ",
            "habitats.superpixels: ",
            "habitats.entropy: 'window' must be odd",
            "features.clases: ",
            "features.discretisation: give either",
            "preprocessing.window: 'lower' must be below",
            "preprocessing.resampling.spacing",
        ),
    ),
}


@pytest.mark.parametrize("what", PROTOCOLS)
def test_a_bad_protocol_is_refused(desk: Desk, refused: Refused, what: str) -> None:
    text, says = PROTOCOLS[what]
    path = desk.text(text, "protocol.yaml")
    refused(*desk.arguments(), "--protocol", str(path), says=(f"{path}: ", *says))


def test_a_protocol_that_is_not_there_is_refused(desk: Desk, refused: Refused) -> None:
    says = ("my-protocol: ", "no protocol of this name", *bundled_protocols())
    refused(*desk.arguments(), "--protocol", "my-protocol", says=says)
