"""Every type of problem that the service answers with: slug, status, title, explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of problem: a stable slug, the status it is answered with, what it means."""

    slug: str
    status: int
    title: str
    explanation: str


PROBLEM_TYPES: Final[dict[str, ProblemType]] = {
    row.slug: row
    for row in (
        ProblemType(
            "invalid-json",
            400,
            "The body is not valid JSON",
            "The body must be one JSON value (RFC 8259): no NaN or Infinity, no key twice in one "
            "object, no nesting beyond what the schema needs.",
        ),
        ProblemType(
            "invalid-utf-8", 400, "The body is not valid UTF-8", "JSON is sent as UTF-8 (RFC 8259)."
        ),
        ProblemType(
            "invalid-request",
            400,
            "The request cannot be understood",
            "The request is malformed below the level of the schema.",
        ),
        ProblemType(
            "unauthenticated",
            401,
            "A key is needed",
            "The service asks for a key and got none, or one that it does not know.",
        ),
        ProblemType(
            "forbidden",
            403,
            "Not allowed",
            "The key is known but does not allow this, or not from this origin.",
        ),
        ProblemType("not-found", 404, "Not found", "Nothing is at this address, or not any more."),
        ProblemType(
            "method-not-allowed",
            405,
            "Method not allowed",
            "The address exists; the Allow header names the methods it takes.",
        ),
        ProblemType(
            "request-timeout",
            408,
            "The body came too slowly",
            "The whole body must arrive within the service's bound.",
        ),
        ProblemType(
            "body-too-large",
            413,
            "The body is too large",
            "The body passes the bound in bytes; it was not read whole.",
        ),
        ProblemType(
            "article-too-long",
            413,
            "The article is too long",
            "The article passes the bound in characters; nothing was cut off.",
        ),
        ProblemType(
            "unsupported-media-type",
            415,
            "Unsupported media type",
            "Send application/json in UTF-8, not compressed.",
        ),
        ProblemType(
            "missing-field",
            422,
            "A field is missing",
            "The request lacks a field that it must have.",
        ),
        ProblemType(
            "unknown-field",
            422,
            "Unknown field",
            "The request has a field that the service does not know; nothing is ignored silently.",
        ),
        ProblemType(
            "invalid-field",
            422,
            "A field is invalid",
            "A field has the wrong type or passes its bounds.",
        ),
        ProblemType(
            "one-input-required",
            422,
            "Exactly one of text, html and url",
            "An article is given in exactly one way: text, html or url.",
        ),
        ProblemType(
            "empty-article", 422, "The article is empty", "The article holds no visible text."
        ),
        ProblemType(
            "article-too-short",
            422,
            "The article is too short",
            "A text this short is its own summary; the problem names the minimum in words.",
        ),
        ProblemType(
            "not-an-article",
            422,
            "No article found",
            "No article could be found in what was sent.",
        ),
        ProblemType(
            "unsupported-kind",
            422,
            "Unsupported kind",
            "The loaded model does not write this kind of summary; the problem names those it "
            "writes.",
        ),
        ProblemType(
            "unsupported-length",
            422,
            "Unsupported length",
            "The loaded model does not write this length; the problem names those it writes.",
        ),
        ProblemType(
            "language-not-supported",
            422,
            "Language not supported",
            "The loaded model does not cover the article's language; the problem names those it "
            "covers.",
        ),
        ProblemType(
            "model-not-found",
            422,
            "Model not found",
            "The named model is not loaded here; the problem names the one that is.",
        ),
        ProblemType(
            "url-disabled",
            422,
            "Fetching by URL is off",
            "This service does not fetch pages; send text or html.",
        ),
        ProblemType(
            "fetch-forbidden",
            422,
            "The page may not be fetched",
            "The URL, one of its redirects or its robots.txt does not allow the fetch.",
        ),
        ProblemType(
            "fetch-failed",
            422,
            "The page could not be fetched",
            "The host did not answer, answered with an error, or sent something unreadable.",
        ),
        ProblemType(
            "invalid-record",
            422,
            "Not an article record",
            "A line or row of a file is not an article record.",
        ),
        ProblemType(
            "rate-limited",
            429,
            "Too many requests",
            "The key or the address has used up its rate; Retry-After says when to ask again.",
        ),
        ProblemType(
            "internal",
            500,
            "Internal error",
            "Something went wrong in the service; the request may be repeated.",
        ),
        ProblemType(
            "inference-failed",
            500,
            "The model failed on this article",
            "The model raised, or returned nothing usable, for this article alone.",
        ),
        ProblemType(
            "model-unusable",
            500,
            "The model cannot be used",
            "The checkpoint is broken or is not one that inbrief can run.",
        ),
        ProblemType(
            "not-ready",
            503,
            "The model is not loaded yet",
            "The service is starting; Retry-After says when to ask again.",
        ),
        ProblemType(
            "queue-full",
            503,
            "The queue is full",
            "The service has as much work as it may hold; Retry-After says when to ask again.",
        ),
        ProblemType(
            "cache-unavailable",
            503,
            "The cache does not answer",
            "What was asked needs the cache, which is broken or slow now; summaries do without it.",
        ),
        ProblemType(
            "draining",
            503,
            "The service is stopping",
            "Requests that were accepted are finished; new ones go to another instance.",
        ),
        ProblemType(
            "deadline-exceeded",
            504,
            "Not ready in time",
            "The summary was not ready within the service's deadline.",
        ),
    )
}
