"use strict";

// Shows every moment in the reader's own time zone; the server writes UTC.
const localTime = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
});
function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
    time.title = time.textContent;
    time.textContent = localTime.format(new Date(time.dateTime));
  }
}

// Fills each [data-live=NAME] with the event NAME of the page's stream. A hidden page holds no connection, because a
// browser has only six of them for all its tabs.
function follow(page) {
  let stream = null;
  const names = new Set([...document.querySelectorAll("[data-live]")].map((part) => part.dataset.live));
  const open = () => {
    stream = new EventSource(page.dataset.stream);
    for (const name of names) {
      stream.addEventListener(name, (event) => {
        for (const part of document.querySelectorAll(`[data-live="${name}"]`)) {
          if (part.contains(document.activeElement)) continue;
          part.innerHTML = event.data;
          showLocalTimes(part);
        }
      });
    }
  };
  const adjust = () => {
    if (document.hidden && stream) { stream.close(); stream = null; }
    if (!document.hidden && !stream) open();
  };
  document.addEventListener("visibilitychange", adjust);
  window.addEventListener("pagehide", () => { if (stream) { stream.close(); stream = null; } });
  window.addEventListener("pageshow", adjust);
  adjust();
}

async function copy(button) {
  const words = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Copy it by hand";
  }
  setTimeout(() => { button.textContent = words; }, 1500);
}

document.addEventListener("click", (event) => {
  const copyButton = event.target.closest("[data-copy]");
  if (copyButton) copy(copyButton);
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  if (event.target.closest("#call-off-open")) {
    event.preventDefault();
    const dialog = document.getElementById("call-off");
    dialog.showModal();
    htmx.trigger(dialog.querySelector("[hx-get]"), "calloff:open");
  }
});
document.addEventListener("htmx:afterSettle", (event) => showLocalTimes(event.target));

showLocalTimes(document);
const page = document.querySelector("[data-stream]");
if (page) follow(page);
