"""Computed tables as strings, exactly."""

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import formats

NAN = float("nan")
TABLE = pd.DataFrame({"loss": ["wgan_gp", "ns"], "score ± sd": ["12.1 ± 0.3", "9.0"], "100 % & more": ["-", "1|2"]})


def test_text_has_words_to_the_left_and_numbers_to_the_right() -> None:
    assert formats.text(TABLE) == (
        "loss     score ± sd  100 % & more\n"
        "wgan_gp  12.1 ± 0.3             -\n"
        "ns              9.0           1|2"
    )  # fmt: skip


def test_markdown_aligns_and_keeps_pipes_of_cells_apart() -> None:
    assert formats.markdown(TABLE) == (
        "| loss    | score ± sd | 100 % & more |\n"
        "| ------- | ---------: | -----------: |\n"
        "| wgan_gp | 12.1 ± 0.3 |            - |\n"
        "| ns      |        9.0 |         1\\|2 |"
    )


def test_latex_is_a_booktabs_tabular_with_every_special_character_escaped() -> None:
    assert formats.latex(TABLE) == (
        "\\begin{tabular}{lrr}\n"
        "\\toprule\n"
        "loss & score $\\pm$ sd & 100 \\% \\& more \\\\\n"
        "\\midrule\n"
        "wgan\\_gp & 12.1 $\\pm$ 0.3 & - \\\\\n"
        "ns & 9.0 & 1\\textbar{}2 \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}"
    )


@pytest.mark.parametrize(
    ("written", "escaped"),
    [
        ("a_b%c&d#e$f{g}", r"a\_b\%c\&d\#e\$f\{g\}"),
        ("~^\\", r"\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ("<.01 ∞ †", r"\textless{}.01 $\infty$ $\dagger$"),
    ],
)
def test_latex_escapes(written: str, escaped: str) -> None:
    assert f"\n{escaped} \\\\\n" in formats.latex(pd.DataFrame({"x": [written]}))


def test_an_empty_table_is_its_head() -> None:
    empty = TABLE.iloc[:0]
    assert formats.text(empty) == "loss  score ± sd  100 % & more"
    assert formats.markdown(empty).count("\n") == 1
    assert formats.latex(empty).endswith("\\midrule\n\\bottomrule\n\\end{tabular}")


def test_csv_ends_lines_alike_everywhere_and_quotes_commas() -> None:
    assert formats.csv(pd.DataFrame({"a": ["x, y"], "b": [np.inf]})) == 'a,b\n"x, y",inf\n'


def test_a_table_like_the_published_one_has_ours_and_theirs_side_by_side() -> None:
    table = pd.DataFrame({
        "loss": ["ns", "mine"],
        "fashion_mean": [26.54, NAN], "fashion_deviation": [1.6, NAN],
        "fashion_seeds": pd.array([49, 0], dtype="Int64"), "fashion_failed": pd.array([1, 2], dtype="Int64"),
        "fashion_metric": "fid", "fashion_published": [26.5, NAN], "fashion_published_deviation": [1.6, NAN],
        "triangles_mean": [0.0123, 4.0], "triangles_deviation": [NAN, NAN],
        "triangles_seeds": pd.array([1, pd.NA], dtype="Int64"), "triangles_failed": pd.array([0, pd.NA], dtype="Int64"),
        "triangles_metric": "fd_cnn28", "triangles_published": [NAN, NAN], "triangles_published_deviation": [NAN, NAN],
    })  # fmt: skip
    shown = formats.readable_table2(table)
    assert list(shown.columns) == ["loss", "fashion, fid", "fashion, published fid", "triangles, fd_cnn28"]
    assert shown.iloc[0].to_list() == ["ns", "26.5 ± 1.6 (49, 1 failed)", "26.5 ± 1.6", "0.0123 (1)"]
    assert shown.iloc[1].to_list() == ["mine", "- (2 failed)", "-", "4.0000"]


def test_the_metric_of_data_sets_that_differ_in_it_is_a_score() -> None:
    each = {"mnist": "fid", "fashion": "fd_cnn28"}
    assert formats.measured(each, ["mnist", "fashion"]) == "score"
    assert formats.measured(each, ["mnist"]) == "fid"
    assert formats.measured("fid", ["mnist", "fashion"]) == "fid"


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (None, "-"),
        (NAN, "-"),
        (pd.NA, "-"),
        (True, "on"),
        (np.False_, "off"),
        (12345, "12,345"),
        (0.00012345, "0.000123"),
    ],
)
def test_values(item: object, words: str) -> None:
    assert formats.value(item) == words


def test_numbers_in_words() -> None:
    assert formats.listed(["a"]) == "a"
    assert formats.listed(["a", "b", "c"]) == "a, b and c"
    assert formats.span(pd.Series([4, 10])) == "4 to 10"
    assert formats.span(pd.Series([4, 4])) == "4"
    assert formats.fixed(1234.567, 1) == "1,234.6"
    assert formats.decimals(pd.Series([0.05, 3.0])) == 4
    assert formats.of(3, 1000) == "3 of 1,000"


@pytest.mark.parametrize(("number", "words"), [(np.inf, "∞"), (-np.inf, "−∞"), (NAN, "-"), (1.5, "1.5")])
def test_infinity_is_said_as_pictures_say_it(number: float, words: str) -> None:
    assert formats.value(number) == formats.fixed(number, 1) == words


def test_a_command_is_quoted_and_finds_the_study_from_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert formats.spelled("why", Path("results/demo"), "TRIAL") == "gan-study why demo TRIAL"
    assert shlex.split(formats.spelled("why", Path('results/it\'s "x"'), "TRIAL"))[2] == 'it\'s "x"'
    assert formats.spelled("compare", tmp_path / "a b", "paper") == f"gan-study compare '{tmp_path}/a b' paper"
