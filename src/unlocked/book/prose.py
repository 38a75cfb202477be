"""Markdown read as prose: its sentences with what they cite, its links and its images.

Finds the timings that were typed into prose. A page may quote a published one beside its source;
what was measured has to be computed by the page.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin
from mdit_py_plugins.myst_role import myst_role_plugin

CITED = "\x02"
"""Stands in a sentence where something is cited."""

SKIPPED = "\x03"
"""Stands in a sentence where code, mathematics or a reference was."""

NO_PROSE = {
    *("code", "code-block", "code-cell", "sourcecode", "literalinclude", "math", "raw", "include"),
    *("bibliography", "tableofcontents", "toctree", "glue", "eval-rst", "mermaid"),
}
"""Directives whose body is no Markdown."""

PICTURES = {"figure", "image"}

CITING_ROLE = re.compile(r"(foot)?cite(:\w+)?|doi")
DIRECTIVE = re.compile(r"\{([\w:-]+)\}[ \t]*(.*)")
OPTION = re.compile(r":([\w-]+):[ \t]*(.*)")
EXTERNAL = re.compile(r"(https?:)?//")
URL = re.compile(r"https?://\S+")

SENTENCE_END = re.compile(r"[.!?…]+[\"'”’»)\]*]*(?=\s)")
ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|vs|approx|ca|resp|incl|etc|al|Fig|Figs|Eq|Eqs|Sec|Sect|Ch|Chap|Tab|No"
    r"|Nos|Vol|pp?|Dr|Prof|Mr|Ms|Mrs|St|Jr|Inc|Ltd|min|max|avg|Ref|Refs|ed|eds|[A-Z]))\.$"
)


@dataclass(frozen=True)
class Sentence:
    """A sentence without its markup, and the line (from 1) where its paragraph starts."""

    text: str
    line: int

    @property
    def cited(self) -> bool:
        """Does it cite something: by a citation role or a link to another host?"""
        return CITED in self.text

    @property
    def asks(self) -> bool:
        return self.text.rstrip("\"'”’»)]* ").endswith("?")


@dataclass(frozen=True)
class Link:
    """Where a link or an image leads, as it is written."""

    target: str
    line: int


@dataclass(frozen=True)
class Image:
    """An image and its alternative text."""

    target: str
    alt: str
    line: int


@dataclass
class Prose:
    """What a piece of Markdown says, and what it points to."""

    sentences: list[Sentence] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)


def read(markdown: str) -> Prose:
    """Read MyST Markdown; prose inside directives such as notes counts, code does not."""
    prose = Prose()
    _read_into(prose, markdown, 0)
    return prose


def split(text: str) -> list[str]:
    """Split running text into sentences.

    A full stop ends a sentence where white space and something that can start one follow:
    neither decimals, nor abbreviations, nor initials do. What is cited after the full stop
    belongs to the sentence before it.
    """
    sentences, start = [], 0
    for end in SENTENCE_END.finditer(text):
        stop, rest = end.end(), text[end.end() :]
        trailing = re.match(rf"[\s({CITED})\[\];,.]*{CITED}[\s{CITED})\];,.]*", rest)
        if trailing and not rest[trailing.end() : trailing.end() + 1].islower():
            stop, rest = stop + trailing.end(), rest[trailing.end() :]
        following = rest.lstrip(" \t\n\"'“‘«([*")[:1]
        if stop <= start or following.islower() or ABBREVIATION.search(text[start : end.end()]):
            continue
        sentences.append(text[start:stop].strip())
        start = stop
    sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if sentence]


# Timings

COUNT_WORDS = (
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty"
    "|sixty|seventy|eighty|ninety|(?:a |one )?hundred|(?:a |one )?thousand|(?:a )?dozen|several"
)
NUMBER = r"(?<!\w)\d+(?:[ \u00a0\u202f,.'’_]\d+)*(?:[eE][-+]?\d+)?"
COUNT = rf"(?:{NUMBER}|\b(?:{COUNT_WORDS}))"
LONG_UNIT = r"(?:(?:nano|micro|milli)?seconds?|minutes?|hours?)"
UNIT = rf"(?:ns|µs|μs|us|ms|s|secs?|mins?|hrs?|h|{LONG_UNIT})"
FASTER = r"(?:faster|slower|quicker|shorter|longer|cheaper|speed-?ups?|gain)"
AS_FAST = (
    r"(?:as\s+(?:fast|slow|long|quick|cheap|expensive)\w*"
    r"|the\s+(?:speed|time|throughput|latency|cost))"
)
STATES = r"(?:is|are|was|were|be|been|runs?|ran|gets?|got|becomes?|became|needs?|takes?|took)"
TIMINGS = [
    rf"(?!(?:0|1|\d{{3}}0)s){NUMBER}[\s-]?{UNIT}(?!\w)",
    rf"\b(?:{COUNT_WORDS})[\s-]{LONG_UNIT}\b",
    rf"{NUMBER}(?:\s?/\s?s|\s+[\w/-]+?(?:/s|\s+(?:per|a|each)\s+second))\b",
    rf"{NUMBER}[×x](?!\w|\s*\d|\s*(?:the\s+)?(?:cores|threads|workers|processes))",
    r"(?<!\d)(?<!\d\s)×\d+",
    rf"{NUMBER}\s[×x]\s{FASTER}",
    rf"{COUNT}\s+times\s+(?:{FASTER}|{AS_FAST})",
    rf"{COUNT}[\s-]?fold\b(?!\s+(?:cross|split|validation))",
    rf"\b{STATES}\s+(?:\w+\s+)?(?:twice|thrice|half)\s+{AS_FAST}",
    rf"(?:factors?|speed-?ups?|gains?)\s+of\s+(?:\w+\s+)?{COUNT}",
    rf"{NUMBER}\s?(?:%|per\s?cent)\s+(?:\w+\s+)?{FASTER}",
    rf"orders?\s+of\s+magnitude\s+{FASTER}",
]
TIMING = re.compile("|".join(f"(?:{pattern})" for pattern in TIMINGS), re.IGNORECASE)


@dataclass(frozen=True)
class Timing:
    """A timing that somebody typed, and where."""

    text: str
    sentence: Sentence


def typed_timings(prose: Prose) -> list[Timing]:
    """The first timing of every sentence that states one and cites nothing.

    A timing is a number with a unit of time or a rate, or a factor (``3×``, ``3 times faster``,
    ``threefold``, ``30 % slower``). Questions state nothing.
    """
    found = [
        (TIMING.search(sentence.text), sentence)
        for sentence in prose.sentences
        if not sentence.cited and not sentence.asks
    ]
    return [Timing(match.group(), sentence) for match, sentence in found if match]


# Markdown


@cache
def parser() -> MarkdownIt:
    """The Markdown that the book is written in."""
    markdown = MarkdownIt("commonmark", {"linkify": True}).enable(["table", "linkify"])
    for plugin in (
        front_matter_plugin,
        dollarmath_plugin,
        amsmath_plugin,
        colon_fence_plugin,
        myst_role_plugin,
        myst_block_plugin,
    ):
        markdown.use(plugin)
    return markdown


def slug(heading: str) -> str:
    """The anchor that a heading gets: lower case, hyphens, as GitHub does."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower().strip()))


