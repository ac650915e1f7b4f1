"""The page in a real browser, without a window: typing, errors, links, undo, keys, dark and phone."""

from __future__ import annotations

import shutil
import threading
from urllib.parse import urlencode

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="needs chromium and chromedriver (Debian: chromium-driver)"
)
NINE = [  # the examples of matrixcalculus.org
    ("1/2 * x @ A @ x", "A: (n, n), x: n"),
    ("A @ exp(x)", "A: (m, n), x: n"),
    ("sin(x) @ y", "x: n, y: n"),
    ("(y*v) @ x", "x: n, y: n, v: n"),
    ("a**b", ""),
    ("norm(A @ x - y)**2", "A: (m, n), x: n, y: m"),
    ("sum(log(exp(-y*(X @ w)) + 1))", "X: (m, n), w: n, y: m"),
    ("trace(A @ X.T @ B @ X @ C)", "A: (k, n), X: (m, n), B: (m, m), C: (n, k)"),
    ("log(det(inv(X)))", "X: (n, n)"),
]


@pytest.fixture(scope="module")
def address():
    from waitress.server import create_server

    from symgrad.web.app import application
    from symgrad.web.workers import Workers

    workers = Workers(count=1, seconds=60.0)
    server = create_server(application(workers), host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}/"
    server.task_dispatcher.shutdown()
    server.close()
    workers.close()


@pytest.fixture(scope="module")
def driver():
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in (
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        "--window-size=1000,900",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield made
    made.quit()


class Page:
    """The page, by what a person sees and does."""

    def __init__(self, driver, address):
        self.driver, self.address = driver, address

    def open(self, **fields):
        self.driver.get("about:blank")
        self.driver.get(f"{self.address}#{urlencode(fields)}")
        return self

    def until(self, condition, what):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, 60).until(lambda _: condition(), message=what)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def complete(self):
        script = "return document.body.dataset.complete"
        self.until(lambda: self.driver.execute_script(script), "an answer")
        return self

    def text(self, part):
        return self.find(f"#part-{part} .body").text

    def type(self, field, text):
        box = self.find(f"#{field}")
        box.clear()
        box.send_keys(text)

    def errors(self):
        return [entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.fixture
def page(driver, address):
    shown = Page(driver, address)
    yield shown
    assert shown.errors() == []


def test_typing_shows_formula_derivatives_check_plot_newton_code_and_graph(page):
    page.open()
    page.type("formula", "x**2 - 2")
    page.complete()
    assert page.find("#part-gradient math").is_displayed()
    assert "agree" in page.text("check")
    assert "1.414213562373095" in page.text("newton")
    assert "def f(x)" in page.text("code")
    assert page.find("#part-plot svg path").get_attribute("d").startswith("M")
    assert page.find("#part-graph svg").is_displayed()
    assert page.find("#status").text.startswith("Answered in")


def test_an_error_stands_under_the_offending_word(page):
    page.open(formula="x + sinn(y)")
    page.until(lambda: page.find("#formula-error").is_displayed(), "an error")
    assert "did you mean" in page.find("#formula-error").text
    assert page.find("#formula-error mark").text == "sinn"
    assert page.find("#formula").get_attribute("aria-invalid") == "true"
    page.type("formula", "x + sin(y)")
    page.complete()
    assert not page.find("#formula-error").is_displayed()


def test_a_link_holds_all_fields_and_undo_goes_back(page):
    page.open(formula="x @ A @ x", declare="A: (n, n) symmetric, x: n", variables="x").complete()
    assert page.find("#declare").get_attribute("value") == "A: (n, n) symmetric, x: n"
    page.type("formula", "3*(x @ x)")
    page.until(lambda: "formula=3" in page.driver.current_url, "the address")
    page.find("#undo").click()
    assert page.find("#formula").get_attribute("value") == "x @ A @ x"
    page.find("#redo").click()
    assert page.find("#formula").get_attribute("value") == "3*(x @ x)"


def test_every_control_has_a_name_and_is_reached_by_the_tab_key(page):
    page.open(formula="x**2").complete()
    controls = page.driver.find_elements("css selector", "button, input, textarea, select")
    shown = [control for control in controls if control.is_displayed()]
    assert len(shown) > 10
    for control in shown:
        assert control.accessible_name, control.get_attribute("outerHTML")
        assert control.get_attribute("tabindex") != "-1"


def test_the_theme_is_kept(page):
    page.open(formula="x").complete()
    first = page.driver.execute_script("return document.documentElement.dataset.theme")
    page.find("#theme").click()
    page.driver.refresh()
    page.complete()
    script = "return document.documentElement.dataset.theme"
    assert {first, page.driver.execute_script(script)} == {"light", "dark"}


def test_a_phone_needs_no_scrolling_to_the_side(page):
    page.driver.set_window_size(390, 844)
    page.open(formula=NINE[5][0], declare=NINE[5][1]).complete()
    script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.driver.execute_script(script) <= 0
    page.driver.set_window_size(1000, 900)


@pytest.mark.parametrize(("formula", "declare"), NINE, ids=[formula for formula, _ in NINE])
def test_the_nine_examples_are_answered(page, formula, declare):
    page.open(formula=formula, declare=declare).complete()
    assert page.find("#status").text.startswith("Answered in")
    assert "agree" in page.text("check")
    assert page.find("#part-gradient math").is_displayed()
