"""Registers the checks that the code knows. policies/disclosure.yaml names them."""

from collections.abc import Callable, Iterator

from sandbox.disclosure.checks.authors_word import authors_word
from sandbox.disclosure.checks.blobs import blobs, whitespace, wide_numbers
from sandbox.disclosure.checks.both_ends import both_ends
from sandbox.disclosure.checks.characters import characters
from sandbox.disclosure.checks.class_disclosure import class_disclosure
from sandbox.disclosure.checks.coded_labels import coded_labels
from sandbox.disclosure.checks.counted_in_words import counted_in_words
from sandbox.disclosure.checks.disguised_counts import disguised_counts, repeated_marks
from sandbox.disclosure.checks.dominance import dominance
from sandbox.disclosure.checks.explained import explained
from sandbox.disclosure.checks.extremes import extremes, found_extremes, percentiles
from sandbox.disclosure.checks.few_shares import few_shares
from sandbox.disclosure.checks.few_values import few_values
from sandbox.disclosure.checks.formulas import formulas
from sandbox.disclosure.checks.free_text import free_text
from sandbox.disclosure.checks.free_values import free_labels, free_numbers, odd_order
from sandbox.disclosure.checks.freedom import degrees_of_freedom, found_freedom
from sandbox.disclosure.checks.identifiers import identifiers, personal_numbers
from sandbox.disclosure.checks.margins import margins
from sandbox.disclosure.checks.markup import markup
from sandbox.disclosure.checks.membership_check import membership
from sandbox.disclosure.checks.microdata import long_lists, microdata
from sandbox.disclosure.checks.minimum_count import found_counts, minimum_count
from sandbox.disclosure.checks.model_parts import model_names, model_parts, ordered_numbers
from sandbox.disclosure.checks.models_and_words import (
    model_size,
    models_declared,
    no_results,
    pictures_declared,
)
from sandbox.disclosure.checks.quotes import quotes
from sandbox.disclosure.checks.residuals import found_residuals, residuals
from sandbox.disclosure.checks.rounding import rounding
from sandbox.disclosure.checks.shares_with_few import shares_with_few
from sandbox.disclosure.checks.spelled_numbers import spelled_numbers
from sandbox.disclosure.checks.steps_of_units import curves, parameters, single_steps
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.checks.supporting_counts import supporting_counts
from sandbox.disclosure.checks.survival_steps import survival_steps
from sandbox.disclosure.checks.told_in_text import (
    class_in_words,
    coded_words,
    one_person,
    printed_rules,
    value_lists,
)
from sandbox.disclosure.checks.transformed_copies import ranks, transformed_copies
from sandbox.disclosure.checks.written_numbers import bin_edges, written_numbers
from sandbox.disclosure.checks.zero_cells import zero_cells
from sandbox.disclosure.finding import Finding

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
        transformed_copies,
        ranks,
        disguised_counts,
        curves,
        single_steps,
        parameters,
        one_person,
        value_lists,
        printed_rules,
        coded_words,
        class_in_words,
        spelled_numbers,
        free_numbers,
        free_labels,
        odd_order,
        repeated_marks,
        few_values,
        written_numbers,
        bin_edges,
        free_text,
        both_ends,
        model_names,
        ordered_numbers,
        authors_word,
    )
}