def _read_into(prose: Prose, markdown: str, offset: int) -> None:
    """Add what `markdown` holds to `prose`; its first line is line `offset` + 1."""
    line, heading = offset + 1, False
    cells: list[str] | None = None
    for token in parser().parse(markdown):
        line = token.map[0] + offset + 1 if token.map else line
        if token.type == "heading_open":
            heading = True
        elif token.type == "heading_close":
            heading = False
        elif token.type == "tr_open":
            cells = []
        elif token.type == "tr_close" and cells is not None:
            prose.sentences.append(Sentence(" | ".join(cells), line))
            cells = None
        elif token.type == "inline":
            text = _flatten(token, prose, line)
            if heading:
                prose.anchors.add(slug(text))
            if cells is not None:
                cells.append(text)
            else:
                prose.sentences += [Sentence(sentence, line) for sentence in split(text)]
        elif token.type == "myst_target":
            prose.anchors.add(token.content)
        elif token.type in ("fence", "colon_fence"):
            _read_directive(prose, token, line)
        elif token.type == "html_block":
            _read_html(prose, token.content, line)


def _flatten(token: Token, prose: Prose, line: int) -> str:
    """The words of a paragraph, with a mark for what is cited; notes its links and images."""
    parts, href = [], ""
    for child in token.children or []:
        if child.type == "text":
            parts.append(URL.sub(CITED, child.content))
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type == "link_open":
            href = str(child.attrs["href"])
            prose.links.append(Link(href, line))
        elif child.type == "link_close":
            parts.append(CITED if EXTERNAL.match(href) else "")
        elif child.type == "image":
            image = Image(str(child.attrs["src"]), child.content, line)
            prose.images.append(image)
            prose.links.append(Link(image.target, line))
            parts.append(child.content)
        elif child.type == "myst_role":
            parts.append(_role(child, prose, line))
        elif child.type == "html_inline":
            _read_tags(prose, child.content, line)
            parts.append(CITED if _cites(child.content) else "")
        elif child.type in ("code_inline", "math_inline", "math_inline_double"):
            parts.append(SKIPPED)
    return "".join(parts)


