import xml.etree.ElementTree as ElementTree

import pytest

from eval.plots import Point, distributions, heat_map, intervals, pareto, scatter, tenths


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
