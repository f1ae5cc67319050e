"""Numbers of 64 bits for the values of a column, to count different ones: not for secrets.

Of n different values two share a number with a probability of about n^2 / 2^65: for five million, one column
in a million counts one too few.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]
FACTOR = np.uint64(0x9E3779B97F4A7C15)
WORD = 8


def text_hashes(texts: pa.Array) -> Hashes:
    """Of each text: its bytes, eight at a time, mixed by SplitMix64 (Steele et al., 2014). None is null."""
    count = len(texts)
    if not count:
        return np.empty(0, np.uint64)
    plain = texts if pa.types.is_string(texts.type) else texts.cast(pa.string())
    _, places, data = plain.buffers()
    offsets = np.frombuffer(places, np.int32)[plain.offset : plain.offset + count + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    padded = np.zeros(last - first + WORD, np.uint8)
    if last > first:
        padded[: last - first] = np.frombuffer(data, np.uint8)[first:last]
    words = np.ndarray((len(padded) - WORD + 1,), "<u8", padded, strides=(1,))  # one at each byte
    starts, lengths = (offsets[:-1] - first).astype(np.int64), np.diff(offsets).astype(np.int64)
    hashes = mixed(lengths.astype(np.uint64) + FACTOR)
    longest, shortest = int(lengths.max()), int(lengths.min())
    rows: npt.NDArray[np.int64] | slice = slice(None)
    for begin in range(0, longest, WORD):
        if begin >= shortest:
            rows = np.flatnonzero(lengths > begin)
        left = lengths[rows] - begin
        word = words[starts[rows] + begin]
        if shortest < begin + WORD:  # what follows is the next text's
            cut = (np.maximum(WORD - left, 0) * 8).astype(np.uint64)
            word = (word << cut) >> cut
        hashes[rows] = mixed((hashes[rows] ^ word) * FACTOR)
    return hashes


def different_hashes(values: pa.Array) -> Hashes:
    """Of the different values of a batch that are not null: at least once each."""
    values = values.drop_null()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_string(values.type):
        return text_hashes(pc.unique(values))
    if pa.types.is_floating(values.type):
        floats: Hashes = values.to_numpy(zero_copy_only=False).astype(np.float64).view(np.uint64)
        return floats
    if pa.types.is_boolean(values.type):
        flags: Hashes = values.unique().to_numpy(zero_copy_only=False).astype(np.uint64)
        return flags
    if pa.types.is_date32(values.type):
        values = values.cast(pa.int32())
    wholes: Hashes = pc.unique(values.cast(pa.int64())).to_numpy().view(np.uint64)
    return wholes


def count_different(parts: list[Hashes]) -> int:
    """How many different numbers there are. `parts` is emptied."""
    if not parts:
        return 0
    whole = np.concatenate(parts)
    parts.clear()
    whole.sort()  # ten times as fast as numpy.unique
    return int((whole[1:] != whole[:-1]).sum()) + (len(whole) > 0)


def mixed(values: Hashes) -> Hashes:
    """Every bit of the result depends on every bit of the values (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
