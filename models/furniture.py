"""Page furniture: what stands on an article's page and is not the article.

A line goes only when all of it is furniture; a sentence that merely speaks of
cookies or newsletters stays. The few phrases that pages glue into running text
(CNN's "Watch … »", Daily Mail's "Scroll down for video", the summary button's
own words) go wherever they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

# Longer lines are prose, whatever they begin with.
_MAX_LINE_CHARACTERS: Final = 240
_MAX_TITLE_WORDS: Final = 25
# After "Related articles" at most this many titles are taken for links.
_MAX_LINKS: Final = 12


# Lines come from strangers: where two ways through a repetition lead to the same place, it is
# possessive, or a line of forty commas would take for ever.


def _any_of(alternatives: str, flags: re.RegexFlag) -> re.Pattern[str]:
    """One pattern from a table of alternatives, one a line."""
    return re.compile("|".join(filter(None, map(str.strip, alternatives.splitlines()))), flags)


# Followed by the title of one other article.
_NEIGHBOUR: Final = _any_of(
    r"""
    (?:previous|prev|next|older|newer)\s+(?:article|post|story|entry)s?
    (?:read|up)\s+next|(?:read|see)\s+also|also\s+read
    previous|prev|next
    """,
    re.IGNORECASE,
)
# Followed by a list of titles.
_LINKS: Final = _any_of(
    r"""
    (?:more\s+)?related(?:\s+(?:articles?|stor(?:y|ies)|posts?|content|topics?|links?|news))?
    related\s+(?:coverage|reading|tags|internet\s+links)
    read\s+more|more\s+stories|more\s+(?:on|about)\s+this(?:\s+(?:story|topic))?
    more\s+(?:from|on)\s+[\w&'’ .-]{2,40}
    (?:top|latest|trending|popular|other)\s+(?:stories|news)
    most\s+(?:read|popular|viewed|shared|commented|watched)(?:\s+[\w ]{2,30})?
    recommended(?:\s+(?:for\s+you|stories|reading|articles))?
    you\s+(?:may|might)\s+also\s+like|(?:you\s+may\s+be\s+)?interested\s+in|don['’]t\s+miss
    editor['’]?s['’]?\s+(?:picks?|choice)|trending(?:\s+now)?|tags|topics
    (?:from\s+)?around\s+the\s+web|from\s+the\s+web
    lesen\s+sie\s+auch|mehr\s+zum\s+thema|das\s+könnte\s+sie\s+auch\s+interessieren
    (?:à\s+)?lire\s+(?:aussi|également)|à\s+lire\s+également|sur\s+le\s+même\s+sujet
    le[ea]\s+también|te\s+puede\s+interesar|(?:leia|veja)\s+também|leggi\s+anche|lees\s+ook
    læs\s+også|läs\s+(?:också|även)|les\s+også|czytaj\s+(?:też|także|również)|zobacz\s+też
    читайте\s+также|по\s+теме|читайте\s+також|okumadan\s+geçme|ilgili\s+haberler
    اقرأ\s+أيضا[ً]?|यह\s+भी\s+पढ़ें|関連記事|相关阅读|相關新聞
    """,
    re.IGNORECASE,
)
_NETWORK: Final = (
    r"(?:facebook|twitter|x|linkedin|reddit|pinterest|telegram|messenger|flipboard|whatsapp"
    r"|instagram|threads|bluesky|google\s+news|e-?mail)"
)
_LINE: Final = _any_of(
    rf"""
    no\s+time\s+to\s+read\?(?:\s*get\s+a\s+summary)?|get\s+a\s+summary
    skip\s+(?:to\s+(?:main\s+)?content|advert(?:isement)?|ad|past\s+newsletter[\w ]*)
    skip\s+[\w ]{{2,30}}and\s+continue\s+reading|jump\s+to\s+(?:navigation|content)|back\s+to\s+top
    home|menu|search|close|live|video|audio|log\s*in|register|watch\s+live|loading\s*(?:…|\.\.\.)?
    advertis?e?ments?|adverts?|ad|ads\s+by\s+\w+|sponsored(?:\s+(?:content|by\s+[\w&' ]{{2,40}}))?
    (?:article|story)\s+continue[sd]\s+(?:below|after)[\w ]*|promoted(?:\s+content)?
    continue\s+reading(?:\s+(?:below|the\s+main\s+story|[\w ]{{2,30}}))?|paid\s+(?:post|content)
    (?:(?:{_NETWORK}|share|save|print|tweet|pin(?:\s+it)?|comments?|like|listen|bookmark|copy\s+link|link\s+copied!?|and|more|[|/,·•&]|\d[\d,.]*k?\s+(?:shares?|comments?|views?|likes?))(?>\s*(?=[|/,·•&])|\s+|$|(?<=[|/,·•&])))++
    (?:share|save|e-?mail|print|tweet|post|discuss)\s+(?:this|the|on|via|by|with)\b[\w ,&/'’-]{{0,60}}
    e-?mail\s+to\s+a\s+friend|leave\s+a\s+(?:comment|reply)|view\s+(?:all\s+)?comments
    (?:join|start)\s+the\s+(?:conversation|discussion)|be\s+the\s+first\s+to\s+comment
    sign(?:ing)?\s+(?:up|in)(?:\s+(?:here|now|for|to)\b[^.!?]{{0,120}})?[.!]?
    subscribe(?:\s+(?:now|today|here|to|for)\b[^.!?]{{0,120}})?[.!]?|unsubscribe|newsletters?
    (?:get|receive)\s+[\w’' ]{{0,60}}(?:newsletter|in\s+your\s+inbox|to\s+your\s+inbox)[^.!?]{{0,60}}[.!]?
    follow\s+(?:us|me|@\w+)\b[^.!?]{{0,100}}[.!]?
    follow\s+[\w ’'-]{{2,50}}\son\s+{_NETWORK}[^.]{{0,60}}\.?|like\s+us\s+on\s+facebook[^.]{{0,80}}\.?
    download\s+(?:the|our)\s+[^.!?]{{0,60}}\bapp\b[^.!?]{{0,60}}[.!]?
    (?:we|this\s+(?:web)?site)\s+uses?\s+cookies\b[^\n]{{0,160}}|accept(?:\s+all)?(?:\s+cookies)?
    manage\s+(?:cookies|preferences|consent)|cookie\s+(?:policy|settings|preferences)|privacy\s+policy
    terms\s+(?:of\s+(?:use|service)|(?:and|&)\s+conditions)|all\s+rights\s+reserved\.?
    (?:copyright\s*)?(?:©|\(c\))\s*[^\n]{{0,120}}|copyright\s+(?:\d{{4}}|©)[^\n]{{0,120}}
    media\s+playback\s+is\s+(?:not\s+supported|unsupported)\s+on\s+(?:this|your)\s+device\.?
    (?:this\s+)?(?:video|audio)\s+(?:can\s?not\s+be\s+played|is\s+not\s+available)\.?
    play\s+(?:video|audio)|(?:please\s+)?enable\s+javascript[^\n]{{0,80}}
    (?:to\s+play\s+this\s+(?:video|audio)\s+)?you\s+need\s+to\s+enable\s+javascript[^\n]{{0,80}}
    (?:watch|listen|see|view|read|hear|look|learn|go)\b[^.!?«»\n]{{2,140}}»\s*\.?
    (?:watch|listen)\s*:[^\n]{{2,120}}|click\s+here\s+(?:for|to)\b[^.\n]{{0,120}}\.?
    scroll\s+down\s+(?:for|to)\b[^.\n]{{0,60}}\.{{0,3}}
    (?:image|photo(?:graph)?|picture|video|media)\s+(?:copyright|credit|source|caption)s?\b[^\n]{{0,200}}
    (?:photo(?:graph)?s?|pictures?|images?|credits?|source|graphic)\s*(?::|by\b)\s*[^.!?\n]{{0,80}}
    enlarge\s+this\s+image[^\n]{{0,200}}|replay\s+more\s+videos|shares|click\s+here|hide\s+caption
    you\s+can\s+unsubscribe\s+at\s+any\s+time\.?|can['’]t\s+see\s+the\s+video\?
    (?:sorry,?\s+)?we\s+are\s+(?:not\s+currently|no\s+longer)\s+accepting\s+comments[^\n]{{0,60}}
    if\s+you\s+have\s+a\s+story\s+(?:suggestion|to\s+share)\b[^\n]{{0,80}}
    find\s+all\s+the\s+latest\s+[\w ]{{2,40}}\s+on\s+our\s+dedicated\s+page\.?
    file\s+(?:photo|picture|image)\.?|(?:reuters|afp|ap|bbc|pa|rex\s+features)\s*/\s*[\w .-]{{2,40}}
    reuters|afp|associated\s+press|ap|bbc|pa|rex\s+features
    [^.!?\n]{{0,60}}(?:getty\s+images|afp/getty|ap\s+photo|shutterstock|alamy|pa\s+(?:wire|images|media)|epa|istock(?:photo)?)(?:\s*/[^.!?\n]{{0,40}}|\s+via\s+[\w ]{{2,30}})?
    (?:last\s+)?(?:updated|published|posted|modified)\s*(?:on\b|at\b|:)[^.!?\n]{{0,80}}
    (?:last\s+)?(?:updated|published|posted|modified)(?:\s[^.!?\n]{{0,40}}(?:\d|ago)[^.!?\n]{{0,20}})?
    \d+\s+(?:min(?:ute)?s?|hours?|days?)\s+(?:read|ago)|(?:est(?:imated)?\s+)?reading\s+time\b.{{0,30}}
    anzeige|werbung|publicité|publicidad|pubblicità|publicidade|advertentie|annons|annonse
    реклама|reklama|reklam|广告|廣告|広告|إعلان
    """,  # noqa: E501 - one alternative a line
    re.IGNORECASE,
)
# "By Jane Doe", "By JANE DOE, Associated Press": capitalised words and nothing that tells.
_BYLINE: Final = re.compile(
    r"(?i:by|(?:reporting|edited|editing|written)\s+by|von|par|por|di|door|автор:?)\s+"
    r"(?:(?:[A-ZÀ-ÞА-Я][\w.'’-]*|and|und|et|y|e|en|и|for|in|of|the|de|van|der|den|bin|al|[&|/])"
    r"[,;]?(?:\s+|$)){1,14}"
    r"(?:(?i:correspondent|reporter|editor|staff|writer|political|sports?|business|science)"
    r"(?:\s+|$)){0,4}"
)
_SENTENCE_START: Final = r"""(?<![^\s.!?"'”’)])"""
# Anywhere in running text.
_INLINE: Final = _any_of(
    rf"""
    No time to read\?\s*Get a summary\b
    \bPrevious Article\b[^\n]{{0,300}}?\bNext Article\b[^\n.!?]{{0,300}}$
    {_SENTENCE_START}(?:Watch|See|Read|View|Learn|Go|Listen|Hear|Look|Take|Check|Explore|Click|Find|Meet|Vote|Share|Tell|Photos|Video|Map|Gallery|More|Get|Follow|Visit|Test|Track|iReport)\b[^.!?«»\n]{{2,140}}»(?:\s*\.)?
    \bE-mail to a friend\b(?:\s*\.)?(?:\s*All About [^.!?\n]{{1,300}})?
    {_SENTENCE_START}(?:Scroll down for (?:video|more)|SCROLL DOWN FOR (?:VIDEO|MORE))\b(?:\s*(?:\.{{1,3}}|…))?
    Media playback is (?:not supported|unsupported) on (?:this|your) device\.?
    \bBy \. [^\n]{{0,160}}?(?i:published|created|(?:last )?updated)\s*: ?\. [^|\n]{{0,60}}? (?:19|20)\d\d \.(?: \| \. (?i:(?:last )?updated): \. [^|\n]{{0,60}}? (?:19|20)\d\d \.)?
    """,  # noqa: E501 - one alternative a line
    re.MULTILINE,
)
_LABELLED: Final = re.compile(
    r"(?i:(?:previous|next)\s+article|read\s+more|read\s+also|see\s+also|also\s+read|related"
    r"|more\s+on\s+this|lesen\s+sie\s+auch|lire\s+aussi|lea\s+también|leia\s+também|leggi\s+anche"
    r"|lees\s+ook|читайте\s+также)\s*(?P<mark>:|»|›|–|-|—)?\s+(?=\S)"
)
_MARKERS: Final = " \t*•·▪‣►▶→»>|–—-#"


def is_furniture(line: str) -> bool:
    """Whether all of `line` (or of a sentence) is page furniture."""
    bare = _bare(line)
    shown = line.strip()[:_MAX_LINE_CHARACTERS]
    if _LINE.fullmatch(shown):
        return True
    if not bare or len(bare) > _MAX_LINE_CHARACTERS:
        return False
    return bool(
        (bare != shown and _LINE.fullmatch(bare))
        or _LINE.fullmatch(bare.rstrip(". "))
        or _LINKS.fullmatch(bare)
        or _NEIGHBOUR.fullmatch(bare)
        or _BYLINE.fullmatch(bare)
        or _is_labelled(bare)
    )


def furniture_ranges(text: str) -> list[tuple[int, int]]:
    """Ranges (start, end) of `text` that are furniture: in order, never overlapping, not empty."""
    ranges: list[tuple[int, int]] = []
    titles_left = 0
    for start, end in _lines(text):
        bare = _bare(text[start:end])
        if titles_left and _is_title(bare):
            titles_left -= 1
            ranges.append((start, end))
            continue
        titles_left = 0
        if is_furniture(bare):
            ranges.append((start, end))
            if _NEIGHBOUR.fullmatch(bare):
                titles_left = 1
            elif _LINKS.fullmatch(bare):
                titles_left = _MAX_LINKS
        else:
            ranges.extend(
                match.span()
                for match in _INLINE.finditer(text, start, end)
                if not _is_quoted(text, match.start())
            )
    return ranges


def _is_quoted(text: str, position: int) -> bool:
    """Whether an open « before `position` makes the next » a closing quotation mark."""
    before = text[max(0, position - 400) : position]
    return before.rfind("«") > before.rfind("»")


def _bare(line: str) -> str:
    """`line` without the marks that links and list items carry."""
    return line.strip(_MARKERS).rstrip(" :")


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """Ranges of the lines of `text` that hold something visible."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if start < end and not text[start:end].isspace():
            yield start, end
        start = end + 1


def _is_title(line: str) -> bool:
    """Short, and without the full stop that a paragraph ends with."""
    return bool(line) and line[-1] not in ".!…。।" and len(line.split()) <= _MAX_TITLE_WORDS


def _is_labelled(line: str) -> bool:
    """Whether `line` is a link with its label: "Next Article Its Title", "Read more: a title"."""
    match = _LABELLED.match(line)
    if not match or not _is_title(line):
        return False
    return bool(match["mark"]) or line.startswith(("Previous Article", "Next Article"))
