"""Which checks does the code know? policies/disclosure.yaml names them."""

from collections.abc import Callable, Iterator

from sandbox.reviews.disclosure.checks.blobs import blobs, whitespace, wide_numbers
from sandbox.reviews.disclosure.checks.characters import characters
from sandbox.reviews.disclosure.checks.class_disclosure import class_disclosure
from sandbox.reviews.disclosure.checks.dominance import dominance
from sandbox.reviews.disclosure.checks.explained import explained
from sandbox.reviews.disclosure.checks.extremes import extremes, found_extremes, percentiles
from sandbox.reviews.disclosure.checks.formulas import formulas
from sandbox.reviews.disclosure.checks.freedom import degrees_of_freedom, found_freedom
from sandbox.reviews.disclosure.checks.identifiers import identifiers, personal_numbers
from sandbox.reviews.disclosure.checks.margins import margins
from sandbox.reviews.disclosure.checks.microdata import long_lists, microdata
from sandbox.reviews.disclosure.checks.minimum_count import found_counts, minimum_count
from sandbox.reviews.disclosure.checks.models_and_words import (
    model_size,
    models_declared,
    no_results,
    pictures_declared,
)
from sandbox.reviews.disclosure.checks.quotes import quotes
from sandbox.reviews.disclosure.checks.residuals import found_residuals, residuals
from sandbox.reviews.disclosure.checks.rounding import rounding
from sandbox.reviews.disclosure.checks.subject import Subject
from sandbox.reviews.disclosure.checks.supporting_counts import supporting_counts
from sandbox.reviews.disclosure.checks.survival_steps import survival_steps
from sandbox.reviews.disclosure.checks.zero_cells import zero_cells
from sandbox.reviews.disclosure.finding import Finding

Check = Callable[[Subject], Iterator[Finding]]

CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        explained,
        minimum_count,
        found_counts,
        zero_cells,
        class_disclosure,
        rounding,
        supporting_counts,
        dominance,
        degrees_of_freedom,
        found_freedom,
        extremes,
        found_extremes,
        percentiles,
        residuals,
        found_residuals,
        survival_steps,
        margins,
        microdata,
        long_lists,
        identifiers,
        personal_numbers,
        characters,
        formulas,
        blobs,
        wide_numbers,
        whitespace,
        quotes,
        pictures_declared,
        models_declared,
        model_size,
        no_results,
    )
}
