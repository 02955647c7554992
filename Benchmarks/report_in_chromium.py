#!/usr/bin/env python3
"""Opens pages of `weir report` as people do, and tells what is amiss.

    report_in_chromium.py PAGE... [--out FOLDER]

Each page is opened in a headless Chromium as a desktop, in the dark, on a phone (390 pixels wide) and for paper. Held are: it is there within a
second, says nothing on the console, asks the network for nothing, draws something in every chart, is no wider than the screen, has text on a
phone that can be read, light and dark grounds where they should be, and a first Tab that leads to the skip link. Told besides: texts in charts that
lie on one another. Pictures go to FOLDER. Needs chromium (Debian: chromium fonts-dejavu-core) and bash; it is spoken to by its debugging
pipe, so no driver is needed. Status 1 when something does not hold.
"""
import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

VIEWS = [
    {"name": "desktop", "width": 1280, "height": 900, "scheme": "light", "media": "", "phone": False},
    {"name": "dark", "width": 1280, "height": 900, "scheme": "dark", "media": "", "phone": False},
    {"name": "phone", "width": 390, "height": 844, "scheme": "light", "media": "", "phone": True},
    {"name": "paper", "width": 1000, "height": 1400, "scheme": "dark", "media": "print", "phone": False},
]

# What is measured in the page. No text of a file is run: the page's own policy forbids scripts, the debugger's are not the page's.
MEASURE = """
(() => {
  const charts = [...document.querySelectorAll('figure svg')].map(svg => {
    const drawn = [...svg.querySelectorAll('path, rect')].filter(shape => {
      const box = shape.getBBox();
      return shape.getAttribute('class') !== 'grid' && (box.width > 0 || box.height > 0);
    });
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].map(text => {
      const box = text.getBoundingClientRect();
      return {words: text.textContent, left: box.left, right: box.right, top: box.top, bottom: box.bottom,
        size: parseFloat(getComputedStyle(text).fontSize) * frame.width / svg.viewBox.baseVal.width};
    }).filter(text => text.words);
    const clashes = [];
    texts.forEach((one, place) => texts.slice(place + 1).forEach(other => {
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (across > 2 && down > 3) clashes.push(one.words + ' | ' + other.words);
    }));
    const outside = texts.filter(text => text.left < frame.left - 2 || text.right > frame.right + 2).map(text => text.words);
    return {name: svg.querySelector('title')?.textContent ?? '', words: svg.querySelector('desc')?.textContent ?? '',
      role: svg.getAttribute('role'), drawn: drawn.length, width: frame.width, height: frame.height,
      smallest: Math.min(...texts.map(text => text.size)), clashes, outside};
  });
  const page = document.documentElement;
  const rgb = getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number);
  const anchors = [...document.querySelectorAll('nav a')].map(link => link.getAttribute('href').slice(1));
  const timing = performance.getEntriesByType('navigation')[0];
  return JSON.stringify({charts, wide: page.scrollWidth, view: page.clientWidth, isDark: rgb[0] < 128,
    lost: anchors.filter(name => !document.getElementById(name)), load: timing.loadEventEnd,
    ids: [...document.querySelectorAll('[id]')].length - new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size});
})()
"""

failures = []


def check(what, holds, detail=""):
    if not holds:
        failures.append(what)
        print(f"  FAIL {what}: {str(detail)[:600]}", flush=True)
    return holds


class Chromium:
    """A browser at the other end of its debugging pipe: messages in JSON, each ended by a zero byte."""

    def __init__(self, program, profile):
        read_commands, self.write = os.pipe()
        self.read, write_answers = os.pipe()
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                   "--no-first-run", f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{read_commands} 4>&{write_answers}', "bash"] + command,
            pass_fds=(read_commands, write_answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read_commands)
        os.close(write_answers)
        self.number, self.held, self.events = 0, b"", []

    def message(self):
        while b"\0" not in self.held:
            piece = os.read(self.read, 1 << 16)
            if not piece:
                raise SystemExit("chromium ended before it answered")
            self.held += piece
        text, self.held = self.held.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, session=None, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if session:
            request["sessionId"] = session
        os.write(self.write, json.dumps(request).encode() + b"\0")
        while True:
            message = self.message()
            if message.get("id") == self.number:
                if "error" in message:
                    raise SystemExit(f"{method}: {message['error']['message']}")
                return message["result"]
            self.events.append(message)

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message())

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=20)


