"""Which checks does the code know? policies/disclosure.yaml names them."""

from collections.abc import Callable, Iterator

from sandbox.reviews.disclosure.blobs import blobs, whitespace, wide_numbers
from sandbox.reviews.disclosure.characters import characters
from sandbox.reviews.disclosure.class_disclosure import class_disclosure
from sandbox.reviews.disclosure.coded_labels import coded_labels
from sandbox.reviews.disclosure.counted_in_words import counted_in_words
from sandbox.reviews.disclosure.dominance import dominance
from sandbox.reviews.disclosure.explained import explained
from sandbox.reviews.disclosure.extremes import extremes, found_extremes, percentiles
from sandbox.reviews.disclosure.few_shares import few_shares
from sandbox.reviews.disclosure.formulas import formulas
from sandbox.reviews.disclosure.freedom import degrees_of_freedom, found_freedom
from sandbox.reviews.disclosure.identifiers import identifiers, personal_numbers
from sandbox.reviews.disclosure.margins import margins
from sandbox.reviews.disclosure.markup import markup
from sandbox.reviews.disclosure.membership import membership
from sandbox.reviews.disclosure.microdata import long_lists, microdata
from sandbox.reviews.disclosure.minimum_count import found_counts, minimum_count
from sandbox.reviews.disclosure.model_parts import model_parts
from sandbox.reviews.disclosure.models_and_words import model_size, models_declared, no_results, pictures_declared
from sandbox.reviews.disclosure.quotes import quotes
from sandbox.reviews.disclosure.residuals import found_residuals, residuals
from sandbox.reviews.disclosure.rounding import rounding
from sandbox.reviews.disclosure.shares_with_few import shares_with_few
from sandbox.reviews.disclosure.subject import Subject
from sandbox.reviews.disclosure.supporting_counts import supporting_counts
from sandbox.reviews.disclosure.survival_steps import survival_steps
from sandbox.reviews.disclosure.zero_cells import zero_cells
from sandbox.reviews.finding import Finding

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
        membership,
        no_results,
        model_parts,
        markup,
        few_shares,
        shares_with_few,
        counted_in_words,
        coded_labels,
    )
}
