"""The nomogram of a model file: its document, its axes of points, and the points of one patient.

In: coefficients and ranges that were fitted elsewhere; out: points, totals and risks. Knows nothing of learning.
"""

from HabitatRadiomicsLib.model.nomogram.part import (
    EVIDENCE,
    CalibrationCurve,
    ClinicalInput,
    ClinicalModelPart,
    ClinicalTerm,
    HosmerLemeshow,
    NomogramPart,
    OddsRatioLine,
    RadScoreTerm,
    UnivariateLine,
)
from HabitatRadiomicsLib.model.nomogram.patient import (
    FactorPoints,
    PatientNomogram,
    clinical_values,
    extrapolation_of,
    patient_nomogram,
    problem_with,
)
from HabitatRadiomicsLib.model.nomogram.points import CategoricalFactor, NomogramScale, NumericFactor, nomogram_scale

__all__ = [
    "EVIDENCE",
    "CalibrationCurve",
    "CategoricalFactor",
    "ClinicalInput",
    "ClinicalModelPart",
    "ClinicalTerm",
    "FactorPoints",
    "HosmerLemeshow",
    "NomogramPart",
    "NomogramScale",
    "NumericFactor",
    "OddsRatioLine",
    "PatientNomogram",
    "RadScoreTerm",
    "UnivariateLine",
    "clinical_values",
    "extrapolation_of",
    "nomogram_scale",
    "patient_nomogram",
    "problem_with",
]
