"""Cuts that leave a sentence, and cuts that do not."""

from __future__ import annotations

import pytest

from models.soundness import is_sound
from models.trimming import text_of
from tests.models.shortenings import shortening


def sound(source: str, kept: str) -> bool:
    one = shortening(source, kept)
    return is_sound(one, text_of(one))


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("The bridge was closed on Tuesday, police said", "The bridge was closed on Tuesday"),
        ("But by August he was arrested in Oslo", "by August he was arrested"),
        ("The man, who is 41, was shot in Perth", "The man was shot in Perth"),
        ('"It was wrong," Ortiz said in a short statement', '"It was wrong," Ortiz said'),
        ("The brothers, both 17, raised suspicion, he said", "The brothers raised suspicion"),
        ("Becker said sales fell by a third when it closed", "Becker said sales fell by a third"),
        ("Rain fell", "Rain fell"),
        ("The man who found it was held in Perth", "The man was held in Perth"),
        ("The pool was closed by the council in June.", "The pool was closed"),
        ("If it rains, they said, it will close in June.", "If it rains, it will close in June"),
        ("Three days after it, they won the cup in Oslo.", "Three days after it, they won the cup"),
        ("He was found dead in a room on Friday after it.", "He was found dead on Friday after it"),
        ("Two men were held on Friday, police said.", "Two men were held on Friday"),
        ("In June, the town will close it, which leaks.", "In June, the town will close it"),
        ("As it leaks, the pool will close, he said.", "the pool will close"),
        ("It is, he said, what she asked for.", "It is what she asked for"),
        ("He said that that day he had had it, she wrote", "He said that that day he had had it"),
        ("The cup began in the rain on Friday, he said.", "The cup began on Friday"),
        ("The cup, dreaded by all, began on Friday.", "The cup began on Friday"),
        ("The town they love has a pool in it.", "The town they love has a pool"),
        ("Reed, of Leeds, a baker, won it in May.", "Reed, a baker, won it in May"),
        ("Now they have found it on the hill.", "Now they have found it"),
    ],
)
def test_whole_sentences_pass(source: str, kept: str) -> None:
    assert sound(source, kept)


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("Longer than a pitch, the craft will be the biggest", "Longer than a pitch"),
        (
            "Olsen, who played in 35 events, alleged on air that Woods was serving a ban",
            "Olsen was serving a ban",
        ),
        (
            "Powlett said contestants on the show, hosted by Reed, were not told",
            "Powlett said contestants on the show",
        ),
        (
            "He must wait until July to get his hands on it",
            "He must wait until July to get his hands",
        ),
        (
            "The mayor said the issues in the town run deeper than that",
            "The mayor said the issues",
        ),
        ("He has fuelled talk that he is set for a move", "He has fuelled talk that he is set"),
        (
            "Inspectors said the misuse of garments could spread it",
            "Inspectors said the misuse of garments",
        ),
        ("Felt that Murray, scorer of two goals, should go", "Felt that Murray, scorer of two"),
        ("In addition to calling for it, she left", "to calling for it, she left"),
        ("A man suspected of having carried it out was held", "A man suspected of carried it"),
        ('He met with "Ghost" director Reitman and left', 'He met with " director Reitman'),
        ("The bridge was closed to all traffic", "The bridge was closed to"),
        ("The plan was said to have been changed", "The plan was have been changed"),
        ("The plan of the of state was good", "The plan of of state was good"),
        ("Nigel, 42, of Perth, has been named", "Nigel of Perth, has been named"),
        ("Terry led them ahead of their cup clash", "Terry led them ahead of their cup"),
        ("He was seen there only a day after it", "He was seen there only a day"),
        ("They play their last two competitive cup fixtures", "They play their last two"),
        ("Fans set the standard in it and left", "Fans set the standard in it and"),
        ("It sold 100 million, says the head, says he", "It sold 100 million, says says he"),
        (
            "In the midst of the shouting over it, which many fear, churches stay silent.",
            "In the midst of the shouting over it, which many fear",
        ),
        (
            "Changes to the act in Wales, introduced in 2015, have ended the practice.",
            "Changes to the act in Wales, introduced in 2015",
        ),
        (
            "As the tournament tips off, leaders would be wise to wait.",
            "the tournament tips off, leaders would be wise to wait",
        ),
        ("A woman who lost a child after it has spoken.", "A woman who lost a child"),
        ("It came four days after Ann Reed and others left.", "It came four days after Ann Reed"),
        ("He will put his record on the line in Oslo.", "He will put his record in Oslo"),
        ("He showed not his own talents but hers.", "He showed not his own talents"),
        ("They urge it to see both the boy and his parents.", "They urge it to see both the boy"),
        ("She stood between Reed and Lee in Oslo.", "She stood between Reed"),
        ("Reed has told his critics that he stays.", "Reed has told his critics"),
        ("Reed says it will be the forwards who win it.", "Reed says it will be the forwards"),
        ("They could not prevent the team from losing it.", "They could not prevent the team"),
        ("He was part of it for the last five years.", "He was part of it for the last years"),
        ("Reed has blamed the loss on his own side.", "Reed has blamed the loss"),
        ("They will swap the old pool for a new one.", "They will swap the old pool"),
        ("They are two of the most able and best.", "They are two of the most able"),
        ("A report found staff were late.", "A report found staff"),
        ("Leeds, looking better since May, have won it.", "Leeds, looking better since May"),
        ("With it gone, they will be told to leave.", "With it gone"),
        ("He lived about 200 yards from the pool.", "He lived about 200 yards"),
        ("Reed says it is unthinkable for them to go.", "Reed says it is unthinkable"),
        ("He watches videos published by a group.", "He watches videos published"),
        ("His leaving would have come as a shock.", "His leaving would have come"),
        ("It is the firm he had lavished praise on.", "It is the firm he had lavished praise"),
        (
            "They agreed to attend the game in order for it to go on.",
            "They agreed to attend the game in order",
        ),
        ("Reed said children have seen it.", "Reed said children"),
        ("The tub is old, is made for eight and is split.", "is made for eight"),
        ("Reed will revel in it at home.", "Reed will revel"),
        ("It can be used for it.", "It can be used"),
        ("They were accused of not believing in it.", "They were accused of not believing"),
        ("They are two of the most able, and young, teams in it.", "They are two of the most able"),
        ("Reed was rushed to hospital on Friday.", "Reed was rushed on Friday"),
        ("Reed warmed to it and is now in favour.", "Reed warmed to it and is now"),
        ("Just as Reed ran at them, he met his match.", "Reed ran at them, he met his match"),
        (
            "She was hurt after a fight following an attack.",
            "She was hurt after following an attack",
        ),
        ("They prepare to take on a team.", "They prepare to take"),
        ("They lost at home to it back in June.", "They lost at home to it back"),
        ("Its part in it, called Slipper, claimed some.", "Its part in it, called Slipper"),
        ("It is made when a tall hill forces it up.", "It is made when a tall hill"),
        ("If he put in as much as he did there, he would be a star.", "If he put in as much"),
        ("Three days after losing it in Oslo, they won.", "Three days after losing it"),
        ("It keeps them firmly on course for a title.", "It keeps them firmly"),
        ("They took teeth, claws and cufflinks from her.", "They took teeth, claws"),
        ("It is told to chase the lead rider round the gym.", "It is told to chase gym"),
        (
            "The cup has begun, with all dreaming of the final on May 6.",
            "The cup has begun on May 6",
        ),
        ("Reed is ill, after a drug trial, Amol, and stays in.", "Reed is ill Amol, and stays in"),
        ("As their manager, Jo Lee, put it: 'We ran.'", "Jo Lee, put it: 'We ran.'"),
        ("Reed (left), walks to Leeds.", "Reed, walks to Leeds"),
        ("Reed hit the beach to prepare for a week in June.", "Reed hit the beach in June"),
        ("The town has two mosques, most of whom are shut.", "most of whom are shut"),
        ("On Tuesday night, he scored twice for Leeds.", "night, he scored twice for Leeds"),
        ("Reed, who began and ended his career here, was there.", "Reed ended his career here"),
        ("He says he was in Syria with Jo Lee, a soldier.", "He says he was in Syria, a soldier"),
        (
            "They may play Oslo and Milton should they qualify.",
            "Oslo and Milton should they qualify",
        ),
        (
            "They made a list of the requests they have found on wills.",
            "The requests they have found on wills",
        ),
        ("Rights for the Reed -- Lee fight are sold now.", "Lee fight are sold"),
        ("Red Rum ridden by Lee jumps it and wins.", "Red Rum ridden jumps it and wins"),
        ("He did not expect Ann Reed to make it there.", "He did not expect Ann Reed"),
        ("The leaders, Reed and Lee, met in Oslo.", "The leaders, Reed and Lee met in Oslo"),
        (
            "The government is so anxious that it closed roads.",
            "The government is so anxious",
        ),
    ],
)
def test_broken_ones_do_not(source: str, kept: str) -> None:
    assert not sound(source, kept)


