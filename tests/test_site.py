"""The site of the whole book at profile smoke: crawled file by file, and opened in a browser."""

import functools
import json
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup, Tag
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

ROOT = Path(__file__).resolve().parents[1]
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
READABLE = 4.5  # contrast of text, WCAG 2.2 level AA

ADDRESSES = ("href", "src", "srcset", "data", "poster", "action")
FETCHED_LINKS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch"}
CSS_ADDRESS = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s;]+)""")
TEXTS = {".html", ".js", ".css", ".json", ".txt", ".ipynb", ".md", ".svg", ".xml", ".py"}


def pages_in_contents() -> list[str]:
    """Pages that _toc.yml lists, as paths without suffix."""

    def named(entry: object) -> Iterator[str]:
        if isinstance(entry, list):
            for item in entry:
                yield from named(item)
        elif isinstance(entry, dict):
            yield from (entry[key] for key in ("root", "file") if key in entry)
            for value in entry.values():
                yield from named(value)

    return list(named(yaml.safe_load((ROOT / "_toc.yml").read_text())))


PAGES = pages_in_contents()


@functools.cache
def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@functools.cache
def anchors(path: Path) -> set[str]:
    page = parsed(path)
    return {str(tag[name]) for name in ("id", "name") for tag in page.find_all(attrs={name: True})}


@pytest.fixture(scope="module")
def html(site: Path) -> list[Path]:
    """Every page; what the theme keeps under _static are templates."""
    return sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)


def addresses(tag: Tag) -> Iterator[str]:
    """Everything that a tag points to."""
    for name in ADDRESSES:
        if value := str(tag.get(name) or ""):
            parts = value.split(",") if name == "srcset" else [value]
            yield from (part.split()[0] for part in parts if part.strip())
    yield from CSS_ADDRESS.findall(str(tag.get("style") or ""))
    if tag.name == "style":
        yield from CSS_ADDRESS.findall(tag.text)


def is_fetched(tag: Tag) -> bool:
    """Does a browser fetch what the tag points to by itself?"""
    if tag.name == "link":
        return bool(FETCHED_LINKS & set(tag.get("rel") or []))
    return tag.name not in ("a", "area", "form", "base")


def leads_elsewhere(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in ("http", "https")


def test_every_chapter_runs_at_smoke(smoke_run):
    assert smoke_run.returncode == 0, smoke_run.stdout


@pytest.mark.parametrize("page", PAGES)
def test_the_site_has_every_page_of_the_contents(site, page):
    assert (site / f"{page}.html").is_file()
    assert parsed(site / f"{page}.html").find("h1")


def test_the_front_page_leads_to_the_first_page(site):
    assert (site / "index.html").is_file()
    assert PAGES[0] in (site / "index.html").read_text()


def test_every_address_inside_the_site_resolves(site, html):
    dead = []
    for page in html:
        for tag in parsed(page).find_all(True):
            for address in addresses(tag):
                if leads_elsewhere(address) or re.match(r"(mailto|javascript|data):", address):
                    continue
                path, anchor = urldefrag(unquote(address))
                path = path.partition("?")[0]
                base = site if path.startswith("/") else page.parent
                target = (base / path.lstrip("/")).resolve() if path else page
                target = target / "index.html" if target.is_dir() else target
                known = target.suffix != ".html" or not anchor or anchor in anchors(target)
                if not target.is_file() or not known:
                    dead.append(f"{page.relative_to(site)}: {address}")
    assert not dead


def test_no_page_and_no_style_sheet_fetches_from_another_host(site, html):
    fetched = [
        f"{page.relative_to(site)}: {address}"
        for page in html
        for tag in parsed(page).find_all(True)
        if is_fetched(tag)
        for address in addresses(tag)
        if leads_elsewhere(address)
    ]
    for sheet in site.rglob("*.css"):
        found = CSS_ADDRESS.findall(sheet.read_text(encoding="utf-8"))
        fetched += [f"{sheet.relative_to(site)}: {a}" for a in found if leads_elsewhere(a)]
    assert not fetched


def test_every_image_has_words(site, html):
    speechless = [
        f"{page.relative_to(site)}: {image.get('src')} ({image.get('alt')})"
        for page in html
        for image in parsed(page).select("img:not(.logo__image)")  # the logo's name is beside it
        if not str(image.get("alt") or "").strip()
        or re.search(r"[0-9a-f]{32}|\.(svg|png|jpe?g)$", str(image["alt"]))
    ]
    assert not speechless


def test_no_path_of_this_machine_is_in_the_site(site):
    folders = {str(ROOT), str(Path.home()), sys.prefix}
    known = "|".join(re.escape(folder) for folder in folders - {"/"})
    scratch = re.escape(tempfile.gettempdir())
    leak = re.compile(rf"(?<![\w.~/-])(?:{known})(?![\w.-])|{scratch}/[\w-]+|ipykernel_\d+")
    texts = [path for path in site.rglob("*") if path.is_file() and path.suffix in TEXTS]
    found = [
        f"{path.relative_to(site)}: {match.group()}"
        for path in texts
        for match in leak.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert not found


def test_no_markup_and_no_type_name_is_left_in_the_text(site, html):
    left = []
    for page in html:
        body = BeautifulSoup(str(parsed(page).find("article") or ""), "html.parser")
        for code in body.find_all(["code", "pre", "script", "style"]):
            code.decompose()
        found = re.findall(r"\{[\w:-]+\}`|```|np\.(?:float|int)\d+\(|<Figure size", body.text)
        left += [f"{page.relative_to(site)}: {text}" for text in found]
    assert not left


def test_the_search_index_knows_the_words_of_the_book(site):
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    known = json.loads(
        index.removeprefix("Search.setIndex(").rstrip().rstrip(";").removesuffix(")")
    )
    assert {"kernel", "thread"} <= known["terms"].keys()
    assert set(known["docnames"]) == set(PAGES)


# In a browser


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served meanwhile."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    """Chromium without a window; skips where it or its driver is not installed."""
    binary = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("needs chromium and chromedriver (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (
        "headless=new",
        "no-sandbox",
        "disable-dev-shm-usage",
        "disable-gpu",
        "disable-background-networking",
        "no-proxy-server",
        "window-size=1280,900",
        f"user-data-dir={tmp_path_factory.mktemp('browser')}",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield chrome
    chrome.quit()


@pytest.fixture
def phone(browser) -> Iterator[webdriver.Chrome]:
    """The browser with the screen of a phone."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def requests(browser: webdriver.Chrome) -> list[str]:
    """Addresses that were asked for over the network since this was last called."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event for event in events if event["method"] == "Network.requestWillBeSent"]
    asked = [event["params"]["request"]["url"] for event in sent]
    return [url for url in asked if urlsplit(url).scheme in ("http", "https", "ws", "wss")]


def wait_for(browser: webdriver.Chrome, script: str) -> object:
    """What a piece of JavaScript answers once that is something."""
    return WebDriverWait(browser, 20).until(
        lambda chrome: chrome.execute_script(f"return {script}")
    )


@pytest.mark.parametrize("page", [*PAGES, "search", "index"])
def test_a_page_opens_without_errors_and_asks_no_other_host(browser, address, page):
    browser.get_log("browser")
    requests(browser)
    browser.get(f"{address}{page}.html")
    wait_for(browser, "document.readyState === 'complete'")
    errors = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert not errors
    asked = requests(browser)
    assert asked
    assert [url for url in asked if not url.startswith(address)] == []


def test_search_finds_a_word(browser, address):
    browser.get(f"{address}{PAGES[0]}.html")
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.CONTROL, "k")
    field = WebDriverWait(browser, 20).until(
        lambda chrome: next(
            (box for box in chrome.find_elements(By.NAME, "q") if box.is_displayed()), None
        )
    )
    field.send_keys("threads", Keys.ENTER)
    wait_for(browser, "document.querySelectorAll('#search-results li a').length")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_the_width_of_a_phone(phone, address, page):
    phone.get(f"{address}{page}.html")
    wait_for(phone, "document.readyState === 'complete'")
    width = phone.execute_script("return document.documentElement.scrollWidth")
    assert width <= PHONE["width"]


# Colours by their luminance; a transparent background is that of what lies behind.
COLOURS = """
const channels = text => text.match(/[\\d.]+/g).map(Number);
const luminance = text => {
  const [r, g, b] = channels(text).slice(0, 3).map(value => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = element => {
  for (; element; element = element.parentElement) {
    const colour = getComputedStyle(element).backgroundColor;
    if ((channels(colour)[3] ?? 1) > 0.5) return colour;
  }
  return 'rgb(255, 255, 255)';
};
"""


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_text_and_figures_are_readable_in_both_modes(browser, address, page, mode):
    browser.get(f"{address}{page}.html")
    browser.execute_script("localStorage.setItem('mode', arguments[0])", mode)
    browser.refresh()
    wait_for(browser, f"document.documentElement.dataset.theme === '{mode}'")
    text, background = browser.execute_script(
        f"{COLOURS} const text = document.querySelector('article p');"
        "return [luminance(getComputedStyle(text).color), luminance(behind(text))];"
    )
    assert (text < background) == (mode == "light")
    assert contrast(text, background) >= READABLE
    figures = browser.execute_script(
        f"{COLOURS} return [...document.querySelectorAll('.cell_output img')].map("
        "image => [luminance(behind(image)), getComputedStyle(image).filter]);"
    )
    assert all(contrast(card, 0) > 3 * READABLE for card, _ in figures)
    assert {filtered for _, filtered in figures} <= {"none"}


def contrast(one: float, other: float) -> float:
    """Contrast of two luminances, from 1 to 21 (WCAG 2.2)."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def test_the_button_of_the_mode_turns_the_page_dark(browser, address):
    browser.get(f"{address}{PAGES[0]}.html")
    browser.execute_script("localStorage.setItem('mode', 'light')")
    browser.refresh()
    wait_for(browser, "document.documentElement.dataset.theme === 'light'")
    button = next(
        found
        for found in browser.find_elements(By.CSS_SELECTOR, "button.theme-switch-button")
        if found.is_displayed()
    )
    for _ in range(3):  # it turns through light, dark and the system's mode
        button.click()
        if browser.execute_script("return document.documentElement.dataset.mode") == "dark":
            break
    assert browser.execute_script("return document.documentElement.dataset.theme") == "dark"
