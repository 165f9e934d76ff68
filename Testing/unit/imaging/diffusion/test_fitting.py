"""ADC and FA against closed forms, an own least squares in numpy, and a real series."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from HabitatRadiomicsLib.errors import DependencyError, GeometryError, HabitatRadiomicsError, ImageError, MaskError
from HabitatRadiomicsLib.imaging.diffusion import fit_diffusion


class Series:
    """A diffusion series on disk, made of tensors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        generator = np.random.default_rng(5)
        directions = generator.normal(size=(12, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        self.vectors = np.vstack([np.zeros((2, 3)), directions])
        self.b = np.array([0.0, 5.0, *[1000.0] * 12])
        self.voxels = generator.uniform(0.2e-3, 2e-3, (3, 4, 5, 3))  # eigenvalues, mm2/s
        turns = Rotation.random(60, random_state=3).as_matrix().reshape(3, 4, 5, 3, 3)
        self.tensors = np.einsum("...ij,...j,...kj->...ik", turns, self.voxels, turns)

    @property
    def signals(self) -> np.ndarray:
        """Shape (volumes, k, j, i); the volume of b=5 counts as b=0."""
        b = np.where(self.b <= 50, 0, self.b)
        exponent = np.einsum("v,vi,...ij,vj->v...", b, self.vectors, self.tensors, self.vectors)
        return 700 * np.exp(-exponent)

    def write(self, signals: np.ndarray | None = None) -> tuple[Path, Path, Path]:
        paths = self.folder / "dwi.nii.gz", self.folder / "dwi.bval", self.folder / "dwi.bvec"
        volumes = [placed(volume) for volume in (self.signals if signals is None else signals)]
        sitk.WriteImage(sitk.JoinSeries(volumes), str(paths[0]))
        np.savetxt(paths[1], self.b[None, :], fmt="%.0f")
        np.savetxt(paths[2], self.vectors.T, fmt="%.8f")
        return paths


def placed(voxels: np.ndarray) -> sitk.Image:
    """An oblique grid, as of a head that is tilted."""
    image = sitk.GetImageFromArray(voxels.astype(np.float32))
    image.SetSpacing((1.75, 2.0, 3.5))
    image.SetOrigin((-40.25, 31.5, -12.125))
    image.SetDirection(Rotation.from_euler("xyz", (20, 0, 10), degrees=True).as_matrix().ravel().tolist())
    return image


@pytest.fixture
def series(tmp_path: Path) -> Series:
    return Series(tmp_path)


def values(image: sitk.Image | None) -> np.ndarray:
    assert image is not None
    return sitk.GetArrayFromImage(image).astype(float)


def fractional_anisotropy(eigenvalues: np.ndarray) -> np.ndarray:
    """Basser 1996, with the mean taken off."""
    spread = eigenvalues - eigenvalues.mean(axis=-1, keepdims=True)
    return np.sqrt(1.5 * (spread**2).sum(axis=-1) / (eigenvalues**2).sum(axis=-1))


def weighted_least_squares(signals: np.ndarray, b: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Eigenvalues of the tensor, shape (voxels, 3); each voxel by the normal equations, one after the other."""
    x, y, z = vectors.T
    design = np.column_stack(
        [np.ones_like(b), *(-b * part for part in (x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z))]
    )
    found = []
    for signal in signals:
        logarithm = np.log(signal)
        unweighted = np.linalg.lstsq(design, logarithm, rcond=None)[0]
        weights = np.exp(design @ unweighted)  # the root of the squared signal
        _, xx, yy, zz, xy, xz, yz = np.linalg.lstsq(design * weights[:, None], logarithm * weights, rcond=None)[0]
        found.append(np.linalg.eigvalsh([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]))
    return np.array(found)


def test_tensors_that_are_known_come_back(series: Series) -> None:
    maps = fit_diffusion(*series.write())
    np.testing.assert_allclose(values(maps.adc), series.voxels.mean(axis=-1) * 1e6, rtol=1e-4)
    np.testing.assert_allclose(values(maps.fa), fractional_anisotropy(series.voxels), rtol=1e-3, atol=1e-4)
    assert (maps.voxels, maps.volumes, maps.warnings) == (60, 14, ())


def test_isotropic_and_linear_diffusion_have_their_anisotropies(series: Series) -> None:
    series.tensors[:] = np.eye(3) * 0.8e-3
    series.tensors[0] = np.diag([1.7e-3, 0, 0])
    maps = fit_diffusion(*series.write())
    np.testing.assert_allclose(values(maps.fa)[1:], 0, atol=1e-3)
    np.testing.assert_allclose(values(maps.adc)[1:], 800, rtol=1e-4)
    np.testing.assert_allclose(values(maps.fa)[0], 1, atol=1e-3)
    np.testing.assert_allclose(values(maps.adc)[0], 1700 / 3, rtol=1e-3)


def test_the_maps_lie_on_the_grid_of_a_volume(series: Series) -> None:
    maps = fit_diffusion(*series.write())
    path = str(series.folder / "volume.nii.gz")
    sitk.WriteImage(placed(series.signals[0]), path)
    volume = sitk.ReadImage(path)
    for image in (maps.adc, maps.fa):
        assert image is not None
        assert image.GetPixelID() == sitk.sitkFloat32
        for what in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
            assert getattr(image, what)() == getattr(volume, what)()


def test_turned_and_mirrored_directions_give_the_same_maps(series: Series) -> None:
    noisy = series.signals + np.random.default_rng(1).normal(0, 10, series.signals.shape)
    before = fit_diffusion(*series.write(noisy))
    turn = Rotation.from_euler("xyz", (30, 50, 70), degrees=True).as_matrix() @ np.diag([-1, 1, 1])
    series.vectors = series.vectors @ turn.T
    after = fit_diffusion(*series.write(noisy))
    np.testing.assert_allclose(values(after.adc), values(before.adc), rtol=1e-4)
    np.testing.assert_allclose(values(after.fa), values(before.fa), rtol=1e-3, atol=1e-4)


def test_noisy_signals_are_fitted_as_weighted_least_squares_does(series: Series) -> None:
    noisy = (series.signals + np.random.default_rng(2).normal(0, 10, series.signals.shape)).astype(np.float32)
    maps = fit_diffusion(*series.write(noisy))
    b = np.where(series.b <= 50, 0, series.b)
    vectors = np.loadtxt(series.folder / "dwi.bvec").T
    own = np.maximum(weighted_least_squares(noisy.reshape(14, -1).T.astype(float), b, vectors), 0)
    np.testing.assert_allclose(values(maps.adc).ravel(), own.mean(axis=1) * 1e6, rtol=1e-4)
    np.testing.assert_allclose(values(maps.fa).ravel(), fractional_anisotropy(own), rtol=1e-3, atol=1e-3)


def test_a_real_series_is_fitted_as_weighted_least_squares_does() -> None:
    """DIPY's sample, 10 x 10 x 10 voxels and 65 volumes of a brain; it lies in the package."""
    import dipy.data

    dwi, bval, bvec = (Path(path) for path in dipy.data.get_fnames(name="small_64D"))
    assert dwi.is_relative_to(Path(dipy.data.__file__).parent)
    maps = fit_diffusion(dwi, bval, bvec)
    signals = sitk.GetArrayFromImage(sitk.ReadImage(str(dwi))).reshape(65, -1).T.astype(float)
    b = np.loadtxt(bval)
    vectors = np.loadtxt(bvec)
    vectors = np.where((b > 50)[:, None], vectors if vectors.shape[1] == 3 else vectors.T, 0)
    inside = (signals > 0).all(axis=1)
    assert inside.sum() > 900
    own = weighted_least_squares(signals[inside], b, vectors)
    adc, fa = values(maps.adc).ravel()[inside], values(maps.fa).ravel()[inside]
    plausible = (own > 0).all(axis=1)  # where noise makes no negative eigenvalue
    assert plausible.mean() > 0.9
    np.testing.assert_allclose(adc[plausible], own[plausible].mean(axis=1) * 1e6, rtol=1e-3)
    np.testing.assert_allclose(fa[plausible], fractional_anisotropy(own[plausible]), atol=2e-3)
    assert (fa >= 0).all()
    assert (fa <= 1).all()
    assert 500 < np.median(adc) < 1500  # brain


def test_the_same_series_gives_the_same_bytes(series: Series) -> None:
    paths = series.write()
    one, other = fit_diffusion(*paths), fit_diffusion(*paths)
    for first, second in ((one.adc, other.adc), (one.fa, other.fa)):
        assert values(first).tobytes() == values(second).tobytes()


@pytest.mark.parametrize("factor", [1e-6, 1e3])
def test_the_signals_scale_does_not_matter(series: Series, factor: float) -> None:
    usual = fit_diffusion(*series.write())
    scaled = fit_diffusion(*series.write(series.signals * factor))
    np.testing.assert_allclose(values(scaled.adc), values(usual.adc), rtol=1e-4)
    np.testing.assert_allclose(values(scaled.fa), values(usual.fa), atol=1e-4)


def test_trace_images_have_the_slope_of_their_logarithms(series: Series) -> None:
    diffusion = series.voxels.mean(axis=-1)
    series.b = np.array([0, 50, 400, 800.0])
    signals = 300 * np.exp(-np.array([0, 0, 400, 800])[:, None, None, None] * diffusion)
    dwi, bval, _ = series.write(signals)
    maps = fit_diffusion(dwi, bval)
    assert maps.fa is None
    np.testing.assert_allclose(values(maps.adc), diffusion * 1e6, rtol=1e-5)
    noisy = (signals * np.random.default_rng(4).uniform(0.8, 1.2, signals.shape)).astype(np.float32)
    maps = fit_diffusion(*series.write(noisy)[:2])
    slope = np.polyfit([0, 0, 400, 800], np.log(noisy.reshape(4, -1).astype(float)), 1)[0]
    np.testing.assert_allclose(values(maps.adc).ravel(), np.maximum(-slope, 0) * 1e6, rtol=1e-4, atol=1e-3)


def test_two_b_values_are_enough_for_the_coefficient(series: Series) -> None:
    series.b = np.array([0, 1000.0])
    signals = np.stack([np.full((3, 4, 5), 500.0), np.full((3, 4, 5), 100.0)])
    maps = fit_diffusion(*series.write(signals)[:2])
    np.testing.assert_allclose(values(maps.adc), np.log(5) * 1000, rtol=1e-6)


def test_volumes_of_large_b_may_be_left_out(series: Series) -> None:
    usual = fit_diffusion(*series.write())
    wrong = np.concatenate([series.signals, np.ones((1, 3, 4, 5))])
    series.b, series.vectors = np.append(series.b, 3000.0), np.vstack([series.vectors, [1, 0, 0]])
    maps = fit_diffusion(*series.write(wrong), largest_b=1500)
    assert maps.volumes == 14
    assert values(maps.adc).tobytes() == values(usual.adc).tobytes()
    with pytest.raises(ImageError, match="No diffusion-weighted volume has a b-value up to 500"):
        fit_diffusion(*series.write(wrong), largest_b=500)


def test_background_is_zero_and_signals_below_zero_are_told(series: Series) -> None:
    signals = series.signals
    signals[:, 0] = 0  # air
    signals[5, 1, 2, 3] = 0
    signals[6, 2, 2, 3] = -4
    maps = fit_diffusion(*series.write(signals))
    assert (maps.voxels, (values(maps.adc)[0] == 0).all(), (values(maps.fa)[0] == 0).all()) == (40, True, True)
    (warning,) = maps.warnings
    assert "2 of the 40 fitted voxels have a signal of zero or below" in warning
    signals[5, 1, 2, 3] = np.delete(signals[:, 1, 2, 3], 5).min()
    signals[6, 2, 2, 3] = np.delete(signals[:, 2, 2, 3], 6).min()
    replaced = fit_diffusion(*series.write(signals))
    assert values(replaced.adc).tobytes() == values(maps.adc).tobytes()


def test_only_the_mask_is_fitted(series: Series) -> None:
    paths = series.write()
    mask = np.zeros((3, 4, 5))
    mask[1, 1:3, 1:3], mask[2, 0, 0] = 1, 7
    sitk.WriteImage(sitk.Cast(placed(mask), sitk.sitkUInt8), str(series.folder / "mask.nii.gz"))
    maps = fit_diffusion(*paths, mask=series.folder / "mask.nii.gz")
    usual = fit_diffusion(*paths)
    np.testing.assert_array_equal(values(maps.adc), np.where(mask > 0, values(usual.adc), 0))
    assert maps.voxels == 5


def test_a_mask_elsewhere_and_an_empty_one_are_refused(series: Series) -> None:
    path = series.folder / "mask.nrrd"
    mask = sitk.Cast(placed(np.ones((3, 4, 5))), sitk.sitkUInt8)
    mask.SetOrigin((0, 0, 0))
    sitk.WriteImage(mask, str(path))
    with pytest.raises(GeometryError, match=r"does not lie on the diffusion series' grid: .*origin shifted"):
        fit_diffusion(*series.write(), mask=path)
    sitk.WriteImage(placed(np.zeros((3, 4, 5))), str(path))
    with pytest.raises(MaskError, match="The mask is empty"):
        fit_diffusion(*series.write(), mask=path)


def test_a_series_without_signal_is_refused(series: Series) -> None:
    with pytest.raises(ImageError, match="No voxel has a signal that can be fitted"):
        fit_diffusion(*series.write(series.signals * 0))


def test_a_missing_package_is_told_with_the_command_that_installs_it(
    series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = series.write()
    monkeypatch.setitem(sys.modules, "dipy.reconst.dti", None)
    with pytest.raises(DependencyError) as error:
        fit_diffusion(*paths)
    assert 'pip install "habitat-radiomics[diffusion]", or pip install "dipy>=1.10"' in str(error.value)
    assert fit_diffusion(*paths[:2]).fa is None  # ADC alone needs it not


@pytest.mark.parametrize(("count", "rank"), [(3, 3), (5, 5)])
def test_too_few_directions_are_told(series: Series, count: int, rank: int) -> None:
    series.b, series.vectors = series.b[: 2 + count], series.vectors[: 2 + count]
    with pytest.raises(ImageError, match=f"The {count} diffusion-weighted volumes determine {rank} of the 6 numbers"):
        fit_diffusion(*series.write(series.signals))


def test_directions_that_are_alike_are_told(series: Series) -> None:
    series.vectors[2:8] = series.vectors[2]
    series.vectors[8:] = -series.vectors[3]
    with pytest.raises(ImageError, match="The 12 diffusion-weighted volumes determine 1 of the 6"):
        fit_diffusion(*series.write())
    series.vectors[2:] = [[np.cos(angle), np.sin(angle), 0] for angle in np.arange(12)]  # all in one plane
    with pytest.raises(ImageError, match="determine 3 of the 6"):
        fit_diffusion(*series.write())


def test_six_directions_are_enough(series: Series) -> None:
    series.b, series.vectors = series.b[:8], series.vectors[:8]
    maps = fit_diffusion(*series.write(series.signals))
    np.testing.assert_allclose(values(maps.adc), series.voxels.mean(axis=-1) * 1e6, rtol=1e-3)


def test_an_image_that_is_no_series_is_refused(series: Series, tmp_path: Path) -> None:
    dwi, bval, bvec = series.write()
    sitk.WriteImage(placed(series.signals[0]), str(dwi))
    with pytest.raises(ImageError, match=r"The image is 3D \(5 x 4 x 3\); a 4D series of volumes is needed"):
        fit_diffusion(dwi, bval, bvec)
    with pytest.raises(ImageError, match="There is no such file"):
        fit_diffusion(tmp_path / "none.nii.gz", bval, bvec)
    dwi.write_bytes(b"no image")
    with pytest.raises(HabitatRadiomicsError, match="cannot be read"):
        fit_diffusion(dwi, bval, bvec)


def test_signals_that_are_not_finite_are_refused(series: Series) -> None:
    signals = series.signals
    signals[3, 1, 1, 1] = np.nan
    with pytest.raises(ImageError, match="NaN or infinite values: 1 in all"):
        fit_diffusion(*series.write(signals))


def test_a_truncated_series_is_refused(series: Series) -> None:
    dwi, bval, bvec = series.write()
    sitk.WriteImage(sitk.ReadImage(str(dwi)), str(series.folder / "dwi.nii"))
    content = (series.folder / "dwi.nii").read_bytes()
    (series.folder / "dwi.nii").write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageError, match="truncated or damaged"):
        fit_diffusion(series.folder / "dwi.nii", bval, bvec)
