"""Between the wire and the contract: a request in, a `Summary` out."""

from __future__ import annotations

from models.contract import (
    Article,
    ModelInfo,
    Summary,
    SummaryOptions,
    SummaryRequest,
    SummarySentence,
)
from service import schemas
from service.disclosure import disclosure


def options_of(body: schemas.SummariseRequest) -> SummaryOptions:
    return SummaryOptions(
        kind=body.kind,
        length=body.length,
        max_words=body.max_words,
        format=body.format,
        strict=body.strict,
    )


def primary_tag(language: str | None) -> str | None:
    """`en` of `en-GB`: models know languages, not regions."""
    return None if language is None else language.split("-")[0].lower()


def request_of(body: schemas.SummariseRequest, text: str, title: str | None) -> SummaryRequest:
    """The contract's request for `text`, which `body` sent or which was extracted for it."""
    article = Article(text=text, title=title, language=primary_tag(body.language))
    return SummaryRequest(article=article, options=options_of(body))


def sentence_of(sentence: SummarySentence) -> schemas.SentenceResponse:
    return schemas.SentenceResponse(
        text=sentence.text,
        evidence=[
            schemas.SpanResponse(start=span.start, end=span.end) for span in sentence.evidence
        ],
        supported=sentence.supported,
        unsupported=list(sentence.unsupported),
    )


def response_of(
    identity: str,
    summary: Summary,
    options: SummaryOptions,
    *,
    queue_seconds: float,
    inference_seconds: float,
    total_seconds: float,
) -> schemas.SummaryResponse:
    """The answer for a summary that was just made."""
    return schemas.SummaryResponse(
        id=identity,
        summary=summary.text,
        sentences=[sentence_of(sentence) for sentence in summary.sentences],
        kind=summary.kind,
        length=summary.length,
        format=options.format,
        words=summary.words,
        source_words=summary.source_words,
        language=summary.language,
        model=schemas.ModelResponse(
            name=summary.model.name,
            revision=summary.model.revision,
            engine=summary.model.engine,
            precision=summary.model.precision,
        ),
        coverage=schemas.CoverageResponse(
            source_sentences=summary.coverage.source_sentences,
            read_sentences=summary.coverage.read_sentences,
            selected=list(summary.coverage.selected),
        ),
        truncated=summary.truncated,
        cached=False,
        timings=schemas.TimingsResponse(
            queue_seconds=round(queue_seconds, 6),
            inference_seconds=round(inference_seconds, 6),
            total_seconds=round(total_seconds, 6),
        ),
        disclosure=disclosure(summary.language),
    )


def description_of(info: ModelInfo, *, loaded: bool) -> schemas.ModelDescription:
    return schemas.ModelDescription(
        name=info.name,
        revision=info.revision,
        engine=info.engine,
        precision=info.precision,
        loaded=loaded,
        device=info.device,
        kinds=list(info.kinds),
        lengths=list(info.lengths),
        languages=list(info.languages),
        max_input_tokens=info.max_input_tokens,
        parameters=info.parameters,
        size_bytes=info.size_bytes,
        choice=info.choice,
    )
