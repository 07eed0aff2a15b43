"""The one error tree of inbrief.

    InbriefError
    ├── InputError                  the caller sent something that cannot be summarised
    │   ├── EmptyArticle
    │   ├── ArticleTooShort
    │   ├── ArticleTooLong
    │   ├── NotAnArticle
    │   ├── UnsupportedKind
    │   ├── UnsupportedLength
    │   ├── UnsupportedLanguage
    │   └── InvalidRecord
    ├── FetchError                  a page named by URL could not be read
    │   ├── FetchForbidden
    │   └── FetchFailed
    ├── ModelError                  a model cannot be loaded or did not work
    │   ├── ModelNotFound
    │   ├── IncompatibleModel
    │   ├── CorruptModel
    │   └── InferenceFailed
    ├── OverloadError               the service is up and cannot take this now
    │   ├── QueueFull
    │   ├── DeadlineExceeded
    │   └── Draining
    ├── AccessError                 who asks may not
    │   ├── Unauthenticated
    │   ├── Forbidden
    │   └── RateLimited
    ├── ServiceError                a service that was asked gave no summary (the client's side)
    │   ├── ServiceRefused
    │   └── ServiceUnreachable
    ├── SettingsError
    ├── MissingDependency
    └── EvaluationError

Nothing here knows of HTTP: `service.problems` holds the one table from an
error to a status. An error's message is one sentence fit for the person who
caused it; it never quotes article text.
"""

from __future__ import annotations


class InbriefError(Exception):
    """Base of every error that inbrief raises on purpose.

    `field` names the request field, setting or record column at fault, where
    there is one; `limit` the bound that was passed, in the unit the message
    names.
    """

    def __init__(
        self, message: str, *, field: str | None = None, limit: int | float | str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.limit = limit


class InputError(InbriefError):
    """The caller sent something that cannot be summarised."""


class EmptyArticle(InputError):
    """The article holds no visible text."""


class ArticleTooShort(InputError):
    """The article is shorter than the shortest text worth summarising."""


class ArticleTooLong(InputError):
    """The article passes the bound on characters."""


class NotAnArticle(InputError):
    """No article could be found in what was sent (HTML without main text, a table only)."""


class UnsupportedKind(InputError):
    """The model does not write this kind of summary."""


class UnsupportedLength(InputError):
    """The model does not write this length for this kind."""


class UnsupportedLanguage(InputError):
    """The model does not cover the language of the article."""


class InvalidRecord(InputError):
    """A line or row of a file is not an article record.

    `line` counts lines or rows from 1; `record_id` is the record's own id
    where it could be read.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        limit: int | float | str | None = None,
        line: int = 0,
        record_id: str | None = None,
    ) -> None:
        super().__init__(message, field=field, limit=limit)
        self.line = line
        self.record_id = record_id


class FetchError(InbriefError):
    """A page named by URL could not be read."""


class FetchForbidden(FetchError):
    """The URL, one of its redirects or its robots.txt does not allow the fetch."""


class FetchFailed(FetchError):
    """The host did not answer, answered with an error, or sent something unreadable."""


class ModelError(InbriefError):
    """A model cannot be loaded or did not work."""


class ModelNotFound(ModelError):
    """No such model: neither a shipped name, a directory nor an allowed hub id."""


class IncompatibleModel(ModelError):
    """The checkpoint is there but is not an encoder-decoder that inbrief can run."""


class CorruptModel(ModelError):
    """A file of the checkpoint is missing, unreadable or fails its digest."""


class InferenceFailed(ModelError):
    """The model raised or returned nothing usable for this article."""


class OverloadError(InbriefError):
    """The service is up and cannot take this request now.

    `retry_after_seconds` says when asking again is sensible.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        limit: int | float | str | None = None,
        retry_after_seconds: int = 1,
    ) -> None:
        super().__init__(message, field=field, limit=limit)
        self.retry_after_seconds = retry_after_seconds


class QueueFull(OverloadError):
    """The bounded queue holds as much as it may."""


class DeadlineExceeded(OverloadError):
    """The summary was not ready within the request's deadline."""


class Draining(OverloadError):
    """The service is stopping and takes no new requests."""


class AccessError(InbriefError):
    """Who asks may not."""


class Unauthenticated(AccessError):
    """No key, or a key that is not known."""


class Forbidden(AccessError):
    """The key is known but does not allow this, or not from this origin."""


class RateLimited(AccessError):
    """More requests than the key or the client address may send."""

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        limit: int | float | str | None = None,
        retry_after_seconds: int = 1,
    ) -> None:
        super().__init__(message, field=field, limit=limit)
        self.retry_after_seconds = retry_after_seconds


class ServiceError(InbriefError):
    """A service that was asked gave no summary."""


class ServiceRefused(ServiceError):
    """The service answered with a problem.

    `slug` is the problem's stable type, such as `article-too-short`; `status` the
    HTTP status. `retry_after_seconds` is None where asking again would not help.
    """

    def __init__(
        self,
        message: str,
        *,
        slug: str,
        status: int,
        field: str | None = None,
        limit: int | float | str | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message, field=field, limit=limit)
        self.slug = slug
        self.status = status
        self.retry_after_seconds = retry_after_seconds


class ServiceUnreachable(ServiceError):
    """The service did not answer, or what answered is not an inbrief service."""


class SettingsError(InbriefError):
    """One or more settings are unknown or out of range; the message lists all of them."""


class MissingDependency(InbriefError):
    """An optional package is needed for this and is not installed; the message names the extra."""


class EvaluationError(InbriefError):
    """The data or predictions cannot be judged as they are."""
