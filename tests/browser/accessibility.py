"""What axe-core finds on a page."""


def faults_of(page) -> list[str]:
    """What it calls critical or serious on the page as it stands, with the places."""
    from axe_playwright_python.sync_playwright import Axe

    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(Axe().axe_script)
    return [
        f"{one['id']} at {[node['target'] for node in one['nodes']][:3]}"
        for one in page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        if one["impact"] in ("critical", "serious")
    ]
