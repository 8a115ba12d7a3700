"""A person at the Airflow UI: logs in, starts a night from the form, reads data docs and the report."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions as condition
from selenium.webdriver.support.ui import WebDriverWait

from tests.support.embedded_stack import NIGHT, SCALE, Embedded

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --window-size=1440,1000"
)
WAIT_SECONDS = 60


class Browser:
    """Headless Chromium or Chrome, logged in."""

    def __init__(self, driver: webdriver.Chrome, stack: Embedded) -> None:
        self.driver = driver
        self.stack = stack

    def open(self, path: str) -> None:
        self.driver.switch_to.default_content()
        self.driver.get(self.stack.url + path)

    def find(self, css: str) -> WebElement:
        """The first such element, once it can be seen."""
        wait = WebDriverWait(self.driver, WAIT_SECONDS)
        element: WebElement = wait.until(condition.visibility_of_element_located((By.CSS_SELECTOR, css)))
        return element

    def saying(self, text: str) -> WebElement:
        """The first element with that text, once it can be seen."""
        path = f"//*[contains(normalize-space(.), {text!r})]"
        wait = WebDriverWait(self.driver, WAIT_SECONDS)
        element: WebElement = wait.until(condition.visibility_of_element_located((By.XPATH, path)))
        return element

    def until(self, true: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
        WebDriverWait(self.driver, seconds).until(lambda _: true())

    def enter_frame(self) -> None:
        """Go into the page that the UI shows in its frame."""
        WebDriverWait(self.driver, WAIT_SECONDS).until(
            condition.frame_to_be_available_and_switch_to_it((By.TAG_NAME, "iframe"))
        )

    def drawn(self) -> list[WebElement]:
        """The charts of the fleet page, once all are drawn."""
        self.until(lambda: self.find("body").get_attribute("data-drawn") == "true")
        charts = self.driver.find_elements(By.CSS_SELECTOR, ".chart")
        assert charts and all(chart.get_attribute("data-drawn") for chart in charts)
        self.painted()
        return charts

    def painted(self) -> None:
        """Wait until what is in the page is on the screen: the frame after the one that takes it in."""
        frames = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done));"
        self.driver.execute_async_script(frames)

    def complaints(self) -> list[str]:
        """What the console has of the fleet page since it was asked last: errors, and what a policy kept from running."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE"
            and ("/lakehouse/fleet" in entry["message"] or "Content Security" in entry["message"])
        ]

    def keep_picture(self, name: str) -> None:
        """Save what is seen, if SCREENSHOTS names a folder."""
        if folder := os.environ.get("SCREENSHOTS"):
            time.sleep(2)
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Chromium or Chrome with a profile of its own."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if not chromium or not chromedriver:
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse("no Chromium or Chrome with a driver (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def browser(driver: webdriver.Chrome, embedded: Embedded) -> Browser:
    """The browser after a login with the generated password."""
    browser = Browser(driver, embedded)
    browser.open("/")
    browser.find("input[name=username]").send_keys("admin")
    browser.find("input[name=password]").send_keys(embedded.password)
    browser.find("button[type=submit]").click()
    browser.until(lambda: "/auth/login" not in driver.current_url)
    return browser


def trigger_form(browser: Browser) -> None:
    """Open the form of the DAG."""
    browser.open("/dags/iot_nightly")
    browser.find("button[aria-label='Trigger Dag']").click()
    browser.find("input[name=element_scale]")


def put(field: WebElement, value: str) -> None:
    """Replace what is in a field."""
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(value)
    field.send_keys(Keys.TAB)


def submit(browser: Browser, answered: Callable[[], bool]) -> None:
    """Press the button at the end of the form until there is an answer.

    The form takes a value in some time after it was typed, and loses a press meanwhile.
    """
    path = "//*[@role='dialog']//button[normalize-space(.)='Trigger'][not(@disabled)]"
    ends = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < ends:
        with suppress(WebDriverException, IndexError):
            browser.driver.find_elements(By.XPATH, path)[-1].click()
        with suppress(TimeoutException):
            return browser.until(answered, 5)
    raise AssertionError("the form does not answer")


def runs_of(browser: Browser) -> set[str]:
    """The runs that Airflow knows."""
    runs = browser.stack.api().get("/dags/iot_nightly/dagRuns?limit=100")["dag_runs"]
    return {run["dag_run_id"] for run in runs}


def test_the_graph_shows_the_stages(browser: Browser) -> None:
    browser.open(f"/dags/iot_nightly/runs/{browser.stack.first_run_id}")
    browser.find("button[aria-label^='Show Graph']").click()
    for stage in ("generate", "check_gold", "report"):
        browser.saying(stage)
    browser.find("button[aria-label='Collapse Details Panel']").click()
    browser.find(".react-flow__controls-fitview").click()
    browser.keep_picture("graph")


def test_the_dag_page_says_what_to_do_when_it_fails(browser: Browser) -> None:
    browser.open("/dags/iot_nightly")
    browser.find("button[aria-label='Dag Docs']").click()
    browser.saying("When it fails")


def test_data_docs_open_inside_the_ui(browser: Browser) -> None:
    browser.open("/")
    browser.find("a[href='/plugin/data-docs']").click()
    browser.until(lambda: "/plugin/data-docs" in browser.driver.current_url)
    browser.enter_frame()
    browser.until(lambda: "silver" in browser.find("body").text)
    browser.driver.switch_to.default_content()
    browser.keep_picture("data-docs")


def test_the_nights_report_opens_inside_the_ui(browser: Browser) -> None:
    browser.open("/")
    browser.complaints()
    browser.find("a[href='/plugin/night-report']").click()
    browser.enter_frame()
    browser.find(f"a[href*='{NIGHT}']").click()
    browser.until(
        lambda: NIGHT in browser.find("body").text and "quarantine" in browser.find("body").text.lower()
    )
    browser.driver.switch_to.default_content()
    browser.keep_picture("report")
    browser.enter_frame()
    # It is loaded when the reader comes near.
    browser.driver.execute_script("arguments[0].scrollIntoView()", browser.find("iframe"))
    browser.enter_frame()
    browser.drawn()
    assert browser.driver.execute_script(
        "return document.body.offsetHeight > 800 && frameElement.offsetHeight >= document.body.offsetHeight"
    )
    assert browser.complaints() == []


def test_the_fleet_page_draws_the_lake_inside_the_ui_and_its_views_can_be_linked(browser: Browser) -> None:
    browser.open("/")
    browser.complaints()
    browser.find("a[href='/plugin/fleet']").click()
    browser.enter_frame()
    titles = [
        chart.find_element(By.XPATH, "./preceding-sibling::figcaption/h3").text for chart in browser.drawn()
    ]
    assert {"Temperature by the hour", "Where the sites are", "Quarantine by rule"} <= set(titles)
    assert browser.complaints() == []
    browser.driver.switch_to.default_content()
    browser.keep_picture("fleet")
    browser.enter_frame()
    browser.find("#climate a[href*='room=Room_B']").click()
    browser.driver.switch_to.default_content()
    browser.until(lambda: "room=Room_B" in browser.driver.current_url)
    browser.driver.refresh()
    browser.enter_frame()
    legend = browser.drawn()[0].find_element(By.CSS_SELECTOR, ".role-legend-label")
    assert legend.text == "Room_B"


def test_the_fleet_page_is_as_wide_as_a_telephone_and_prints_its_charts(browser: Browser) -> None:
    width = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", width)
    try:
        browser.complaints()
        browser.open(f"/lakehouse/fleet/?night={NIGHT}&days=1")
        charts = browser.drawn()
        assert browser.driver.execute_script("return document.documentElement.scrollWidth") <= 400
        assert max(chart.find_element(By.TAG_NAME, "svg").size["width"] for chart in charts) <= 400
        hours = [label.text for label in charts[0].find_elements(By.CSS_SELECTOR, ".role-axis-label text")]
        assert {"03:00", "12:00"} & {*hours}, "a chart of one day has its hours"
        assert browser.complaints() == []
        browser.keep_picture("fleet-400")
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        assert all(chart.is_displayed() for chart in charts)
        for not_on_paper in ("form", "nav", ".links"):
            assert not browser.driver.find_element(By.CSS_SELECTOR, not_on_paper).is_displayed()
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_run_says_in_a_tab_what_it_waits_for(browser: Browser) -> None:
    browser.open(f"/dags/iot_nightly/runs/{browser.stack.first_run_id}")
    # Airflow leaves out the names of tabs that have little room, as beside the graph.
    browser.find("a[href$='/plugin/waits-for']").click()
    browser.enter_frame()
    browser.saying("For nothing: it has ended (success).")
    browser.driver.switch_to.default_content()
    browser.keep_picture("waits-for")


@pytest.mark.parametrize("layer", ["silver", "gold"])
def test_a_check_links_to_its_own_validation_page(browser: Browser, layer: str) -> None:
    run = browser.stack.first_run_id
    browser.open(f"/dags/iot_nightly/runs/{run}/tasks/check_{layer}/details")
    browser.find(f"a[href$='/runs/{run}/check_{layer}.html']").click()
    browser.enter_frame()
    browser.until(lambda: layer in browser.find("body").text)


@pytest.mark.parametrize(
    ("field", "value", "nearest"), [("scale", "0", "0.001"), ("scale", "11", "10"), ("seed", "-1", "0")]
)
def test_the_form_keeps_numbers_in_their_range(
    browser: Browser, field: str, value: str, nearest: str
) -> None:
    trigger_form(browser)
    put(browser.find(f"input[name=element_{field}]"), value)
    browser.until(lambda: browser.find(f"input[name=element_{field}]").get_attribute("value") == nearest)


def test_the_form_refuses_a_bad_value_and_starts_nothing(browser: Browser) -> None:
    runs = runs_of(browser)
    trigger_form(browser)
    put(browser.find("input[name=element_seed]"), "1.5")
    browser.until(lambda: browser.find("input[name=element_seed]").get_attribute("value") == "1.5")
    refused = "//*[contains(normalize-space(.), 'Failed to Trigger Dag')]"
    submit(browser, lambda: bool(browser.driver.find_elements(By.XPATH, refused)))
    assert "/runs/" not in browser.driver.current_url
    assert runs_of(browser) == runs


def test_a_night_started_from_the_form_takes_the_night_and_the_tables_chosen(browser: Browser) -> None:
    before = runs_of(browser)
    trigger_form(browser)
    night = browser.find("input[name=element_night]")
    # A night of its own: other tests read the report of the first run's night.
    chosen = "2024-03-09"
    night.send_keys(f"{chosen[5:7]}{chosen[8:]}{chosen[:4]}")
    browser.until(lambda: night.get_attribute("value") == chosen)
    put(browser.find("input[name=element_scale]"), SCALE)
    browser.driver.find_element(By.CSS_SELECTOR, "#element_tables input").send_keys("climate_h", Keys.ENTER)
    browser.until(lambda: "climate_hourly" in browser.find("#element_tables").text)
    browser.keep_picture("trigger")
    submit(browser, lambda: runs_of(browser) > before)
    (new,) = runs_of(browser) - before
    run = f"/dags/iot_nightly/dagRuns/{new}"
    browser.until(lambda: bool(browser.stack.api().get(run)["state"] == "running"), 300)
    browser.open("/lakehouse/fleet/?days=1")
    assert browser.find("#running").text == "iot_nightly at work: this page keeps up"
    browser.until(lambda: "bronze" in browser.stack.run_results(new), 900)
    run_result = browser.stack.run_results(new)["bronze"]
    assert (run_result["status"], run_result["night"]) == ("done", chosen)
    tables = {table["table"] for table in run_result["tables"]}
    assert tables == {"bronze.devices", "bronze.device_changes", "bronze.sensor_logs"}
    # It goes on as any other from here, and those come to their end in other tests.
    browser.stack.api().patch(run, {"state": "failed"})
    # Which the fleet page learns by itself.
    is_over = "return document.getElementById('running')?.hidden"
    browser.until(lambda: bool(browser.driver.execute_script(is_over)))
