"""The champion page: how long it takes to make, how large it is, and how it runs in headless Chromium."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measuring import missing, report

import wann

# What ends the wait: the first frame after the one in which the page was drawn and its slider answers.
_READY = """
globalThis.ready = new Promise((resolve) => {
  const look = () => {
    if (globalThis.wann?.stage) requestAnimationFrame(() => resolve(performance.now()));
    else requestAnimationFrame(look);
  };
  look();
});
"""
_FRAMES = """() => new Promise((resolve) => {
  const before = wann.stage.frames, begun = performance.now();
  setTimeout(() => resolve((1000 * (wann.stage.frames - before)) / (performance.now() - begun)), 3000);
})"""


def page(run: Path | None, repeats: int) -> None:
    """Measure with a run of the swing-up; by default one is searched here, which takes minutes."""
    with tempfile.TemporaryDirectory() as folder:
        if run is None:
            run = Path(folder) / "run"
            wann.search("swingup", preset="paper", out=run)
        out = Path(folder) / "page.html"
        command = [sys.executable, "-m", "wann", "report", str(run), "--out", str(out)]
        seconds = []
        for _ in range(2):  # the first may compile
            begun = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(time.perf_counter() - begun)
        report("wann report of a paper-preset run", "at most 20 s", f"{seconds[-1]:.1f} s")
        report("its size", "at most 5 MB", f"{out.stat().st_size / 1e6:.2f} MB")
        _in_browser(out, repeats)


def _in_browser(path: Path, repeats: int) -> None:
    chromium = shutil.which("chromium")
    lacking = missing("playwright") or (None if chromium else "skipped: chromium is not installed")
    what = "the page in headless Chromium: "
    if lacking:
        report(what, "", lacking)
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        ready, frames = [], []
        for _ in range(repeats):
            tab = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
            tab.add_init_script(_READY)
            tab.goto(path.as_uri())
            ready.append(tab.evaluate("ready"))
            frames.append(tab.evaluate(_FRAMES))
            tab.context.close()
        browser.close()
    report(f"{what}time to interactive", "at most 1 s", f"{np.median(ready) / 1000:.2f} s")
    report(f"{what}live swing-up", "at least 50 frames/s", f"{np.median(frames):.0f} frames/s")
