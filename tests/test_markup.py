"""What people write -> HTML."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.markup import Words, fast_html, folding, render, slow_html
from rooms.markup.clean import clean
from rooms.markup.code import LANGUAGES
from rooms.markup.detect import is_plain, may_hold_markup
from rooms.markup.parser import DEEPEST, parse
from rooms.markup.plain import HIDDEN, text_of
from tests.hostile import PAYLOADS, as_shown, escaped, is_link, is_markup
from tests.html import elements, find, find_all

PEOPLE = {"ann": 1, "Ann Lee": 2, "_x_": 3}
ROOMS = {"lounge": "lounge", "Tea room": "tea-room"}
ANN = '<b class="mention" data-person="1">@ann</b>'
LOUNGE = '<a class="room" href="/rooms/lounge/">#lounge</a>'
SPOILER = '<span class="spoiler" tabindex="0">'


def html(body: str) -> str:
    return render(body, PEOPLE, ROOMS).html


def link(href: str, label: str | None = None) -> str:
    rel = 'target="_blank" rel="noopener noreferrer nofollow"'
    return f'<a href="{href}" {rel}>{href if label is None else label}</a>'


IN_A_PARAGRAPH = [
    ("hello", "hello"),
    ("two\nlines", "two<br>lines"),
    ("  a\n    b", "a<br>    b"),
    # Emphasis
    ("**bold** __bold__", "<strong>bold</strong> <strong>bold</strong>"),
    ("*leaning* _leaning_", "<em>leaning</em> <em>leaning</em>"),
    ("***both***", "<em><strong>both</strong></em>"),
    ("**a *b* c**", "<strong>a <em>b</em> c</strong>"),
    ("**two\nlines**", "<strong>two<br>lines</strong>"),
    ("~~gone~~", "<s>gone</s>"),
    ("~~~gone~~~", "~<s>gone</s>~"),
    ("a*b*c", "a<em>b</em>c"),
    ("snake_case_name", "snake_case_name"),
    ("__init__.py", "<strong>init</strong>.py"),
    ("2 * 3 * 4", "2 * 3 * 4"),
    ("*foo", "*foo"),
    ("**a*", "*<em>a</em>"),
    ("x * a*", "x * a*"),
    ("~a~", "~a~"),
    ("a ** b ** c", "a ** b ** c"),
    ("**", "**"),
    ("****", "****"),
    # Spoilers
    ("||psst||", f"{SPOILER}psst</span>"),
    ("a ||b **c**|| d", f"a {SPOILER}b <strong>c</strong></span> d"),
    ("||a ||b|| c||", f"{SPOILER}a {SPOILER}b</span> c</span>"),
    ("a || b || c", "a || b || c"),
    ("|| a ||", "|| a ||"),
    ("a | b", "a | b"),
    ("|||a|||", f"|{SPOILER}a|</span>"),
    ("**||a**||", "<strong>||a</strong>||"),
    # Code
    ("`a`", "<code>a</code>"),
    ("`` a`b ``", "<code>a`b</code>"),
    ("`*a* @ann #lounge :smile: http://a.example`",
     "<code>*a* @ann #lounge :smile: http://a.example</code>"),
    ("`<b>`", "<code>&lt;b&gt;</code>"),
    ("`a", "`a"),
    ("``a`", "``a`"),
    ("*a `b* c`", "*a <code>b* c</code>"),
    ("\\`a`", "`a`"),
    # Escapes
    ("\\*a\\*", "*a*"),
    ("\\@ann \\#lounge \\:smile:", "@ann #lounge :smile:"),
    ("\\\\*a*", "\\<em>a</em>"),
    ("C:\\dir \\a", "C:\\dir \\a"),
    ("¯\\_(ツ)_/¯", "¯\\_(ツ)_/¯"),
    # Signs
    ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
    ("<b>x</b> &amp; &#65;", "&lt;b&gt;x&lt;/b&gt; &amp;amp; &amp;#65;"),
    ("a\xa0b", "a&nbsp;b"),
    ("a\0b\r\nc\rd", "a\ufffdb<br>c<br>d"),
    # What is no block here
    ("# no heading", "# no heading"),
    ("no\n===", "no<br>==="),
    ("---", "---"),
    ("* * *", "* * *"),
    ("| a | b |\n|---|---|\n| c | d |", "| a | b |<br>|---|---|<br>| c | d |"),
    ("    no code", "no code"),
    ("[a]: http://a.example", f"[a]: {link('http://a.example')}"),
    ("![a](http://a.example/x.png)", f"!{link('http://a.example/x.png', 'a')}"),
    (">_>", "&gt;_&gt;"),
    (">:(", "&gt;:("),
    (">", "&gt;"),
    ("> ", "&gt;"),
    (">>>", "&gt;&gt;&gt;"),
    ("-", "-"),
    ("+1", "+1"),
    ("-1", "-1"),
    ("1.", "1."),
    ("1.5", "1.5"),
    ("1234567890. a", "1234567890. a"),
    ("```", "```"),
    ("a\n2. b", "a<br>2. b"),
    # Links
    ("[a](http://a.example)", link("http://a.example", "a")),
    ("[a **b**](https://a.example/(c))", link("https://a.example/(c)", "a <strong>b</strong>")),
    ('[a](http://a.example "title")', link("http://a.example", "a")),
    ("[a](<http://a.example/b c>)", link("http://a.example/b%20c", "a")),
    ("[a](mailto:ann@a.example)", link("mailto:ann@a.example", "a")),
    ("[a [b] c](http://a.example)", link("http://a.example", "a [b] c")),
    ("[a `](b)` c](http://a.example)", link("http://a.example", "a <code>](b)</code> c")),
    ("[a](http://a.example)[b](http://b.example)",
     link("http://a.example", "a") + link("http://b.example", "b")),
    ("[a http://b.example](http://a.example)", link("http://a.example", "a http://b.example")),
    ("[a [b](http://b.example) c](http://a.example)",
     link("http://a.example", "a [b](http://b.example) c")),
    ("<http://a.example/x_y_z>", link("http://a.example/x_y_z")),
    ("<ann@a.example>", link("mailto:ann@a.example", "ann@a.example")),
    ("[a](/rooms/lounge/)", "[a](/rooms/lounge/)"),
    ("[a](//a.example)", "[a](//a.example)"),
    ("[a]()", "[a]()"),
    ("[a](javascript:alert(1))", "[a](javascript:alert(1))"),
    ("[a](data:text/html,x)", "[a](data:text/html,x)"),
    ("[a](ftp://a.example)", "[a](ftp://a.example)"),
    ("<javascript:alert(1)>", "&lt;javascript:alert(1)&gt;"),
    ("[a] (http://a.example)", f"[a] ({link('http://a.example')})"),
    ("\\[a](http://a.example)", "[a](http://a.example)"),
    ("http://a.example/__init__.py", link("http://a.example/__init__.py")),
    ("http://a.example/*a*b*", f"{link('http://a.example/*a*b*')}"),
    ("*http://a.example/*", f"<em>{link('http://a.example/')}</em>"),
    ("**see http://a.example**", f"<strong>see {link('http://a.example')}</strong>"),
    ("||http://a.example||", f"{SPOILER}{link('http://a.example')}</span>"),
    ("http://a.example/@ann#lounge", link("http://a.example/@ann#lounge")),
    ("http://a.example/:smile:", f"{link('http://a.example/:smile')}:"),
    # People and rooms
    ("@ann", ANN),
    ("**@ann**", f"<strong>{ANN}</strong>"),
    ("*x*@ann ||@ann||", f"<em>x</em>{ANN} {SPOILER}{ANN}</span>"),
    ("@ann*x*", f"{ANN}<em>x</em>"),
    ("@_x_ _x_", '<b class="mention" data-person="3">@_x_</b> <em>x</em>'),
    ("@Ann Lee", '<b class="mention" data-person="2">@Ann Lee</b>'),
    ("@annabel @bob", "@annabel @bob"),
    ("[hi @ann](http://a.example)", link("http://a.example", f"hi {ANN}")),
    ("#lounge", LOUNGE),
    ("(#lounge)", f"({LOUNGE})"),
    ("**#lounge**: _#Tea room_",
     f'<strong>{LOUNGE}</strong>: <em><a class="room" href="/rooms/tea-room/">#Tea room</a></em>'),
    ("#lounges x#lounge ##lounge #1", "#lounges x#lounge ##lounge #1"),
    ("[#lounge](http://a.example)", link("http://a.example", "#lounge")),
    # Emoji
    ("hi :smile:", "hi 😄"),
    ("hi :+1::heart:!", "hi 👍❤️!"),
    ("**:smile:**", "<strong>😄</strong>"),
    (":nosuchthing: :x", ":nosuchthing: :x"),
    ("std::new::x 10:100:20 a:smile:b", "std::new::x 10:100:20 a:smile:b"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "inner"), IN_A_PARAGRAPH)
def test_in_a_paragraph(body: str, inner: str) -> None:
    assert html(body) == f"<p>{inner}</p>"


CODE = '<pre tabindex="0"><code>'
BLOCKS = [
    ("", ""),
    (" \n\t\n", ""),
    ("a\n\nb\n \n\nc", "<p>a</p><p>b</p><p>c</p>"),
    # Quotes
    ("> a", "<blockquote><p>a</p></blockquote>"),
    ("> a\n> b", "<blockquote><p>a<br>b</p></blockquote>"),
    ("> a\nb", "<blockquote><p>a</p></blockquote><p>b</p>"),
    ("a\n> b", "<p>a</p><blockquote><p>b</p></blockquote>"),
    ("> a\n>\n> b", "<blockquote><p>a</p><p>b</p></blockquote>"),
    ("> a\n>> b\n> c",
     "<blockquote><p>a</p><blockquote><p>b</p></blockquote><p>c</p></blockquote>"),
    ("> **a\nb**", "<blockquote><p>**a</p></blockquote><p>b**</p>"),
    ("> - a\n> - b\nc", "<blockquote><ul><li>a</li><li>b</li></ul></blockquote><p>c</p>"),
    ("> @ann #lounge", f"<blockquote><p>{ANN} {LOUNGE}</p></blockquote>"),
    # Lists
    ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
    ("* a\n+ b", "<ul><li>a</li></ul><ul><li>b</li></ul>"),
    ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
    ("3) a\n7) b", '<ol><li value="3">a</li><li value="7">b</li></ol>'),
    ("a:\n- b\nc", "<p>a:</p><ul><li>b</li></ul><p>c</p>"),
    ("- a\n  b", "<ul><li>a<br>b</li></ul>"),
    ("- a\n  - b\n- c", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"),
    ("1. a\n   - b", "<ol><li>a<ul><li>b</li></ul></li></ol>"),
    ("- a\n\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"),
    ("- > a\n- b", "<ul><li><blockquote><p>a</p></blockquote></li><li>b</li></ul>"),
    ("- @ann **#lounge**", f"<ul><li>{ANN} <strong>{LOUNGE}</strong></li></ul>"),
    # Code
    ("```\na\n\n  b\n```\nc", f"{CODE}a\n\n  b</code></pre><p>c</p>"),
    ("~~~\n```\n~~~", f"{CODE}```</code></pre>"),
    ("````\n```\n````", f"{CODE}```</code></pre>"),
    ("```\na", f"{CODE}a</code></pre>"),
    ("```\na\nb```", f"{CODE}a\nb</code></pre>"),
    ("```a b\nc```", f"{CODE}a b\nc</code></pre>"),
    ("```nosuchlanguage\na\n```", f"{CODE}nosuchlanguage\na</code></pre>"),
    ("```text\n*a* @ann #lounge :smile: <b>\n```",
     f"{CODE}*a* @ann #lounge :smile: &lt;b&gt;</code></pre>"),
    ("a\n```\nb\n```", f"<p>a</p>{CODE}b</code></pre>"),
    ("> ```\n> a\n> ```\nb", f"<blockquote>{CODE}a</code></pre></blockquote><p>b</p>"),
    ("- ```\n  a\n  ```\n- b", f"<ul><li>{CODE}a</code></pre></li><li>b</li></ul>"),
    ("```a```", "<p><code>a</code></p>"),
    ("    ```\n    a\n    ```", f"{CODE}a</code></pre>"),
    ("```py\ndef f(): 1\n```",
     '<pre tabindex="0" data-language="Python"><code><span class="k">def</span> <span class="nf">f</span>'
     '<span class="p">():</span> <span class="mi">1</span></code></pre>'),
    # Emoji alone
    ("😀", '<p class="emoji">😀</p>'),
    (":smile: 👩‍👩‍👧\n:+1::heart:", '<p class="emoji">😄 👩‍👩‍👧<br>👍❤️</p>'),
    ("😀" * 20, f'<p class="emoji">{"😀" * 20}</p>'),
    ("😀" * 21, f'<p>{"😀" * 21}</p>'),
    ("😀.", "<p>😀.</p>"),
    ("42", "<p>42</p>"),
    ("…", "<p>…</p>"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), BLOCKS)
def test_blocks(body: str, expected: str) -> None:
    assert html(body) == expected


def test_who_is_named_each_once_and_not_in_code() -> None:
    rendered = render("@ann **@Ann Lee** @ann `@_x_`\n```\n@_x_\n```", PEOPLE)
    assert rendered.mentioned == (1, 2)


@pytest.mark.parametrize(
    ("body", "has_link"),
    [
        ("http://a.example", True),
        ("[a](http://a.example)", True),
        ("<http://a.example>", True),
        ("ann@a.example", True),
        ("@ann #lounge", False),
        ("`http://a.example`", False),
        ("```\nhttp://a.example\n```", False),
        ("<a href=x>", False),
    ],
)
def test_whether_there_is_a_link(body: str, has_link: bool) -> None:
    assert render(body, PEOPLE, ROOMS).has_link is has_link


@pytest.mark.parametrize("sign", ["> ", "- ", "1. ", "> - "])
def test_what_is_too_deep_is_text_and_not_lost(sign: str) -> None:
    found = elements(render(f"{sign * 100}end").html)
    assert 1 < sum(element.name in ("blockquote", "ul", "ol") for element in found) <= 2 * DEEPEST
    assert found[0].text.endswith("end")


# What is long --------------------------------------------------------------------------------


def test_a_long_message_is_folded() -> None:
    lines = "\n".join(map(str, range(folding.MOST_LINES)))
    assert not find_all(html(lines), "details")
    folded = html(lines + "\none more")
    assert find(folded, "summary").text == "Show all 21 linesShow less"
    assert text_of(folded) == lines + "\none more"
    assert find_all(html("x" * folding.WIDTH * folding.MOST_LINES), "details")


def test_long_code_is_folded_by_itself() -> None:
    code = "\n".join(map(str, range(folding.MOST_LINES_OF_CODE)))
    assert not find_all(html(f"```\n{code}\n```"), "details")
    folded = html(f"a\n```\n{code}\nmore\n```\nb")
    assert len(find_all(folded, "details")) == 1
    assert find(folded, class_="long").parents == []
    assert text_of(folded) == f"a\n{code}\nmore\nb"


# The fast way --------------------------------------------------------------------------------

SIGNS = """a b 1 2. é 例え 😀 😄 : :: :smile: :+1: @ @ann @ann, @Ann @_x_ # #lounge #Tea room ## www. http://
http://a.example https://a.example/b?c=1&d=2 a.example example.com a@b.example . , ; ! ? ( ) [ ] { } < > <b> &
&amp; ' " * ** _ __ ~ ~~ ~~~ | || ` `` ``` \\ \\* / - + = ¯\\_(ツ)_/¯"""
BLANKS = [" ", "  ", "\n", "\n\n", "\t", "\n- ", "\n> ", "\n1. ", "\n```", "\xa0", "\u2003", "\x0b", "\ufeff"]
PIECES = SIGNS.split() + BLANKS
bodies = st.text() | st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
many = settings(deadline=None, database=None, derandomize=True, max_examples=400)


