"""What every page must pass in a real browser: axe's rules, and nothing to scroll sideways."""

from axe_playwright_python.sync_playwright import Axe

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def check(page, within=None):
    """The page as it stands; `within`, a selector: only our part of an admin page, by WCAG's rules alone."""
    rules = WCAG if within else [*WCAG, "best-practice"]
    findings = Axe().run(page, context=within, options={"runOnly": rules}).response["violations"]
    assert not findings, [(finding["id"], finding["nodes"][0]["html"]) for finding in findings]
    assert page.evaluate(SIDEWAYS) <= 0
