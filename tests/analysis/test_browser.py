"""The report in a browser: quiet, offline, sortable, readable on a phone, in the dark and without a script."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis import frames, report
from analysis.chapters import Chapter
from analysis.exhibits.exhibit import Listing
from tests.analysis import notebooks
from tests.analysis.conftest import mixed_endings
from tests.analysis.synthetic import Recipe, write

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = Path("/usr/bin/chromium")  # Debian's; playwright's own would be a download
PHONE = {"width": 390, "height": 844}
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(25, 25, 25)"

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing; it is Debian's package chromium")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a page with pictures, tables, samples, long words and failures."""
    folder = tmp_path_factory.mktemp("browser")
    recipe = Recipe(("mm", "wgan", "vae"), settings=3, seeds=2, ending=mixed_endings, grids=True)
    path = folder / "report.html"
    path.write_text(notebooks.page(write(folder / "study", recipe), None, ("seeds", "claims")))
    return path.as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Any]:
    """Opens the page with options of a browser's context; at the end nothing was said and nothing was asked for."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def page(**options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)
        made = context.new_page()
        made.on("console", lambda message: said.append(message.text))
        made.on("pageerror", lambda error: said.append(str(error)))
        made.on("request", lambda request: asked.append(request.url))
        made.goto(address)
        return made

    yield page
    for context in contexts:
        context.close()
    assert said == []
    assert {url for url in asked if not url.startswith("data:")} == {address}


def column(page: Any, table: int, heading: str) -> list[str]:
    """The cells of one column of a table, from top to bottom."""
    script = """([table, heading]) => {
        const found = document.querySelectorAll("table.sortable")[table];
        const column = [...found.tHead.rows[0].cells].findIndex((head) => head.textContent.trim() === heading);
        return [...found.tBodies[0].rows].map((row) => row.cells[column].textContent.trim());
    }"""
    return list(page.evaluate(script, [table, heading]))


def made_table(page: Any, cells: list[str]) -> None:
    """Puts these cells into the second column of the first table, in this order."""
    script = """(cells) => {
        const body = document.querySelector("table.sortable").tBodies[0];
        const row = body.rows[0];
        body.replaceChildren(...cells.map((cell, number) => {
            const made = row.cloneNode(true);
            made.cells[0].textContent = String(number + 1);
            made.cells[1].textContent = cell;
            return made;
        }));
    }"""
    page.evaluate(script, cells)


def test_a_table_is_sorted_by_a_click_and_back_by_the_keyboard(opened: Any) -> None:
    page = opened()
    before = column(page, 0, "loss")
    head = page.locator("table.sortable").first.locator("th", has_text="loss")
    head.locator("button").click()
    assert column(page, 0, "loss") == sorted(before)
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert column(page, 0, "loss") == sorted(before, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    page.locator("table.sortable").first.locator("th button").first.click()
    assert column(page, 0, "loss") == before
    assert head.get_attribute("aria-sort") is None


def test_numbers_are_sorted_as_numbers_with_what_is_none_last(opened: Any) -> None:
    page = opened()
    cells = ["1,200", "-", "9.5 ± 1", "inf", "10", "9.5", "1e-3", "not run"]
    made_table(page, cells)
    head = page.locator("table.sortable").first.locator("th button").nth(1)
    head.click()
    up = page.locator("table.sortable").first.locator("tbody tr td:nth-child(2)").all_text_contents()
    assert up == ["1e-3", "9.5 ± 1", "9.5", "10", "1,200", "inf", "-", "not run"]
    head.click()
    down = page.locator("table.sortable").first.locator("tbody tr td:nth-child(2)").all_text_contents()
    assert down == ["inf", "1,200", "10", "9.5 ± 1", "9.5", "1e-3", "-", "not run"]


def test_intervals_are_sorted_by_their_lower_end(opened: Any) -> None:
    page = opened()
    made_table(page, ["more than 7", "3 or more", "-", "1 to ∞", "up to 85", "∞", "−2 to 4"])
    page.locator("table.sortable").first.locator("th button").nth(1).click()
    shown = page.locator("table.sortable").first.locator("tbody tr td:nth-child(2)").all_text_contents()
    assert shown == ["up to 85", "−2 to 4", "1 to ∞", "3 or more", "more than 7", "∞", "-"]


def test_the_table_of_settings_of_all_losses_fits_a_screen(browser: Any, unstarted: Path, tmp_path: Path) -> None:
    cells = {
        "rank": "8", "loss": "wgan_gp", "sample": "0 (default)", "learning_rate": "0.000222", "beta1": "0.283",
        "disc_iters": "5", "batch_norm": "off", "clip": "0.144", "penalty_weight": "0.162", "k_learning_rate": "0.0002",
        "gamma": "0.728", "parameters G": "11,113,481", "parameters D": "11,103,097",
        "best at step": "100,000 of 200,000", "trial": "40d24642fb0f0083",
    }  # fmt: skip
    table = pd.DataFrame([cells], dtype=object)
    chapter = Chapter("best", "Best", [], Listing("best", "The best settings", table, table).html())
    (tmp_path / "report.html").write_text(report.html(frames.load(unstarted), [chapter]))
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((tmp_path / "report.html").as_uri())
    box = page.locator(".scroll", has=page.locator("th", has_text="best at step"))
    assert box.evaluate("(box) => box.scrollWidth <= box.clientWidth")
    page.close()


def test_a_few_numbers_among_words_are_sorted_as_numbers(opened: Any) -> None:
    page = opened()
    made_table(page, ["not run", "31.0 (2)", "not run", "4.5 (2)", "not published"])
    page.locator("table.sortable").first.locator("th button").nth(1).click()
    shown = page.locator("table.sortable").first.locator("tbody tr td:nth-child(2)").all_text_contents()
    assert shown == ["4.5 (2)", "31.0 (2)", "not run", "not run", "not published"]


def test_words_that_begin_with_digits_are_sorted_as_words(opened: Any) -> None:
    page = opened()
    made_table(page, ["9f", "10a", "9e"])
    page.locator("table.sortable").first.locator("th button").nth(1).click()
    shown = page.locator("table.sortable").first.locator("tbody tr td:nth-child(2)").all_text_contents()
    assert shown == [
        "10a",
        "9e",
        "9f",
    ]


def test_a_picture_is_enlarged_by_click_or_key_and_closed_by_either(opened: Any) -> None:
    page = opened(viewport={"width": 1280, "height": 900})
    dialog, button = page.locator("dialog"), page.locator("figure.wide button.enlarge").first
    assert button.get_attribute("aria-label").startswith("Enlarge: ")
    width = button.locator("img").bounding_box()["width"]
    button.click()
    assert dialog.is_visible()
    assert dialog.locator("img").bounding_box()["width"] > 1.5 * width
    assert not dialog.locator(".hint").is_visible()
    assert dialog.locator("img").get_attribute("alt") == button.locator("img").get_attribute("alt")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert button.evaluate("(element) => element === document.activeElement")
    page.keyboard.press("Enter")
    assert dialog.is_visible()
    page.keyboard.press("Enter")  # its button Close has the focus
    assert not dialog.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_tables_in_their_box_and_never_the_page(opened: Any, scheme: str) -> None:
    page = opened(viewport=PHONE, is_mobile=True, has_touch=True, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    wide = "[...document.querySelectorAll('.scroll')].filter((box) => box.scrollWidth > box.clientWidth).length"
    assert page.evaluate(wide) > 0
    page.locator("figure.wide button.enlarge").first.tap()
    large = page.locator("dialog img").bounding_box()
    assert large["width"] > PHONE["width"]
    assert page.locator("dialog .hint").is_visible()
    assert page.evaluate("document.querySelector('dialog').getBoundingClientRect().right") <= PHONE["width"]


def test_the_dark_is_dark_and_paper_is_white(opened: Any) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    filtered = "getComputedStyle(document.querySelector('img.figure')).filter"
    light, dark = opened(color_scheme="light"), opened(color_scheme="dark")
    assert (light.evaluate(background), light.evaluate(filtered)) == (LIGHT, "none")
    assert dark.evaluate(background) == DARK
    assert dark.evaluate(filtered) == "brightness(0.88)"  # hues and lightness keep their order, as in the files
    color = "getComputedStyle(document.querySelector('.loss circle')).fill"
    assert dark.evaluate(color) == light.evaluate(color)
    assert dark.evaluate("getComputedStyle(document.querySelector('.loss')).filter") == "none"
    assert dark.evaluate("getComputedStyle(document.querySelector('.grids img')).filter") == "none"
    dark.emulate_media(media="print")
    assert (dark.evaluate(background), dark.evaluate(filtered)) == (LIGHT, "none")


def test_paper_is_wide_enough_and_has_what_is_folded(opened: Any) -> None:
    page = opened(viewport={"width": 700, "height": 1000})
    page.evaluate("document.querySelector('main').append(document.createElement('details'))")
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    wide = "[...document.querySelectorAll('.scroll')].filter((box) => box.scrollWidth > box.clientWidth + 1).length"
    assert page.evaluate(wide) == 0
    assert page.evaluate("getComputedStyle(document.querySelector('td')).fontSize") == "8px"
    folded = "document.querySelectorAll('details:not([open])').length"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(folded) == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(folded) > 0


def test_motion_is_left_out_where_it_is_not_wanted(opened: Any) -> None:
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert opened(reduced_motion="reduce").evaluate(behaviour) == "auto"
    assert opened(reduced_motion="no-preference").evaluate(behaviour) == "smooth"


def test_a_screen_reader_finds_its_way(opened: Any) -> None:
    page = opened()
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("img:not([alt]), img[alt='']").count() == 1  # the empty one of the closed dialog
    levels = [
        int(level)
        for level in page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map((h) => h.tagName[1])")
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.locator("nav[aria-label=Contents] a").count() > 8
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator(".scroll:not([aria-label])").count() == 0


def test_without_a_script_everything_is_there(opened: Any) -> None:
    page = opened(java_script_enabled=False)
    assert page.locator("figure img").count() > 3
    assert page.locator("button").count() == 0
    assert page.locator("h2").count() > 5