def test_nothing_is_no_sentence() -> None:
    assert not is_sound(shortening("Residents were told", ""), "")


def test_words_from_elsewhere_may_only_name_the_pronoun() -> None:
    source = "He has been a member since April."

    assert sound_text(source, "<Ed> <Reid> has been a member", "Ed Reid has been a member.")
    assert not sound_text(
        "Ms Buck, who lives here, has been a member since April.",
        "<Ed> <Reid> has been a member",
        "Ed Reid has been a member.",
    )
    assert not sound_text(source, "He <also> has been a member", "He also has been a member.")


def test_a_quotation_mark_left_over_is_seen_in_the_text() -> None:
    source, kept = "He set his sights on '1,2 and 3'.", "He set his sights on 1,2 and 3"

    assert sound_text(source, kept, "He set his sights on 1,2 and 3.")
    assert not sound_text(source, kept, "He set his sights on' 1,2 and 3.")


def sound_text(source: str, kept: str, text: str) -> bool:
    return is_sound(shortening(source, kept), text)


def test_a_headline_may_be_written() -> None:
    one = shortening(
        "Mr Reid has become a member at Milton.", "Reid <becomes> a member", "headline"
    )

    assert is_sound(one, "Reid becomes a member")


def test_what_a_headline_writes_is_small_or_of_the_sentence() -> None:
    one = shortening("Lee's win may have put it clear of them.", "Lee <beat> clear", "headline")

    assert not is_sound(one, "Lee beat clear")
