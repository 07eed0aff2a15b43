"""Takes the pictures of the documentation from a running service.

    python docs/images/screenshots.py http://127.0.0.1:8000

Look at each before committing it: a picture that shows a mistake is worse than none.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"]


def opened(browser: Browser, url: str, width: int, height: int, **options: Any) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height}, reduced_motion="reduce", **options
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(url)
    return page


def press(page: Page) -> None:
    page.locator("inbrief-summary .toggle").first.click()
    page.locator("inbrief-summary .copy").first.wait_for()


def choose(page: Page, sentence: int) -> None:
    page.locator("inbrief-summary .sentence").nth(sentence).click()
    page.mouse.move(0, 0)


def keep(page: Page, name: str) -> None:
    page.evaluate("document.activeElement?.blur()")
    page.wait_for_timeout(500)
    page.screenshot(path=HERE / f"{name}.png")
    page.context.close()


def main(url: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(FLAGS)
        )
        page = opened(browser, url + "/demo/", 1280, 1120)
        press(page)
        choose(page, 0)
        keep(page, "demo-desktop")

        page = opened(browser, url + "/demo/", 390, 844, color_scheme="dark", device_scale_factor=2)
        press(page)
        page.evaluate("scrollTo(0, document.querySelector('h1').offsetTop - 16)")
        keep(page, "demo-phone-dark")

        page = opened(browser, url + "/", 1280, 900)
        page.locator("#example").click()
        page.locator("#facts dd").first.wait_for()
        choose(page, 1)
        page.evaluate("document.querySelector('#result').scrollIntoView()")
        keep(page, "start-page")

        page = opened(browser, url + "/widget", 1280, 1400)
        press(page)
        keep(page, "widget-generator")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
