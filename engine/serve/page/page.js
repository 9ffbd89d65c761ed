// Keeps the page up to date: asks for news, swaps what has changed, and lets all else be as it is.
"use strict";

const PAUSE = 5000;
const live = () => document.getElementById("live");

function words(seconds) {
  const size = Math.abs(seconds);
  if (size < 1) return "now";
  let text = `${Math.round(size / 86400)} days`;
  if (size < 99.5) text = `${Math.round(size)} s`;
  else if (size < 5970) text = `${Math.round(size / 60)} min`;
  else if (size < 172800) text = `${(size / 3600).toFixed(1)} h`;
  return seconds < 0 ? `${text} ago` : `in ${text}`;
}

// The clocks of this browser and of the engine may differ.
let ahead = 0;

function setClock(root) {
  const told = root.querySelector("time[data-clock]");
  if (told) ahead = Date.parse(told.dateTime) - Date.now();
}

function tick() {
  document.getElementById("still").hidden = true;
  for (const time of document.querySelectorAll("main time")) {
    const text = words((Date.parse(time.dateTime) - Date.now() - ahead) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}

// A fold that the reader opened or closed stays so; any other one is as the engine wants it.
function keepFolds(before, after) {
  for (const old of before.querySelectorAll("details[id]")) {
    if (old.open === old.hasAttribute("data-open")) continue;
    const fold = after.querySelector(`#${CSS.escape(old.id)}`);
    if (fold) fold.open = old.open;
  }
}

function swap(fresh) {
  const old = live();
  const next = document.adoptNode(fresh.getElementById("live"));
  keepFolds(old, next);
  const focused = document.activeElement;
  const typed = document.getElementById("q");
  const top = window.scrollY;
  if (typed && next.querySelector("#q")) next.querySelector("#q").replaceWith(typed);
  const at = typed && focused === typed ? [typed.selectionStart, typed.selectionEnd] : null;
  const fold = focused && focused.closest("details[id]");
  old.replaceWith(next);
  if (at) {
    typed.focus({ preventScroll: true });
    typed.setSelectionRange(...at);
  } else if (fold && focused.matches("summary")) {
    document.querySelector(`#${CSS.escape(fold.id)} > summary`)?.focus({ preventScroll: true });
  }
  window.scrollTo(0, top);
  document.title = fresh.title;
}

async function update() {
  const selected = !document.getSelection().isCollapsed;
  if (document.hidden || selected) return;
  const address = new URL(location.href);
  address.searchParams.set("unless", live().dataset.mark);
  const offline = document.getElementById("offline");
  try {
    const answer = await fetch(address);
    offline.hidden = answer.ok;
    if (answer.status !== 200) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    setClock(fresh);
    swap(fresh);
    document.querySelector("footer").replaceWith(document.adoptNode(fresh.querySelector("footer")));
    tick();
  } catch {
    offline.hidden = false;
  }
}

async function watch() {
  const begun = performance.now();
  await update();
  // An engine that takes long to answer is asked less often.
  setTimeout(watch, Math.max(PAUSE, 20 * (performance.now() - begun)));
}

setClock(document);
tick();
setInterval(tick, 1000);
setTimeout(watch, PAUSE);
document.addEventListener("visibilitychange", update);
