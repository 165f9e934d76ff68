"""An installation is complete or leaves the environment as it was."""

from __future__ import annotations

import sys

import pytest

from .conftest import Environment, WriteWheel

_INSTALL = """
import time
calls = []
plan = plan_installation(sys.executable)
install(plan, python=sys.executable, progress=lambda *call: calls.append((time.monotonic(), *call)))
"""


def test_installs_what_is_planned(environment: Environment, index: WriteWheel) -> None:
    code = """
        from HabitatRadiomicsLib.system.installation import InstallationPlan
        import alpha, beta, shap
        fractions = [call[1] for call in calls]
        assert fractions == sorted(fractions) and fractions[-1] == 1.0, fractions
        assert plan_installation(sys.executable) == InstallationPlan(), missing()
        assert max(b[0] - a[0] for a, b in zip(calls, calls[1:])) < 0.2
        answer = [call[2] for call in calls]
        """
    lines = environment.run(_INSTALL, code)
    assert any(line.startswith("Successfully installed") for line in lines)
    assert environment.pip("freeze").split() == ["alpha==1.5", "beta==2.0", "shap==0.5"]


def test_slicer_goes_where_nobody_imports_it(environment: Environment, index: WriteWheel) -> None:
    code = """
        import importlib.util
        assert slicing_library_folder() == private_folder() / "slicer"
        answer = importlib.util.find_spec("slicer") is None
        """
    assert environment.run(_INSTALL, code) is True


def test_slicer_of_the_host_stays(environment: Environment, index: WriteWheel) -> None:
    index("slicer_core", "5.12", files={"slicer/__init__.py": "host = True\n"})
    environment.pip("install", "slicer-core")
    code = """
        import slicer
        answer = [slicer.host, hasattr(slicer, "Alias"), (private_folder() / "slicer" / "slicer_internal.py").is_file()]
        """
    assert environment.run(_INSTALL, code) == [True, False, True]


def test_only_the_private_library_is_missing(environment: Environment, index: WriteWheel) -> None:
    environment.pip("install", "alpha")
    environment.pip("install", "--no-deps", "shap")
    code = "answer = [[package.pin for package in plan.packages], slicing_library_folder() is not None]"
    assert environment.run(_INSTALL, code) == [["slicer==0.0.8"], True]


def test_packages_may_share_a_folder(environment: Environment, index: WriteWheel) -> None:
    index("gamma", "1.0", files={"shared/gamma.py": ""})
    index("alpha", "1.6", files={"shared/alpha.py": "", "alpha.py": ""})
    environment.pip("install", "gamma")
    code = "import shared.gamma, shared.alpha, alpha\nanswer = True"
    assert environment.run(_INSTALL, code) is True


_REFUSED = "answer = refused(install, plan_installation(sys.executable), python=sys.executable)"


def test_failure_half_way_leaves_no_trace(environment: Environment, index: WriteWheel) -> None:
    index("shap", "0.6", needs=["slicer==0.0.8"], broken=True)
    before = environment.state()
    assert "nothing was changed" in environment.run(_REFUSED)
    assert environment.state() == before


def test_a_remainder_is_not_overwritten(environment: Environment, index: WriteWheel) -> None:
    """It comes to light after alpha and beta have been put in place; they go away again."""
    (environment.packages / "shap").mkdir()
    (environment.packages / "shap" / "__init__.py").write_text("mine", encoding="utf-8")
    before = environment.state()
    # What can be imported counts as installed; here it must not, so that its file is in the way.
    absent = 'dependencies.REQUIREMENTS = (Requirement("alpha", "alpha", "1.0"), Requirement("shap", "absent", "0.5"))'
    sentence = environment.run(absent, _REFUSED)
    assert "belongs to no installed package" in sentence
    assert "__init__.py" in sentence
    assert environment.state() == before


@pytest.mark.parametrize("moment", ["Processing", "Installing collected", "Putting the packages", "Installed"])
def test_cancel_leaves_no_trace(environment: Environment, index: WriteWheel, moment: str) -> None:
    before = environment.state()
    code = f"""
        def progress(fraction, line):
            if {moment!r} in line:
                raise Cancelled
        answer = "installed"
        try:
            install(plan_installation(sys.executable), python=sys.executable, progress=progress)
        except Cancelled:
            answer = "cancelled"
        """
    assert environment.run(code) == "cancelled"
    assert environment.state() == before


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of folders are another matter there")
def test_no_permission(environment: Environment, index: WriteWheel) -> None:
    code = """
        def denied(path, *arguments, **named):
            raise PermissionError(13, "Permission denied", str(path))
        plan = plan_installation(sys.executable)
        Path.mkdir = denied  # the tests may run as a user who may do everything
        answer = refused(install, plan, python=sys.executable)
        """
    before = environment.state()
    sentence = environment.run(code)
    assert "Permission denied" in sentence
    assert "This user may not write there" in sentence
    assert environment.state() == before


def test_after_a_crash_it_can_be_done_again(environment: Environment, index: WriteWheel) -> None:
    code = """
        import os
        def progress(fraction, line):
            if "Putting the packages" in line:
                print("{}", flush=True)
                os._exit(0)
        install(plan_installation(sys.executable), python=sys.executable, progress=progress)
        """
    environment.run(code)
    assert environment.pip("freeze") == ""
    assert environment.run(_INSTALL, "import alpha\nanswer = missing()") == []