def _role(token: Token, prose: Prose, line: int) -> str:
    name = token.meta["name"]
    if name in ("doc", "download"):
        target = re.search(r"<([^<>]+)>$", token.content)
        prose.links.append(Link(target[1] if target else token.content, line))
    if not CITING_ROLE.fullmatch(name):
        return SKIPPED
    # A textual citation is the subject of its sentence, another one can stand behind it.
    return f"A{CITED}" if name == "cite:t" else CITED


def _read_directive(prose: Prose, token: Token, line: int) -> None:
    directive = DIRECTIVE.fullmatch(token.info.strip())
    if directive is None:
        return
    name, argument = directive.groups()
    lines = token.content.split("\n")
    options = dict(_options(lines))
    prose.anchors.update(options[key] for key in ("name", "label") if key in options)
    if name in PICTURES:
        prose.images.append(Image(argument, options.get("alt", ""), line))
        prose.links.append(Link(argument, line))
    elif argument and name not in NO_PROSE:
        _read_into(prose, argument, line - 1)
    if name not in NO_PROSE:
        body = [line if number >= len(options) else "" for number, line in enumerate(lines)]
        _read_into(prose, "\n".join(body), line)


def _options(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The ``:name: value`` lines at the top of a directive."""
    for line in lines:
        option = OPTION.fullmatch(line.strip())
        if option is None:
            return
        yield option[1], option[2]


def _read_html(prose: Prose, content: str, line: int) -> None:
    content = re.sub(r"<!--.*?-->", "", content, flags=re.DOTALL)
    _read_tags(prose, content, line)
    text = re.sub(r"<[^>]*>", lambda tag: CITED if _cites(tag.group()) else " ", content)
    prose.sentences += [Sentence(sentence, line) for sentence in split(html.unescape(text))]


def _read_tags(prose: Prose, content: str, line: int) -> None:
    """Note the images and links among the tags of a piece of HTML."""
    for tag, attributes in re.findall(r"<(img|a)\b([^>]*)>", content, re.IGNORECASE):
        values = {name.lower(): value for name, _, value in ATTRIBUTE.findall(attributes)}
        target = html.unescape(values.get("src" if tag.lower() == "img" else "href", ""))
        if target:
            prose.links.append(Link(target, line))
        if tag.lower() == "img":
            prose.images.append(Image(target, values.get("alt", ""), line))
        elif "id" in values:
            prose.anchors.add(values["id"])


ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(["'])(.*?)\2""", re.DOTALL)


def _cites(tag: str) -> bool:
    return bool(re.match(r"""<a\b[^>]*\bhref\s*=\s*["'](https?:)?//""", tag, re.IGNORECASE))
