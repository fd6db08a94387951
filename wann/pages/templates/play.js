// The page of `wann play`: shows what the websocket sends, and sends what is wished for. Every message is a line
// of JSON, then a JPEG; each picture shown is acknowledged, so that a slow page skips pictures.
(() => {
  "use strict";
  const find = (id) => document.getElementById(id);
  const canvas = find("picture"), context = canvas.getContext("2d");
  const slider = find("weight"), record = find("record");
  const decoder = new TextDecoder();
  const shownWeight = (weight) => weight === "tuned" ? "tuned" : weight === null ? "several" : number(weight, 2);
  let socket = null, facts = null, newest = 0, drawn = 0, wanted = false, film = 0, dragged = 0;

  // The address has done its work: what is left in the history should not look as if it opened anything.
  if (location.search) history.replaceState(null, "", location.pathname);

  function number(value, digits) {
    return value === null ? "not finite" : value.toFixed(digits).replace("-", "−");
  }

  function wish(what) {
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(what));
  }

  function say(text, again = false) {
    const message = find("message");
    message.replaceChildren(text);
    if (again) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Connect again";
      button.addEventListener("click", connect);
      message.append(" ", button);
    }
    message.hidden = !text;
  }

  function connect() {
    say("");
    newest = drawn = 0;
    socket = new WebSocket(`ws://${location.host}/live`);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", (event) => {
      if (typeof event.data === "string") say(JSON.parse(event.data).refused);
      else receive(new Uint8Array(event.data));
    });
    socket.addEventListener("close", () => {
      document.documentElement.dataset.state = "closed";
      say("The connection has ended: wann play is no longer running, or has been interrupted.", true);
    });
  }

  async function receive(bytes) {
    const cut = bytes.indexOf(10);
    const shot = JSON.parse(decoder.decode(bytes.subarray(0, cut)));
    newest = Math.max(newest, shot.number);
    const picture = await createImageBitmap(new Blob([bytes.subarray(cut + 1)], { type: "image/jpeg" }));
    requestAnimationFrame(() => {
      if (shot.number > drawn) {
        drawn = shot.number;
        if (canvas.width !== picture.width || canvas.height !== picture.height) {
          canvas.width = picture.width;
          canvas.height = picture.height;
        }
        context.drawImage(picture, 0, 0);
        show(shot);
      }
      picture.close();
      wish({ seen: shot.number });
    });
  }

  function show(shot) {
    const before = facts;
    facts = shot;
    document.documentElement.dataset.state = "live";
    find("total").textContent = number(shot.total, 1);
    find("step").textContent = shot.step;
    find("shown-weight").textContent = shownWeight(shot.weight);
    const tuned = shot.weight === "tuned";
    find("weight-value").textContent = shownWeight(shot.weight);
    find("weight-part").classList.toggle("tuned", tuned);
    // While the slider moves, it leads and the environment follows.
    if (!tuned && performance.now() - dragged > 500) slider.value = shot.weight;
    if (find("tuned")) find("tuned").setAttribute("aria-pressed", String(tuned));
    find("pause").textContent = shot.paused ? "Play" : "Pause";
    find("pause").disabled = shot.failure !== null;
    find("speed").value = String(shot.speed);
    find("next-seed").checked = shot.next_seed;
    if (document.activeElement !== find("seed")) find("seed").value = shot.seed;
    badge(shot);
    films(shot);
    if (!before || before.failure !== shot.failure || before.film_failure !== shot.film_failure) {
      say(shot.failure ? `The environment failed: ${shot.failure}. Reset makes it anew.`
        : shot.film_failure ? `The film could not be written: ${shot.film_failure}` : "");
    }
    if (!before || JSON.stringify(before.episodes) !== JSON.stringify(shot.episodes)) episodes(shot.episodes);
  }

  function badge(shot) {
    const text = shot.failure ? "failed" : shot.recording !== null ? `recording ${shot.recording.toFixed(1)} s`
      : shot.end ? (shot.end === "terminated" ? "episode over" : "episode over: limit reached")
        : shot.paused ? "paused" : "";
    const place = find("badge");
    if (place.textContent !== text) place.textContent = text;
    place.hidden = !text;
    place.classList.toggle("recording", shot.recording !== null);
  }

  function films(shot) {
    record.textContent = shot.recording === null ? "Record" : "End and save";
    record.setAttribute("aria-pressed", String(shot.recording !== null));
    find("kind").disabled = shot.recording !== null;
    if (!shot.film || shot.film.number === film) return;
    film = shot.film.number;
    const link = find("film");
    link.href = `film/${film}`;
    link.download = shot.film.name;
    link.textContent = `${shot.film.name}, ${(shot.film.bytes / 1e6).toFixed(1)} MB`;
    link.hidden = false;
    if (wanted) link.click();
    wanted = false;
  }

  function episodes(list) {
    const rows = list.map((episode) => {
      const row = document.createElement("tr");
      for (const text of [episode.seed, shownWeight(episode.weight), episode.steps, number(episode.total, 1)]) {
        row.insertCell().textContent = text;
      }
      return row;
    });
    find("episodes").querySelector("tbody").replaceChildren(...rows);
    find("episodes").hidden = !rows.length;
  }

  function pause() { wish({ paused: !(facts && facts.paused) }); }
  function reset() { wish({ reset: true }); }
  function toggleFilm() {
    wanted = facts !== null && facts.recording !== null;
    wish({ film: wanted ? "end" : find("kind").value });
  }

  slider.addEventListener("input", () => {
    dragged = performance.now();
    find("weight-value").textContent = shownWeight(slider.valueAsNumber);
    wish({ weight: slider.valueAsNumber });
  });
  find("best").addEventListener("click", () => wish({ weight: Number(find("best").dataset.weight) }));
  if (find("tuned")) {
    find("tuned").addEventListener("click", () =>
      wish({ weight: facts && facts.weight === "tuned" ? slider.valueAsNumber : "tuned" }));
  }
  find("pause").addEventListener("click", pause);
  find("reset").addEventListener("click", reset);
  find("speed").addEventListener("change", (event) => wish({ speed: Number(event.target.value) }));
  find("next-seed").addEventListener("change", (event) => wish({ next_seed: event.target.checked }));
  find("seed").addEventListener("change", (event) => {
    if (event.target.validity.valid && event.target.value) wish({ seed: event.target.valueAsNumber });
  });
  record.addEventListener("click", toggleFilm);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const kind = event.target.tagName;
    if (kind === "SELECT" || (kind === "INPUT" && event.target.type === "number")) return;
    const key = event.key.toLowerCase();
    if (key === " " && !["BUTTON", "A"].includes(kind) && event.target.type !== "checkbox") pause();
    else if (key === "r") reset();
    else if (key === "f") toggleFilm();
    else if ((key === "arrowleft" || key === "arrowright") && kind !== "INPUT") {
      slider.focus();
      slider[key === "arrowleft" ? "stepDown" : "stepUp"]();
      slider.dispatchEvent(new Event("input"));
    } else return;
    event.preventDefault();
  });
  connect();
})();
