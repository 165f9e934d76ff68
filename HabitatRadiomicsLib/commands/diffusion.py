"""``diffusion``: maps of diffusion from a diffusion-weighted series."""

from __future__ import annotations

import argparse
import importlib.metadata
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.commands.arguments import OUTPUT, add_arguments, refuse_to_replace
from HabitatRadiomicsLib.imaging.diffusion import DiffusionMaps, fit_diffusion
from HabitatRadiomicsLib.outputs import json_text, result_folder, write_image, write_text
from HabitatRadiomicsLib.system.provenance import file_digest, image_digest, versions

_FILE = "diffusion.json"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "diffusion",
        help="maps of ADC and FA from a diffusion series",
        description="Fit the diffusion tensor and write ADC.nrrd (10^-6 mm²/s), FA.nrrd (0 to 1) and diffusion.json. "
        "Without --bvec, ADC alone, from trace images for instance.",
    )
    parser.add_argument("--dwi", required=True, type=Path, metavar="FILE", help="the series, a 4D NIfTI file")
    parser.add_argument(
        "--bval", required=True, type=Path, metavar="FILE", help="its b-values in s/mm², FSL's text file"
    )
    parser.add_argument("--bvec", type=Path, metavar="FILE", help="its directions, FSL's text file; needs DIPY")
    parser.add_argument("--mask", type=Path, metavar="FILE", help="where to fit (default: everywhere)")
    parser.add_argument("--largest-b", type=_b_value, metavar="B", help="leave out volumes beyond, in s/mm²")
    add_arguments(parser, OUTPUT)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the maps of one series."""
    inputs = {name: getattr(arguments, name) for name in ("dwi", "bval", "bvec", "mask")}
    given = {name: path for name, path in inputs.items() if path is not None}
    refuse_to_replace([str(path) for path in given.values()], arguments.out)
    with result_folder(arguments.out, mark=_FILE, overwrite=arguments.overwrite) as folder:
        maps = fit_diffusion(
            arguments.dwi, arguments.bval, arguments.bvec, mask=arguments.mask, largest_b=arguments.largest_b
        )
        write_image(maps.adc, folder / "ADC.nrrd")
        if maps.fa is not None:
            write_image(maps.fa, folder / "FA.nrrd")
        write_text(folder / _FILE, json_text(_document(maps, given, arguments.largest_b)))
    print(f"{maps.voxels} voxels, {maps.volumes} volumes: {maps.method}.")
    for warning in maps.warnings:
        print(f"Warning: {warning}")
    print(f"ADC in 10^-6 mm²/s{'' if maps.fa is None else ', FA'}: {arguments.out}")
    return 0


def _document(maps: DiffusionMaps, given: dict[str, Path], largest_b: float | None) -> dict[str, Any]:
    """How the maps were made; no path and no file name, which may hold a patient's name."""
    images = {"ADC": maps.adc} if maps.fa is None else {"ADC": maps.adc, "FA": maps.fa}
    units = {"ADC": "10^-6 mm2/s", "FA": "1"}
    fitted_with = {} if maps.fa is None else {"dipy": importlib.metadata.version("dipy")}
    return {
        "method": maps.method,
        "largest_b": largest_b,
        "volumes": maps.volumes,
        "voxels": maps.voxels,
        "warnings": list(maps.warnings),
        "maps": {name: {"unit": units[name], "sha256": image_digest(image)} for name, image in images.items()},
        "inputs": {name: {"sha256": file_digest(path)} for name, path in given.items()},
        "versions": {**versions(), **fitted_with},
    }


def _b_value(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be a positive number")
    return value
