"use strict";
// The page of several runs as they go: asks for its content every two seconds, and shows it where it changed.
(() => {
  const all = document.getElementById("all");
  const line = document.getElementById("live");
  let tag = "";
  async function ask() {
    try {
      const answer = await fetch("part.html", { cache: "no-store", headers: tag ? { "If-None-Match": tag } : {} });
      if (answer.ok) {
        tag = answer.headers.get("ETag") || "";
        all.innerHTML = await answer.text();
      } else if (answer.status !== 304) {
        throw new Error();
      }
      line.textContent = "live";
      line.classList.remove("trouble");
    } catch {
      line.textContent = "the command that serves this page has ended";
      line.classList.add("trouble");
    }
    setTimeout(ask, 2000);
  }
  setTimeout(ask, 2000);
})();
