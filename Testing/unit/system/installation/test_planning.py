"""A plan names exactly what is new, with sizes, and never anything that is installed."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Environment, WriteWheel

_PLAN = """
plan = plan_installation(sys.executable)
answer = [[package.pin, package.size, package.private] for package in plan.packages]
"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def address(index: WriteWheel, tmp_path: Path) -> Iterator[str]:
    """The index, served over HTTP."""
    handler = functools.partial(_Quiet, directory=str(tmp_path / "index"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_plan_lists_what_is_new_with_its_size(environment: Environment, address: str, tmp_path: Path) -> None:
    before = environment.state()
    found = environment.run(_PLAN, PIP_FIND_LINKS=address)
    assert {pin: private for pin, _, private in found} == {
        "alpha==1.5": False, "beta==2.0": False, "shap==0.5": False, "slicer==0.0.8": True,
    }  # fmt: skip
    for pin, size, _ in found:
        wheel = tmp_path / "index" / f"{pin.replace('==', '-')}-py3-none-any.whl"
        assert size == wheel.stat().st_size
    assert environment.state() == before


def test_size_is_unknown_where_nobody_tells(environment: Environment) -> None:
    code = """
        from HabitatRadiomicsLib.system.installation.planning import _sizes
        answer = _sizes(["http://127.0.0.1:9/alpha.whl", "file:///nowhere/alpha.whl"], lambda fraction, line: None)
        """
    assert environment.run(code) == [None, None]


def test_what_is_installed_is_kept(environment: Environment, index: WriteWheel) -> None:
    environment.pip("install", "beta")
    index("beta", "3.0")
    assert {pin for pin, _, _ in environment.run(_PLAN)} == {"alpha==1.5", "shap==0.5", "slicer==0.0.8"}


def test_what_only_the_application_sees_is_not_installed_again(
    environment: Environment, index: WriteWheel, tmp_path: Path
) -> None:
    environment.pip("install", "beta", "--target", str(tmp_path / "of-the-application"))
    added = f"sys.path.append({str(tmp_path / 'of-the-application')!r})"
    assert "beta==2.0" not in [pin for pin, _, _ in environment.run(added, _PLAN)]


def test_an_older_version_is_taken_when_the_newest_does_not_fit(environment: Environment, index: WriteWheel) -> None:
    environment.pip("install", "beta")
    index("alpha", "2.0", needs=["beta>=9"])
    index("beta", "9.0")
    assert "alpha==1.5" in [pin for pin, _, _ in environment.run(_PLAN)]


def test_replacing_is_refused_by_name(environment: Environment, index: WriteWheel, tmp_path: Path) -> None:
    environment.pip("install", "beta")
    (tmp_path / "index" / "alpha-1.5-py3-none-any.whl").unlink()
    index("alpha", "2.0", needs=["beta>=9"])
    index("beta", "9.0")
    before = environment.state()
    sentence = environment.run("answer = refused(plan_installation, sys.executable)")
    assert "installed: beta 2.0" in sentence
    assert "never replaced" in sentence
    assert environment.state() == before


def test_an_old_requirement_is_not_updated(environment: Environment, index: WriteWheel) -> None:
    index("alpha", "0.9")
    environment.pip("install", "alpha==0.9")
    sentence = environment.run("answer = refused(plan_installation, sys.executable)")
    assert sentence.startswith("alpha 0.9 is installed, but version 1.0 or newer is needed.")


def test_a_distribution_without_a_proper_version_is_no_obstacle(environment: Environment, index: WriteWheel) -> None:
    broken = environment.packages / "odd-0.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: of-today\n", encoding="utf-8")
    assert len(environment.run(_PLAN)) == 4


def test_nothing_for_this_system(environment: Environment, write_wheel: WriteWheel) -> None:
    write_wheel("shap", "0.5")
    sentence = environment.run("answer = refused(plan_installation, sys.executable)")
    assert "No matching distribution found for alpha>=1.0" in sentence
    assert "no ready-made package for this system" in sentence


def test_no_network(environment: Environment) -> None:
    variables = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}
    sentence = environment.run("answer = refused(plan_installation, sys.executable)", **variables)
    assert "check the network" in sentence


def test_no_such_python(environment: Environment) -> None:
    assert "could not be installed" in environment.run("answer = refused(plan_installation, '/nowhere/python')")


def test_cancel_while_planning(environment: Environment, index: WriteWheel) -> None:
    code = """
        def progress(fraction, line):
            raise Cancelled
        try:
            plan_installation(sys.executable, progress=progress)
        except Cancelled:
            answer = "cancelled"
        """
    assert environment.run(code) == "cancelled"
