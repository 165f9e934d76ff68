"""Settings of the learning: from a feature table to a score."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from HabitatRadiomicsLib.protocol.base import EACH_ONCE, Settings

Selector = Literal[
    "anova", "kruskal-wallis", "mutual-information", "tree-importance", "lasso", "relief", "rfe", "mann-whitney"
]
ClassifierName = Literal["logistic-regression", "svm", "knn", "random-forest", "naive-bayes", "mlp", "lda"]


class SearchSettings(Settings):
    """Selectors x classifiers x numbers of features, compared by cross-validation within the training cases."""

    selectors: Annotated[tuple[Selector, ...], EACH_ONCE] = Field(
        ("anova", "kruskal-wallis", "relief", "rfe"), min_length=1
    )
    classifiers: Annotated[tuple[ClassifierName, ...], EACH_ONCE] = Field(("logistic-regression", "svm"), min_length=1)
    features: Annotated[tuple[Annotated[int, Field(ge=1, le=12)], ...], EACH_ONCE] = Field((3, 6, 9), min_length=1)
    """Numbers of features to try; at most 12, so that Shapley values can be computed exactly."""
    maximum_correlation: float | None = Field(None, gt=0, le=1)
    """From each pair of features with a higher |Pearson r|, one is dropped at random (seeded); null: none is
    dropped."""


class ScoutSettings(Settings):
    """One scout model per base image (Li 2023, doi in the preset). The features that scouts with a sufficient AUC
    select enter a final search, which has no correlation filter."""

    minimum_auc: float = Field(0.6, ge=0.5, lt=1)
    """Mean AUC in the cross-validation within the training cases."""


class NomogramSettings(Settings):
    """A logistic model of the rad-score and selected clinical factors."""

    factors: tuple[str, ...] | None = None
    """Columns of the clinical table to consider; null: all."""
    univariate_significance: float = Field(0.05, gt=0, le=1)
    """Factors whose p in their univariate test is below this enter the multivariable model."""
    multivariable_significance: float = Field(0.05, gt=0, le=1)
    """Factors whose Wald p in the multivariable model is below this are kept."""
    bootstraps: int = Field(1000, ge=0)
    """Bootstrap samples for the bias-corrected calibration; 0: none."""


class FusionSettings(Settings):
    """A classifier of the rad-scores of several regions, and of deep features where the protocol has them."""

    classifiers: tuple[ClassifierName, ...] = Field(
        ("svm", "knn", "random-forest", "naive-bayes", "logistic-regression", "mlp", "lda"), min_length=1
    )
    deep_features: int = Field(6, ge=0, le=8)
    """The number of deep features, those with the smallest p, that are added to the rad-scores."""


class LearningSettings(Settings):
    """From a feature table to a rad-score."""

    regions: tuple[str, ...] | None = None
    """Regions whose features may enter the score, a subset of the protocol's ``regions``; null: all."""
    univariate_test: Literal["mann-whitney", "by-normality", "anova"] = "mann-whitney"
    """``by-normality``: Welch's t where both outcomes look normal (Shapiro-Wilk p > 0.05), else Mann-Whitney;
    ``anova``: one-way analysis of variance, which for two groups equals Student's t."""
    significance: float = Field(0.05, gt=0, le=1)
    """Features whose p in this test is at or above this are dropped."""
    maximum_correlation: float = Field(0.9, gt=0, le=1)
    """Of two features with a higher |Pearson r|, the one with the larger p is dropped."""
    maximum_features: int = Field(10, ge=1)
    penalty_rule: Literal["minimum", "one-standard-error"] = "minimum"
    """The LASSO's lambda: that with the smallest cross-validated deviance, or the largest within one standard error."""
    folds: int = Field(5, ge=2)
    repeats: int = Field(5, ge=1)
    """How often the cross-validation is repeated, each time with other folds."""
    bootstraps: int = Field(200, ge=50)
    """Bootstrap samples for the interval of a score; they give the covariance of the coefficients."""
    permutations: int = Field(100, ge=0)
    """Permutations of the outcome that test the whole procedure; 0: no test."""
    optimism_bootstraps: int = Field(100, ge=0)
    """Bootstrap samples of the whole procedure, for the optimism of its AUC and selection frequencies; 0: none."""
    learning_curve: bool = True
    univariate_selection: int | None = Field(None, ge=1)
    """At most this many of the features that pass the test, those with the smallest p, enter the correlation filter
    and the LASSO (SelectKBest); null: all."""
    search: SearchSettings | None = None
    """A search over selectors and classifiers, instead of a LASSO rad-score."""
    scouts: ScoutSettings | None = None
    """Scout models before the search; null: none."""
    nomogram: NomogramSettings | None = None
    """Combines the rad-score with clinical factors; null: the rad-score is used alone."""
    fusion: FusionSettings | None = None
    """Combines the rad-scores of all regions, and deep features, by a classifier; null: the best region is used."""

    @model_validator(mode="after")
    def _one_way(self) -> LearningSettings:
        if self.scouts is not None and self.search is None:
            raise ValueError("'scouts' need a 'search'")
        if sum(way is not None for way in (self.search, self.fusion, self.nomogram)) > 1:
            raise ValueError("choose one of 'search', 'fusion' and 'nomogram'")
        return self