def both_ways(body: str) -> tuple[str, str]:
    body = body.replace("\0", "").replace("\r", "")
    ways = [(fast_html, Words(PEOPLE, ROOMS)), (slow_html, Words(PEOPLE, ROOMS))]
    fast, slow = [way(body, words) for way, words in ways]
    assert ways[0][1] == ways[1][1]  # what is found there
    return fast, slow


@many
@given(bodies)
def test_without_markup_the_fast_way_leads_to_the_same(body: str) -> None:
    if not may_hold_markup(body):
        fast, slow = both_ways(body)
        assert fast == slow == clean(fast)
    if is_plain(body):
        assert fast_html(body, Words(PEOPLE, ROOMS)) == f"<p>{body}</p>"


def test_so_it_does_for_thousands_of_lines() -> None:
    """Each piece after and before each other, with something between and around them."""
    spared = plain = 0
    for first in PIECES:
        for second in PIECES:
            for body in (f"x{first}{second}", f"{first} y {second}", f"x {first}{second}."):
                if not may_hold_markup(body):
                    fast, slow = both_ways(body)
                    assert fast == slow == clean(fast), body
                    spared += 1
                if is_plain(body):
                    assert fast_html(body, Words(PEOPLE, ROOMS)) == f"<p>{body}</p>"
                    plain += 1
    assert spared > 10_000
    assert plain > 500


