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

// What moves by itself stands still when its reader wants it to (WCAG 2.2, 2.2.2), on every page until told otherwise.
const polls = '[hx-trigger^="every"]';
const live = document.getElementById("live");
const isLive = () => localStorage.getItem("calloff-still") === null;
if (live && document.querySelector(`[data-stream], ${polls}`)) {
  live.hidden = false;
  live.setAttribute("aria-pressed", isLive());
  live.addEventListener("click", () => {
    if (isLive()) localStorage.setItem("calloff-still", "1");
    else localStorage.removeItem("calloff-still");
    live.setAttribute("aria-pressed", isLive());
    document.dispatchEvent(new Event("calloff:live"));
  });
}
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!isLive() && event.detail.elt.matches(polls)) event.preventDefault();
});

// Old numbers must not look like new ones.
const connection = document.getElementById("connection");
const isConnected = (yes) => {
  connection.textContent = yes ? "" : "Calloff does not answer: what this page shows is old. Trying again…";
};
const wasAskedByItself = (event) => event.detail.requestConfig.elt.matches(polls);
for (const failure of ["htmx:sendError", "htmx:responseError"]) {
  document.addEventListener(failure, (event) => { if (wasAskedByItself(event)) isConnected(false); });
}
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && wasAskedByItself(event)) isConnected(true);
});

// A second click must not send a form twice.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.defaultPrevented || !button || event.target.method !== "post") return;
  setTimeout(() => { button.disabled = true; });
  window.addEventListener("pageshow", () => { button.disabled = false; }, { once: true });
});

// Fills each [data-live=NAME] with the event NAME of the page's stream. A hidden page holds no connection, because a
// browser has only six of them for all its tabs.
function follow(page) {
  let stream = null;
  const names = new Set([...document.querySelectorAll("[data-live]")].map((part) => part.dataset.live));
  const open = () => {
    stream = new EventSource(page.dataset.stream);
    stream.addEventListener("open", () => isConnected(true));
    stream.addEventListener("sign-in", (event) => { stream.close(); location.assign(event.data); });
    stream.addEventListener("error", () => {
      isConnected(false);
      // After an answer that is no stream, the browser would not try again.
      if (stream && stream.readyState === EventSource.CLOSED) { stream = null; setTimeout(adjust, 3000); }
    });
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
    const wanted = !document.hidden && isLive();
    if (!wanted && stream) { stream.close(); stream = null; }
    if (wanted && !stream) open();
  };
  document.addEventListener("calloff:live", adjust);
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
for (const here of document.querySelectorAll("nav [aria-current]")) here.scrollIntoView({ block: "nearest", inline: "center" });
const page = document.querySelector("[data-stream]");
if (page) follow(page);

// Fields for moments hold UTC, as they are sent; they are shown and typed in the reader's own time zone.
function useLocalTime(form) {
  const fields = [...form.querySelectorAll("[data-utc]")];
  for (const field of fields) {
    const zone = field.closest("label").querySelector("[data-zone]");
    if (zone) zone.textContent = "(your time)";
    // What the browser has put back after a step in its history was typed here.
    if (field.value && field.value === field.defaultValue) {
      const moment = new Date(`${field.value}Z`);
      moment.setMinutes(moment.getMinutes() - moment.getTimezoneOffset());
      field.value = moment.toISOString().slice(0, 16);
    }
  }
  form.addEventListener("formdata", (event) => {
    for (const field of fields) {
      if (field.value) event.formData.set(field.name, new Date(field.value).toISOString().slice(0, 16));
    }
  });
}
for (const form of document.forms) if (form.querySelector("[data-utc]")) useLocalTime(form);

// Sends a list with its form: first its beginning for a preview, then the whole of it with its progress. The body is
// the form's other fields, URL-encoded on one line, and then the list as it is.
function prepareUpload(form) {
  const [file, button] = [form.elements.list, form.querySelector("button")];
  const result = document.getElementById("upload-result");
  const progress = document.getElementById("upload-progress");
  const headers = { "X-Form-Token": form.dataset.token, "Content-Type": "application/octet-stream" };
  const unreachable = "The server cannot be reached. Try again.";
  let previews = 0;

  const body = (list) => {
    const fields = new FormData(form);
    fields.delete("list");
    return new Blob([new URLSearchParams(fields).toString(), "\n", list]);
  };

  // A refusal of one field goes beside that field.
  const show = (html) => {
    for (const old of form.querySelectorAll(".error[data-field]")) old.remove();
    for (const old of form.querySelectorAll("[aria-invalid]")) old.removeAttribute("aria-invalid");
    result.innerHTML = html;
    const refusal = result.querySelector("[data-field]");
    const field = refusal && form.elements[refusal.dataset.field];
    if (!field) return;
    field.closest("label").after(refusal);
    refusal.id = `${field.name}-error`;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-errormessage", refusal.id);
    field.closest("details").open = true;
  };

  form.addEventListener("change", async (event) => {
    button.disabled = true;
    if (!file.files.length) return;
    const list = file.files[0];
    const name = form.elements.list_name;
    // Until somebody types one.
    if (event.target === file) name.value = list.name;
    const mine = ++previews;
    try {
      const answer = await fetch(`${form.dataset.url}/preview?whole=${list.size <= 65536 ? 1 : 0}`, {
        method: "POST", headers, body: body(list.slice(0, 65536)), redirect: "error",
      });
      const html = await answer.text();
      if (mine !== previews) return;
      show(html);
      button.disabled = !answer.ok;
    } catch {
      if (mine === previews) result.textContent = unreachable;
    }
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    previews += 1;
    const request = new XMLHttpRequest();
    request.open("POST", form.dataset.url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (sent) => { progress.value = sent.loaded / sent.total; });
    request.upload.addEventListener("load", () => { progress.removeAttribute("value"); });
    request.addEventListener("loadend", () => {
      progress.hidden = true;
      if (request.status) show(request.responseText);
      else result.textContent = "The connection broke. Look at the calls, to see whether the list was queued, before you send it again.";
      button.disabled = request.status === 200;
    });
    button.disabled = true;
    progress.value = 0;
    progress.hidden = false;
    request.send(body(file.files[0]));
  });
}

const upload = document.getElementById("upload");
if (upload) prepareUpload(upload);
