import xml.etree.ElementTree as ElementTree

import pytest

from eval.plots import (
    Point,
    distributions,
    heat_map,
    intervals,
    pareto,
    scatter,
    series,
    short,
    tenths,
)


def point(label: str, x: float, y: float, *, bound: bool = False) -> Point:
    return Point(label, 0, x, y, y - 1, y + 1, bound)


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    return [one.text or "" for one in parsed(svg).iter() if one.tag == "text"]


def test_the_front_holds_what_no_other_beats_in_both() -> None:
    points = [point("slow good", 1, 9), point("beaten", 2, 3), point("fast", 8, 4)]
    points += [point("middle", 4, 6), point("oracle", 9, 50, bound=True)]
    assert [one.label for one in pareto(points)] == ["slow good", "middle", "fast"]
    assert pareto([point("a", 1, 1), point("b", 1, 2)]) == [point("b", 1, 2)]


@pytest.mark.parametrize("log_x", [True, False])
def test_a_scatter_holds_every_system_inside_its_frame(log_x: bool) -> None:
    points = [point("<a> & b", 0.3, 12), point("c", 40, 30), point("d", 41, 30)]
    svg = scatter(points, "title", "x", "y", log_x=log_x, front=True)
    assert {"<a> & b", "c", "d"} <= set(texts(svg))
    circles = [one for one in parsed(svg).iter() if one.tag == "circle"]
    assert len(circles) == 3
    for one in circles:
        assert 62 <= float(one.attrib["cx"]) <= 620
        assert 16 <= float(one.attrib["cy"]) <= 334


def test_one_system_alone_can_be_drawn() -> None:
    assert "only" in texts(scatter([point("only", 5, 5)], "t", "x", "y"))
    assert "only" in texts(scatter([Point("only", 0, 5, 0, 0, 0)], "t", "x", "y", log_x=True))


def test_a_histogram_counts_every_value() -> None:
    svg = distributions([("a", [0.0, 10.0, 10.0, 50.0]), ("b", [0.0])], "t", "x")
    assert {"a", "n 4", "b", "n 1"} <= set(texts(svg))
    bars = [one for one in parsed(svg).iter() if one.tag == "rect"]
    assert len(bars) == 4


def test_tenths() -> None:
    assert tenths([0.0, 0.05, 0.95, 1.0]) == [0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0.5]
    assert sum(tenths([])) == 0


def test_heat_map_and_intervals_name_their_rows() -> None:
    assert {"a", "50%"} <= set(texts(heat_map([("a", tenths([0.0, 1.0]))], "t")))
    svg = intervals([("local\nsection, n 5", [point("x", 0, 10), point("y", 0, 12)])], "t", "x")
    assert {"local", "section, n 5"} <= set(texts(svg))


LONG = "cmd:python summarise.py --model one --beams 4 --length-penalty 2"


def test_a_long_label_keeps_its_ends_and_says_all_when_pointed_at() -> None:
    assert short(LONG) == "cmd:python…h-penalty 2"
    assert short("news-small@tldr/long") == "news-small@tldr/long"
    for svg in (
        scatter([point(LONG, 1, 1)], "t", "x", "y"),
        distributions([(LONG, [1.0])], "t", "x"),
        heat_map([(LONG, tenths([0.0]))], "t"),
        intervals([(f"{LONG}\nsection", [point("x", 0, 1)])], "t", "x"),
    ):
        assert short(LONG) in texts(svg)
        assert LONG in [one.text for one in parsed(svg).iter() if one.tag == "title"]


def test_labels_of_a_scatter_lie_inside_and_not_on_each_other() -> None:
    svg = scatter([point(LONG, x, 5) for x in (1.0, 1.1, 9.0, 9.1)], "t", "x", "y")
    boxes = []
    for one in (one for one in parsed(svg).iter() if one.attrib.get("class") == "label"):
        x, wide = float(one.attrib["x"]), 7.2 * len(one.text or "")
        left = x - wide if one.attrib["text-anchor"] == "end" else x
        boxes.append((left, left + wide, float(one.attrib["y"])))
    assert all(left >= 0 and right <= 640 for left, right, _ in boxes)
    for index, (left, right, y) in enumerate(boxes):
        for other_left, other_right, other_y in boxes[:index]:
            assert right <= other_left or other_right <= left or abs(y - other_y) >= 14


def test_no_two_systems_look_the_same() -> None:
    assert len({series(index) for index in range(16)}) == 16
