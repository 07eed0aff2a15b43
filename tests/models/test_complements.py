"""Words that need those behind them, and words that do not."""

from __future__ import annotations

import pytest

from models.complements import leaves_a_complement
from tests.models.shortenings import shortening


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("Reed put his record on the line in May.", "Reed put his record"),
        ("They blamed it on the rain.", "They blamed it"),
        ("It is not the rain but the wind.", "It is not the rain"),
        ("Reed was labelled a hero as he left.", "Reed was labelled a hero"),
        ("He is sorry for calling Lee 'smug' in May.", "He is sorry for calling Lee"),
        ("Reed has branded it in the press 'a lie' now.", "Reed has branded it"),
        ("He got more than he bargained for in May.", "He got more than he bargained"),
        ("An outage left the town without power.", "An outage left the town"),
        ("Reed spent three days in Leeds.", "Reed spent three days"),
        ("The club has issued Reed with a fine.", "The club has issued Reed"),
        ("Reed likened his time in Leeds to a dream.", "Reed likened his time in Leeds"),
        ("Reed left before being spotted in Leeds.", "Reed left before being spotted"),
        ("Reed has come under fire in Leeds.", "Reed has come"),
        (
            "It met, with Reed announcing at noon on May 6 he had won.",
            "It met, with Reed announcing at noon",
        ),
        ("Leeds have not beaten a team in the top half.", "Leeds have not beaten a team"),
        ("They met Leeds, who take on Hull.", "They met Leeds, who take"),
        ("Reed has the cup in his sights.", "Reed has the cup"),
        ("The film is titled 'The Pool' now.", "The film is titled"),
        ("It is being seen through a lens.", "It is being seen"),
        ("Reed has emerged as a candidate.", "Reed has emerged"),
        ("He is the kind of man who runs.", "He is the kind of man"),
        ("She only grew up when she left.", "She only grew up"),
        ("It has as many fans, 44, as it had in May.", "It has as many fans, 44"),
        ("She will sue anyone who swore at her on Sunday.", "She will sue anyone on Sunday"),
        ("She will sue anyone who swore at her.", "She will sue anyone"),
        ("It shows the singer, Jo Lee, leading a song.", "It shows the singer"),
        ("They watch the teenagers Jo Lee and Bo Reed.", "They watch the teenagers Jo Lee"),
    ],
)
def test_a_word_keeps_what_it_calls_for(source: str, kept: str) -> None:
    assert leaves_a_complement(shortening(source, kept))


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("Reed left the pitch as a sub came on.", "Reed left the pitch"),
        ("He was not seen, police said.", "He was not seen"),
        ("They called Lee yesterday in Leeds.", "They called Lee yesterday"),
        ("Those who know say that it was closed in May.", "Those who know say that it was closed"),
        ("It has as many fans as it had in May, 44.", "It has as many fans as it had in May"),
        ("The film shows the pool, and a song plays.", "The film shows the pool"),
        ("Reed is being questioned by police.", "Reed is being questioned"),
        ("Reed left before being spotted, police said.", "Reed left before being spotted"),
        ("It met, with Reed announcing a deal with Leeds.", "It met, with Reed announcing a deal"),
        ("Leeds have beaten a team in the top half.", "Leeds have beaten a team"),
        ("They met Jo Lee and Bo Reed.", "They met Jo Lee"),
        ("She is the head of a school which burned.", "She is the head of a school"),
    ],
)
def test_what_calls_for_nothing_more_may_stand(source: str, kept: str) -> None:
    assert not leaves_a_complement(shortening(source, kept))
