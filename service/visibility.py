"""What a reader of a page cannot see, so that it never reaches a summary.

Covers what can be told from the document alone: elements that are not rendered,
the `hidden` and `aria-hidden` attributes, hiding inline styles, rules of the
page's own `<style>` elements for a single class or id, and the conventional
classes for screen readers. External style sheets are not fetched.
"""

from __future__ import annotations

import re
from typing import Any, Final

_NOT_RENDERED: Final = frozenset(
    {
        "audio", "button", "canvas", "datalist", "embed", "iframe", "input", "map", "noembed",
        "noframes", "noscript", "object", "option", "script", "select", "style", "svg",
        "template", "textarea", "video",
    }
)  # fmt: skip
# Screen readers speak these, but no one sees them, and they hold page furniture.
_UNSEEN_CLASSES: Final = frozenset(
    {"sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "u-hidden", "offscreen"}
)
_ZERO: Final = r"0+(?:\.0*)?(?:px|r?em|%|pt|v[hw])?\s*(?:!important\s*)?(?:;|$)"
_HIDING: Final = re.compile(
    r"(?:^|[;{\s])(?:"
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|content-visibility\s*:\s*hidden|"
    r"color\s*:\s*transparent|"
    rf"opacity\s*:\s*{_ZERO}|font-size\s*:\s*{_ZERO}|max-height\s*:\s*{_ZERO}|"
    r"(?:left|top|right|text-indent)\s*:\s*-\d{4,}(?:\.\d*)?(?:px|r?em)"
    r")",
    re.IGNORECASE,
)
# In a rule only these: opacity and sizes of a class are often the start of an animation.
_HIDING_RULE: Final = re.compile(
    r"(?:^|[;{\s])(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE
)
_CSS_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_SIMPLE_SELECTOR: Final = re.compile(r"^[a-z0-9]*([.#][\w-]+)$", re.IGNORECASE)
# A page hides these until its scripts have run; the article is inside.
_ROOTS: Final = frozenset({"html", "body"})
MAX_STYLE_CHARACTERS: Final = 200_000


def remove_hidden(tree: Any, *, keep: frozenset[str] = frozenset()) -> None:
    """Drop every element a reader cannot see from an lxml tree, in place; tails stay.

    Elements whose tag is in `keep` are left where they are not inside of hidden ones.
    """
    unseen = _hiding_selectors(tree)
    doomed = [
        element
        for element in tree.iter("*")
        if element.tag not in keep and _is_hidden(element, unseen)
    ]
    for element in doomed:
        parent = element.getparent()
        if parent is not None:
            element.drop_tree()


def _is_hidden(element: Any, unseen: frozenset[str]) -> bool:
    tag = element.tag
    if tag in _ROOTS or tag == "head":
        return False
    if tag in _NOT_RENDERED or (tag == "dialog" and "open" not in element.attrib):
        return True
    attributes = element.attrib
    if "hidden" in attributes and attributes["hidden"].strip().lower() != "until-found":
        return True
    if attributes.get("aria-hidden", "").strip().lower() == "true":
        return True
    style = attributes.get("style")
    if style and _HIDING.search(_CSS_COMMENT.sub("", style)):
        return True
    classes = attributes.get("class", "").split()
    if any(name.lower() in _UNSEEN_CLASSES or f".{name}" in unseen for name in classes):
        return True
    return f"#{attributes.get('id', '')}" in unseen


def _hiding_selectors(tree: Any) -> frozenset[str]:
    """Classes and ids that the page's own style rules hide, as `.name` and `#name`."""
    selectors = set()
    for style in tree.iter("style"):
        css = _CSS_COMMENT.sub("", (style.text or "")[:MAX_STYLE_CHARACTERS])
        for names, declarations in _top_level_rules(css):
            if _HIDING_RULE.search(declarations):
                for name in names.split(","):
                    match = _SIMPLE_SELECTOR.match(name.strip())
                    if match:
                        selectors.add(match[1])
    return frozenset(selectors)


def _top_level_rules(css: str) -> list[tuple[str, str]]:
    """Rules outside of `@media` and other blocks: what is hidden only in print is seen."""
    rules = []
    depth = start = opened = 0
    for match in re.finditer(r"[{}]", css):
        if match[0] == "{":
            if depth == 0:
                opened = match.start()
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                names = css[start:opened].rpartition(";")[2].strip()
                if not names.startswith("@"):
                    rules.append((names, css[opened + 1 : match.start()]))
                start = match.end()
    return rules
