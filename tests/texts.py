"""Random texts in which random queries find something: of few words, in several scripts."""

from hypothesis import strategies as st

WORDS = [
    "a",
    "b",
    "ab",
    "abba",
    "Ab",
    "á",
    "straße",
    "don't",
    "a_b",
    "日",
    "日本",
    "本日",
    "日本語",
    "a日",
    "ก",
    "กข",
    "x1",
]
NAMES = ["ann", "bob", "me", "nobody"]
ROOMS = ["lounge", "den", "cellar", "nowhere"]

_spaces = st.sampled_from([" ", "  ", "\n", ", ", "-", " / ", "。"])
TEXTS = st.lists(st.tuples(st.sampled_from(WORDS), _spaces), max_size=12).map(
    lambda pairs: "".join(f"{word}{space}" for word, space in pairs).strip()
)
_phrases = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(lambda words: f'"{" ".join(words)}"')
_parts = st.one_of(
    st.sampled_from(WORDS),
    _phrases,
    st.sampled_from(["abb*", "str*", "日*", "日本*", '"', "-", "*", ":", "in:", "before:x", "has:"]),
    st.sampled_from(NAMES).map("from:{}".format),
    st.sampled_from(ROOMS).map("in:{}".format),
    st.sampled_from(["has:link", "has:file", "before:2020-02", "after:2020-01-31", "after:2019"]),
)
QUERIES = st.lists(st.tuples(st.sampled_from(["", "", "-"]), _parts), max_size=4).map(
    lambda parts: " ".join(f"{minus}{part}" for minus, part in parts)
)
