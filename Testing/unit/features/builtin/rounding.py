"""What two right programs may differ by in features that are made of rounding where levels are all but independent.

Imc2 is sqrt(1 - exp(-2 I)) with I = HXY2 - HXY, the difference of two entropies; MCC is the root of an eigenvalue. Both
are roots of numbers that are 0 where two levels are independent, and the slope of a root is infinite at 0: two values a
and b whose squares are known to d lie up to d / (a + b) apart, or sqrt(d), whichever is less. An I of 1e-9 bits, known
to the last digit of the entropies, 2e-16, leaves eight right digits of Imc2. Below d, rounding decides whether
pyradiomics takes the root of a negative number, by which it leaves the direction out.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

_UNIT = np.finfo(np.float64).eps / 2


def information_tolerance(matrices: Iterable[np.ndarray]) -> float:
    """The largest difference of two right values of Imc2; infinite where some direction's is made of rounding.

    A sum of n terms p log2(p) is known to (n + 4) units of rounding of the sum of their sizes: n for adding, one for
    each product and logarithm, two for p. An error of p moves p log2(p) by (|log2(p)| + 1 / ln 2) times as much, so
    that I is known to (n + 4) u (HXY + HXY2 + 2 / ln 2), and 1 - exp(-2 I) to twice that. Two programs double it.

    Args:
        matrices: the weighted counts (levels, levels) of each direction in which there are any.
    """
    tolerances = []
    for counts in matrices:
        if (counts > 0).sum() == 1:
            tolerances.append(0.0)  # a single level: 0 in both
            continue
        joint = counts[counts > 0] / counts.sum()
        product = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum() ** 2
        product = product[product > 0]
        joint_entropy, product_entropy = (-(p * np.log2(p)).sum() for p in (joint, product))
        error = 4.0 * (product.size + 4) * _UNIT * (joint_entropy + product_entropy + 2.0 / np.log(2.0))
        square = -np.expm1(-2.0 * (product_entropy - joint_entropy))
        tolerances.append(error / np.sqrt(square) if square > error else np.inf)
    return float(np.mean(tolerances)) if tolerances else 0.0


def correlation_tolerance(matrices: Iterable[np.ndarray]) -> float:
    """The same for MCC, of which the reference takes the eigenvalues of a matrix that is not symmetrical.

    Q is similar to a symmetrical matrix by the roots of the rows' shares, so that its eigenvalues are known to
    n u times the ratio of the largest share to the smallest (Bauer and Fike 1960, doi 10.1007/BF01386217).
    """
    tolerances = []
    for counts in matrices:
        rows, columns = counts.sum(axis=1), counts.sum(axis=0)
        rows_columns = np.outer(rows, columns)
        if (rows > 0).sum() < 2 and (columns > 0).sum() < 2:
            tolerances.append(0.0)
            continue
        scaled = counts / np.sqrt(np.where(rows_columns > 0, rows_columns, 1.0))
        square = np.linalg.svd(scaled, compute_uv=False)[1] ** 2
        error = 2.0 * len(counts) * _UNIT * rows.max() / rows[rows > 0].min()
        tolerances.append(error / np.sqrt(square) if square > error else np.inf)
    return float(np.mean(tolerances)) if tolerances else np.inf  # without pairs, pyradiomics has 1 or none
