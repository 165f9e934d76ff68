"""``protocols`` and ``protocol show``: what is listed, and that what is printed can be read again."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from HabitatRadiomicsLib.commands.bundled import card
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.protocol import Protocol, bundled_protocols, load_protocol


def test_every_preset_is_listed_with_what_it_needs_and_gives(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["protocols"]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 100
    entries = [" ".join(entry.split()) for entry in printed.split("\n\n")]
    assert [entry.partition(" ")[0] for entry in entries] == list(bundled_protocols())
    for entry, name in zip(entries, bundled_protocols()):
        protocol = load_protocol(name)
        assert entry.startswith(f"{name} {protocol.title}")
        assert f"needs: {protocol.needs}" in entry
        assert f"gives: {protocol.gives}" in entry
        assert ("paper: " in entry) == bool(protocol.reference)
        assert protocol.reference in entry


def test_a_protocol_that_says_little_has_no_empty_lines() -> None:
    assert card(Protocol(name="own", title="My settings")) == ["own", "  My settings"]


def test_long_texts_are_wrapped_under_their_label_and_a_doi_is_not_parted() -> None:
    doi = "(doi 10.1038/s41598-023-42916-2-" + "9" * 80 + ")"
    lines = card(Protocol(name="own", title="T", reference=f"{'word ' * 30}{doi}"))
    assert lines[2].startswith("  paper: word word")
    assert all(line.startswith(" " * 9) for line in lines[3:])
    assert sum(doi.split()[1] in line for line in lines) == 1


@pytest.mark.parametrize("name", sorted(bundled_protocols()))
def test_what_is_shown_has_every_setting_and_is_the_same_protocol_again(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["protocol", "show", name]) == 0
    printed = capsys.readouterr().out
    copy = tmp_path / "copy.yaml"
    copy.write_text(printed, encoding="utf-8")
    assert load_protocol(copy) == load_protocol(name)
    assert load_protocol(copy).sha256 == load_protocol(name).sha256
    document = yaml.safe_load(printed)
    assert set(document) == set(Protocol.model_fields)
    assert document["habitats"]["superpixels"] == 30  # no preset names it: a default
    assert main(["protocol", "show", str(copy)]) == 0
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("name", ["general-mr", "no/such/file.yaml", ""])
def test_unknown_name_is_told_with_those_that_there_are(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["protocol", "show", name]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "There is no protocol of this name, and no such file." in told.err
    assert "general-mri" in told.err


@pytest.mark.parametrize("arguments", [["protocol"], ["protocol", "show"], ["protocol", "print", "general-mri"]])
def test_missing_or_unknown_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: habitat-radiomics protocol" in capsys.readouterr().err