# Hostile texts -------------------------------------------------------------------------------


def check(body: str) -> None:
    made = html(body)
    for element in elements(made):
        assert is_link(element) or is_markup(element), (body, element)
    # The places of previews are put there after it was sanitised, and by Parlor alone.
    made = re.sub(r'<span class="quote"[^>]*></span>', "", made)
    assert clean(made) == made, body


@many
@given(bodies)
def test_nothing_but_what_is_allowed_comes_out(body: str) -> None:
    check(body)


@many
@given(st.text())
def test_any_text_can_be_written(body: str) -> None:
    assert find(f"<main>{render(escaped(body)).html}</main>", "main").text == as_shown(body)


TEMPLATES = [
    *("{}", "**{}**", "||{}||", "`{}`", "> {}", "- {}", "[{}](http://a.example)", "[x]({})", "[x](<{}>)"),
    *('[x](http://a.example "{}")', "<{}>", "```{}\nx\n```", "```html\n{}\n```", "```js\n{}", ":{}:", "@{}"),
    *("#{}", "http://a.example/{}", "www.{}", "[x](http://{})", "[x](mailto:{})"),
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_hostile_texts_are_text_in_every_place(template: str) -> None:
    for payload in PAYLOADS:
        check(template.replace("{}", payload))


def test_names_are_text_too() -> None:
    for payload in PAYLOADS:
        rendered = render(f"@{payload} #{payload}", {payload: 7}, {payload: "lounge"})
        assert all(is_link(element) or is_markup(element) for element in elements(rendered.html))


_UNITS = r"""* ** _ ` [ ]( [a]( []( > ~~ || < <a \ : :a: @ # ( | *_ **a* \[ `[ http:// http://( [x](http://a.b)
||a ~~a <http://a.b> [a](< *||"""
UNITS = [*_UNITS.split(), "\n", "\n\n", "-\ta\n", "```\n", "*a ", "a* ", "*a_ ", "[a](b ", "> ", "- ", "1. "]
UNITS += ["- a\n", "> a\n", "  - a\n", "`a", "@ann ", "* "]


@pytest.mark.parametrize("unit", UNITS)
def test_the_work_on_a_hostile_text_is_bounded(unit: str) -> None:
    """In what is made of it: a piece for each character, and not all of them within each other."""
    for body in [
        (unit * 4000)[:4000],
        "*" + (unit * 4000)[:3990] + "*",
        "> " + (unit * 4000)[:3990] + "](x)",
    ]:
        tokens = parse(body, Words({}, {}))
        assert len(tokens) <= 2 * len(body)
        assert max((token.level for token in tokens), default=0) <= 2 * DEEPEST + 4
        assert sum(len(token.children or ()) for token in tokens) <= 2 * len(body)
        check(body)


def test_every_language_is_known_and_keeps_the_code() -> None:
    code = "if (x < 1) { y = 'a' } # b\n\n  <p class=\"c\">&amp;</p>\n\tend"
    for language in LANGUAGES:
        block = find(html(f"```{language}\n{code}\n```"), "pre")
        assert block.text == code, language
        assert ("data-language" in dict(block.attributes)) is (
            language not in ("text", "txt", "plain", "output")
        )


# As text -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("**a** `b` [c](http://a.example)", "a b c"),
        ("> a\nb", "a\nb"),
        ("- a\n- b", "a\nb"),
        ("```py\na = 1\nb\n```", "a = 1\nb"),
        ("a < b & c", "a < b & c"),
        ("the end: ||she **wins**||!", f"the end: {HIDDEN}!"),
        ("||a ||b|| c|| ||d||", f"{HIDDEN} {HIDDEN}"),
        ("@ann #lounge :smile: x", "@ann #lounge 😄 x"),
    ],
)
def test_as_text(body: str, text: str) -> None:
    assert text_of(html(body)) == text


def test_what_was_rendered_before_there_was_markup_as_text() -> None:
    assert text_of('it&#x27;s &lt;b&gt;\n<b class="mention" data-person="1">@ann</b>') == "it's <b>\n@ann"


def test_of_much_code_the_beginning_is_coloured_and_all_of_it_shown() -> None:
    code = "\n".join(f"x{n} = 1" for n in range(500))[:3900]
    block = find(html(f"```py\n{code}\n```"), "pre")
    assert block.text == code
    last = find_all(html(f"```py\n{code}\n```"), "span", class_="mi")[-1]
    assert last.text == "1"
    assert 120 < len(find_all(html(f"```py\n{code}\n```"), "span", class_="mi")) < 300
