"""Chapters of the report: headings one level down with anchors, exhibits as they are, text escaped."""

import re

from nbformat import NotebookNode, v4

from analysis.chapters import chapter


def test_headings_go_one_level_down_and_have_anchors() -> None:
    shown = v4.new_output("execute_result", {"text/html": "<p>shown</p>", "text/plain": "shown"})
    notebook = v4.new_notebook(cells=[
        v4.new_markdown_cell("# All of it\n\nWhy *so*."),
        v4.new_markdown_cell("Run me.", metadata={"tags": ["remove-cell"]}),
        v4.new_markdown_cell("## First, part"),
        v4.new_code_cell("x", outputs=[shown]),
        v4.new_code_cell("y", outputs=[v4.new_output("stream", text="noise")]),
        v4.new_markdown_cell("### <script>"),
    ])  # fmt: skip
    found = chapter("name", notebook)
    assert (found.anchor, found.title) == ("name", "All of it")
    assert list(found.headings) == [("name-first-part", "First, part")]
    assert found.html.split("\n") == [
        '<h2 id="name">All of it</h2>', "<p>Why <em>so</em>.</p>", "", '<h3 id="name-first-part">First, part</h3>', "",
        "<p>shown</p>", '<h4 id="name-script">&lt;script&gt;</h4>', "",
    ]  # fmt: skip


def test_a_heading_with_nothing_below_it_is_left_out() -> None:
    shown, nothing = (v4.new_output("execute_result", {"text/html": html}) for html in ("<p>shown</p>", ""))
    told = [v4.new_markdown_cell(words) for words in ("# All", "## Empty", "## Words\n\nWhy.", "## Full", "## Last")]
    empty, full = ([v4.new_code_cell("x", outputs=[output])] for output in (nothing, shown))
    cells = [told[0], told[1], *empty, told[2], *empty, told[3], *full, *empty, told[4], v4.new_code_cell("z")]
    found = chapter("name", NotebookNode(cells=cells))
    assert [words for _, words in found.headings] == ["Words", "Full"]
    assert re.findall("<h3[^>]*>(.*?)</h3>", found.html) == ["Words", "Full"]
    assert "<p>shown</p>" in found.html


def test_a_notebook_without_a_title_is_called_by_its_name() -> None:
    assert chapter("name", v4.new_notebook()).title == "name"
