"""Filtered images equal pyradiomics' voxel by voxel: on the whole image, and cut to a box with its context."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import SimpleITK as sitk
from skimage.feature import local_binary_pattern

from HabitatRadiomicsLib.errors import FeatureError, RegionError
from HabitatRadiomicsLib.features.builtin.cropping import Box, box_of, union_box
from HabitatRadiomicsLib.features.builtin.filters import filtered_images
from HabitatRadiomicsLib.features.builtin.local_binary_pattern import local_binary_patterns
from HabitatRadiomicsLib.features.catalogue import image_names
from HabitatRadiomicsLib.protocol import ImageFilters

_SPACING = (1.1, 0.9, 3.0)
_FAMILIES = ("Original", "Wavelet", "Square", "SquareRoot", "Logarithm", "Exponential", "Gradient", "LBP2D", "LoG")
_ALL = ImageFilters()
#: By rows and columns: flat patches, whose local binary patterns hang on the last bit.
_PATCH = 5


def _image(shape: tuple[int, int, int], dtype: type, *, patches: bool = False) -> sitk.Image:
    voxels = np.random.default_rng(20240607).normal(200, 150, shape)
    if patches:
        voxels = np.repeat(np.repeat(voxels, _PATCH, axis=1), _PATCH, axis=2)[:, : shape[1], : shape[2]]
    if dtype is np.uint8:
        voxels = np.clip(voxels, 0, 255)
    image = sitk.GetImageFromArray(voxels.astype(dtype))
    image.SetSpacing(_SPACING)
    return image


def _by_pyradiomics(image: sitk.Image, filters: ImageFilters, *, force_2d: bool) -> dict[str, np.ndarray]:
    pytest.importorskip("radiomics")
    from radiomics import imageoperations

    settings = {"sigma": list(filters.log_sigmas), "wavelet": filters.wavelet, "force2D": force_2d}
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for family in _FAMILIES:
            for filtered, name, _ in getattr(imageoperations, f"get{family}Image")(image, None, **settings):
                found[name] = sitk.GetArrayFromImage(filtered)
    return found


def _boxes(shape: tuple[int, int, int]) -> list[Box]:
    _, rows, columns = shape
    return [
        Box((0, 0, 0), shape),
        Box((2, 20, 30), (4, 25, 36)),
        Box((0, 0, 0), (3, 9, 9)),
        Box((2, rows - 9, columns - 12), (5, rows, columns - 10)),
    ]


@pytest.mark.parametrize("force_2d", [False, True], ids=["3D", "2D"])
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((31, 90, 121), np.int16), ((30, 64, 70), np.float32), ((5, 33, 40), np.float64), ((6, 33, 41), np.uint8)],
    ids=str,
)
def test_filters_equal_pyradiomics_to_the_last_bit(shape: tuple[int, int, int], dtype: type, force_2d: bool) -> None:
    image = _image(shape, dtype)
    expected = _by_pyradiomics(image, _ALL, force_2d=force_2d)
    assert set(expected) == set(image_names(_ALL, force_2d=force_2d))
    differing = []
    for box in _boxes(shape):
        for name, filtered in filtered_images(image, box, _ALL, force_2d=force_2d).items():
            reference, voxels = expected[name][box.slices], filtered()
            if name.startswith("log-sigma"):
                differing.append(voxels != reference)
            if box != Box((0, 0, 0), shape) and name.startswith("log-sigma"):
                # Of a recursive filter, cut at 18 sigma, the last bit of single precision may differ.
                tolerance = 1e-6 * np.abs(reference).max()
                np.testing.assert_allclose(voxels, reference, rtol=1e-6, atol=tolerance, err_msg=name)
            else:
                np.testing.assert_array_equal(voxels, reference, err_msg=f"{name} {box}")
    assert np.mean(np.concatenate([of_image.ravel() for of_image in differing])) < 1e-3


@pytest.mark.parametrize("wavelet", ["haar", "db8", "bior2.4", "dmey"])
def test_other_wavelets_have_the_context_that_they_need(wavelet: str) -> None:
    filters = _ALL.model_copy(update={"wavelet": wavelet, "log_sigmas": ()})
    image = _image((7, 151, 150), np.float32)
    expected = _by_pyradiomics(image, filters, force_2d=False)
    box = Box((2, 70, 72), (5, 80, 77))
    for name, filtered in filtered_images(image, box, filters).items():
        np.testing.assert_array_equal(filtered(), expected[name][box.slices], err_msg=name)


def test_flat_patches_have_scikit_images_patterns() -> None:
    """Their neighbours equal the centre but for rounding, which depends on the place in the slice."""
    voxels = sitk.GetArrayFromImage(_image((2, 300, 610), np.float64, patches=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.stack([local_binary_pattern(plane, 8, 1, "uniform") for plane in voxels])
    np.testing.assert_array_equal(local_binary_patterns(voxels, (0, 0)), expected)
    for rows, columns in ((slice(100, 140), slice(500, 560)), (slice(250, 300), slice(250, 262))):
        part = local_binary_patterns(voxels[:, rows, columns], (rows.start, columns.start))
        np.testing.assert_array_equal(part[:, 1:-1, 1:-1], expected[:, rows, columns][:, 1:-1, 1:-1])


def test_images_come_in_the_catalogues_order_and_only_those_that_are_wanted() -> None:
    image = _image((5, 33, 40), np.int16)
    box = Box((0, 0, 0), (5, 33, 40))
    assert list(filtered_images(image, box, _ALL)) == list(image_names(_ALL))
    wanted = {"log-sigma-2-0-mm-3D", "wavelet-HLH", "square", "wavelet-LLH"}
    assert list(filtered_images(image, box, _ALL, wanted=wanted)) == [
        name for name in image_names(_ALL) if name in wanted
    ]


@pytest.mark.parametrize("force_2d", [False, True], ids=["3D", "2D"])
def test_images_are_the_same_in_any_order_and_by_several_threads(force_2d: bool) -> None:
    image, box = _image((12, 40, 50), np.float32), Box((2, 20, 30), (6, 25, 36))
    in_turn = {name: made() for name, made in filtered_images(image, box, _ALL, force_2d=force_2d).items()}
    names = list(in_turn)
    np.random.default_rng(1).shuffle(names)
    images = filtered_images(image, box, _ALL, force_2d=force_2d)
    with ThreadPoolExecutor(4) as pool:
        found = dict(zip(names, pool.map(lambda name: images[name](), names)))
    for name, voxels in in_turn.items():
        assert found[name].tobytes() == voxels.tobytes(), name


@pytest.mark.parametrize("direction", range(3))
@pytest.mark.parametrize("order", [0, 2])
def test_itks_recursive_filter_has_the_same_bits_with_any_number_of_threads(direction: int, order: int) -> None:
    """Ours runs on one, pyradiomics' on as many as there are."""
    image = _image((12, 40, 50), np.float32)
    step = sitk.RecursiveGaussianImageFilter()
    step.SetSigma(3.0)
    step.SetDirection(direction)
    step.SetOrder(order)
    found = set()
    for threads in (1, 2, 5):
        step.SetNumberOfThreads(threads)
        found.add(sitk.GetArrayFromImage(step.Execute(image)).tobytes())
    assert len(found) == 1


