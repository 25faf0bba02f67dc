"""What axe finds on a page."""

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page, ViewportSize

WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 390, "height": 844}
NARROWEST: ViewportSize = {"width": 320, "height": 640}


def found(page: Page, **options: object) -> str:
    """What is wrong with the page as it is now, or nothing; the options are those of axe."""
    if not page.evaluate("'axe' in window"):  # half a megabyte, once for each page
        page.evaluate(AXE_SCRIPT)
    results = AxeResults(
        page.evaluate("options => axe.run(options)", {"resultTypes": ["violations"]} | options)
    )
    return results.generate_report() if results.violations_count else ""


def look(page: Page) -> None:
    """Axe finds nothing, on a wide and a narrow screen, in light and in dark, and nothing is wider than
    the narrowest."""
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            wrong = found(page)
            assert not wrong, f"{page.url}, {size}, {scheme}: {wrong}"
    page.set_viewport_size(NARROWEST)
    for element in ("html", "body", "#scroller", "#composer"):
        if page.locator(element).count():
            assert page.locator(element).evaluate("e => e.scrollWidth - e.clientWidth") == 0, element