def look(browser, page, view, picture):
    """What a page measures, and what it said and asked for, in one view."""
    target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
    session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
        browser.ask(f"{domain}.enable", session)
    browser.ask("Emulation.setDeviceMetricsOverride", session, width=view["width"], height=view["height"],
                deviceScaleFactor=2 if view["phone"] else 1, mobile=view["phone"])
    browser.ask("Emulation.setEmulatedMedia", session, media=view["media"],
                features=[{"name": "prefers-color-scheme", "value": view["scheme"]}])
    browser.ask("Page.bringToFront", session)
    browser.events.clear()
    begun = time.monotonic()
    browser.ask("Page.navigate", session, url=page.as_uri())
    browser.wait("Page.loadEventFired")
    took = time.monotonic() - begun
    # The load event's own end is noted just after it has fired.
    time.sleep(0.2)
    measured = json.loads(browser.ask("Runtime.evaluate", session, expression=MEASURE)["result"]["value"])
    for kind in ("keyDown", "keyUp"):
        browser.ask("Input.dispatchKeyEvent", session, type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    focus = browser.ask("Runtime.evaluate", session, expression="document.activeElement.className")["result"].get("value")
    image = browser.ask("Page.captureScreenshot", session, format="png", captureBeyondViewport=True)["data"]
    picture.write_bytes(base64.b64decode(image))
    said, asked = [], []
    for event in browser.events:
        method, details = event.get("method"), event.get("params", {})
        if method == "Log.entryAdded":
            said.append(details["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            said.append(str(details["args"]))
        elif method == "Runtime.exceptionThrown":
            said.append(details["exceptionDetails"]["text"])
        elif method == "Network.requestWillBeSent":
            url = details["request"]["url"]
            if url != page.as_uri() and not url.startswith("data:"):
                asked.append(url)
    browser.ask("Target.closeTarget", targetId=target)
    return measured, took, said, asked, focus


def hold(browser, page, view, out):
    where = f"{page.parent.name}/{page.name}, {view['name']}"
    measured, took, said, asked, focus = look(browser, page, view, out / f"{page.parent.name}-{page.stem}-{view['name']}.png")
    check(f"{where}: there within a second", took < 1, f"{took:.2f} s")
    check(f"{where}: nothing on the console", not said, said)
    check(f"{where}: nothing from the network", not asked, asked)
    check(f"{where}: no wider than the screen", measured["wide"] <= measured["view"] + 1, f"{measured['wide']} > {measured['view']}")
    check(f"{where}: the right ground", measured["isDark"] == (view["scheme"] == "dark" and view["media"] != "print"))
    check(f"{where}: contents lead somewhere, names are unique", not measured["lost"] and measured["ids"] == 0, measured["lost"])
    if view["media"] != "print":
        check(f"{where}: Tab leads to the skip link", focus == "skip", focus)
    notes = 0
    for chart in measured["charts"]:
        name = f"{where}: {chart['name']}"
        check(f"{name}: drawn", chart["drawn"] > 0 and chart["width"] > 200 and chart["height"] > 60, chart)
        check(f"{name}: has a role and words", chart["role"] == "img" and chart["name"] and len(chart["words"]) > 20, chart["words"])
        check(f"{name}: text within", not chart["outside"], chart["outside"])
        if view["phone"]:
            check(f"{name}: text can be read", chart["smallest"] >= 9, f"{chart['smallest']:.1f} px")
        for clash in chart["clashes"][:3]:
            print(f"  note {name}: on one another: {clash}")
            notes += 1
    print(f"  {where}: {len(measured['charts'])} charts, {took * 1000:.0f} ms, {page.stat().st_size // 1024} KiB, {notes} notes", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pages", nargs="+")
    parser.add_argument("--out", default="", help="where pictures go")
    options = parser.parse_args()
    for page in options.pages:
        if not os.path.isfile(page):
            raise SystemExit(f"{page}: there is no such page")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program or not shutil.which("bash"):
        raise SystemExit("chromium is not installed; expected it on the path (apt-get install chromium fonts-dejavu-core)")
    folder = pathlib.Path(options.out or tempfile.mkdtemp(prefix="weir-report-"))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Chromium(program, profile)
        try:
            for name in options.pages:
                for view in VIEWS:
                    hold(browser, pathlib.Path(name).resolve(), view, folder)
        finally:
            browser.close()
    print(f"pictures: {folder}; {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