@pytest.mark.parametrize(("size", "sigma"), [((40, 40, 3), 1.0), ((40, 5, 20), 6.0)])
def test_images_too_small_for_log_are_told_at_once(size: tuple[int, int, int], sigma: float) -> None:
    image = sitk.Image(size, sitk.sitkFloat32)
    filters = ImageFilters(log_sigmas=(sigma,))
    with pytest.raises(FeatureError, match=f"too small for: log-sigma-{str(sigma).replace('.', '-')}-mm-3D"):
        filtered_images(image, Box((0, 0, 0), size[::-1]), filters)
    # What is not wanted does not matter.
    assert list(filtered_images(image, Box((0, 0, 0), size[::-1]), filters, wanted=["original"])) == ["original"]


@pytest.mark.parametrize("voxels", [4, 5])
def test_smallest_images_for_log(voxels: int) -> None:
    image = _image((voxels, voxels, voxels), np.float32)
    image.SetSpacing((4.0, 5.0, 6.0))
    filters = ImageFilters(wavelet=None, log_sigmas=(0.5, 12.0))
    expected = _by_pyradiomics(image, filters.model_copy(update={"wavelet": "haar"}), force_2d=False)
    box = Box((1, 1, 1), (2, 3, 2))
    for name, filtered in filtered_images(image, box, filters).items():
        np.testing.assert_array_equal(filtered(), expected[name][box.slices], err_msg=name)


def test_an_image_of_zeros_has_no_scale() -> None:
    image = sitk.Image((9, 8, 7), sitk.sitkInt16)
    images = filtered_images(image, Box((0, 0, 0), (7, 8, 9)), _ALL.model_copy(update={"log_sigmas": (1.0,)}))
    found = {name: filtered() for name, filtered in images.items()}
    assert all(np.isnan(found[name]).all() for name in ("square", "logarithm", "exponential"))
    assert not found["squareroot"].any()


def test_boxes() -> None:
    inside = np.zeros((5, 6, 7), dtype=bool)
    inside[1, 2, 3] = inside[3, 2, 6] = True
    assert box_of(inside) == Box((1, 2, 3), (4, 3, 7))
    assert union_box([Box((1, 2, 3), (2, 3, 4)), Box((0, 2, 5), (1, 6, 6))]) == Box((0, 2, 3), (2, 6, 6))
    with pytest.raises(RegionError, match="no voxels"):
        box_of(np.zeros((2, 2, 2), dtype=bool))
