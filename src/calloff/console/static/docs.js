"use strict";

// Builds the page from /openapi.json. Every text is set as text, so that nothing of it can become markup.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// Text in which `code` is marked with backquotes.
function prose(text) {
  return text.split("`").map((part, place) => (place % 2 ? make("code", {}, part) : part));
}

let api;
// As many characters of a body are shown unfolded.
const LONG = 400;

function resolve(thing) {
  if (!thing.$ref) return thing;
  return thing.$ref.split("/").slice(1).reduce((place, name) => place[name], api);
}

function example(schema) {
  const found = schema.examples ? schema.examples[0] : "";
  return typeof found === "object" ? JSON.stringify(found) : String(found);
}

function shared(name) {
  return document.querySelector(`[data-shared="${name}"]`);
}

// One field of a request, with its description.
function input(operation, name, schema, description, required, start) {
  const id = `${operation.operationId}-${name}`;
  let control;
  if (schema.enum) {
    // An empty field is one that is not sent.
    const choices = [...new Set(schema.enum.filter((choice) => choice !== null && choice !== "").map(String))];
    control = make("select", { id }, make("option", { value: "" }, "–"),
      ...choices.map((choice) => make("option", { value: choice }, choice)));
  } else if (schema.format === "binary") {
    control = make("textarea", { id, rows: 4 });
    control.value = start;
  } else {
    control = make("input", { id, autocomplete: "off", value: start, placeholder: example(schema) });
  }
  control.dataset.name = name;
  const hint = make("span", { class: "hint", id: `${id}-hint` }, ...prose(description || ""));
  control.setAttribute("aria-describedby", hint.id);
  const words = make("label", { for: id }, name, required ? " (required)" : "");
  return make("div", schema.format === "binary" ? { class: "whole" } : {}, words, control, hint);
}

function samples(operation, box, path) {
  const tabs = make("div", { role: "tablist", "aria-label": "Code samples" });
  const panel = make("div", { role: "tabpanel", id: `${operation.operationId}-sample`, tabindex: "0" });
  const code = make("pre");
  const copy = make("button", { type: "button", class: "quiet" }, "Copy");
  copy.addEventListener("click", () => navigator.clipboard.writeText(code.textContent)
    .then(() => { copy.textContent = "Copied"; }, () => { copy.textContent = "Copy it by hand"; }));
  panel.append(code, copy);
  let chosen = 0;
  const show = () => {
    let source = operation["x-codeSamples"][chosen].source.replace("{base_url}", location.origin);
    for (const [name, value] of Object.entries(path()).filter((pair) => pair[1])) source = source.replace(`{${name}}`, value);
    code.textContent = source;
    copy.textContent = "Copy";
    [...tabs.children].forEach((tab, place) => {
      tab.setAttribute("aria-selected", String(place === chosen));
      tab.tabIndex = place === chosen ? 0 : -1;
      if (place === chosen) panel.setAttribute("aria-labelledby", tab.id);
    });
  };
  operation["x-codeSamples"].forEach((sample, place) => {
    const tab = make("button", { type: "button", role: "tab", id: `${operation.operationId}-${sample.lang}`,
      "aria-controls": panel.id }, sample.label);
    tab.addEventListener("click", () => { chosen = place; show(); });
    tabs.append(tab);
  });
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    chosen = (chosen + step + tabs.children.length) % tabs.children.length;
    show();
    tabs.children[chosen].focus();
  });
  box.append(make("h3", {}, "Code"), tabs, panel);
  return show;
}

function bodyOf(type, fields) {
  const given = fields.filter((field) => field.value !== "");
  if (type === "application/json") {
    return JSON.stringify(Object.fromEntries(given.map((field) => [
      field.dataset.name, field.dataset.name === "variables" ? JSON.parse(field.value) : field.value,
    ])));
  }
  if (type === "multipart/form-data") {
    const form = new FormData();
    for (const field of given) {
      if (field.tagName === "TEXTAREA") form.append(field.dataset.name, new Blob([field.value], { type: "text/csv" }), "list.csv");
      else form.append(field.dataset.name, field.value);
    }
    return form;
  }
  return new URLSearchParams(given.map((field) => [field.dataset.name, field.value]));
}

function link(operation) {
  return make("a", { href: `#${operation.operationId}` }, operation.summary);
}

// The operations of a callback, whatever its address is.
function operationsOf(item) {
  return Object.values(item).flatMap((methods) => Object.values(methods));
}

// The beginning of every section: what it is called and where it is.
function card(method, path, operation) {
  const id = operation.operationId;
  return make("section", { class: "card operation", id, "aria-labelledby": `${id}-title` },
    make("h2", { id: `${id}-title` }, link(operation)),
    make("p", { class: "route" }, make("span", { class: `method ${method.toUpperCase()}` }, method.toUpperCase()), make("code", {}, path)),
    make("p", {}, ...prose(operation.description)));
}

// An example in one line, unless it is long.
function written(example) {
  if (typeof example === "string") return example;
  const text = JSON.stringify(example, null, 2);
  return text.length > LONG ? text : text.split("\n").map((line) => line.trim()).join(" ");
}

// A body in each of its representations: the first one is shown unless it is long, the others are folded.
function bodies(content) {
  const shown = Object.entries(content).filter(([, media]) => media.examples);
  return shown.map(([type, media], place) => {
    const texts = Object.values(media.examples).map((example) => written(example.value));
    const blocks = texts.map((text) => make("pre", {}, text));
    if (place === 0 && texts.every((text) => text.length <= LONG)) {
      return make("figure", {}, make("figcaption", {}, type), ...blocks);
    }
    return make("details", { class: "body" }, make("summary", {}, type), ...blocks);
  });
}

function answers(responses, title) {
  const box = make("div", { class: "answers" });
  for (const status of Object.keys(responses).sort()) {
    const answer = resolve(responses[status]);
    box.append(make("p", {}, make("b", {}, status), " ", ...prose(answer.description)), ...bodies(answer.content || {}));
  }
  return make("details", {}, make("summary", {}, title), box);
}

// What Calloff sends, and nobody can try out here.
function callbackSection(method, operation) {
  const box = card(method, "{result_url}", operation);
  const headers = make("dl", { class: "headers" });
  for (const header of operation.parameters) {
    headers.append(make("dt", {}, make("code", {}, header.name)), make("dd", {}, ...prose(header.description), make("br"), make("code", {}, header.example)));
  }
  box.append(make("h3", {}, "Headers"), headers,
    make("h3", {}, "Body"), make("p", {}, ...prose(operation.requestBody.description)), ...bodies(operation.requestBody.content),
    answers(operation.responses, "What your server answers"));
  return box;
}

// What a request changes, in words.
function whose(path) {
  return Object.entries(path).map(([name, value]) => `${name.replace("_id", "")} ${value}`).join(", ");
}

function section(method, path, operation) {
  const id = operation.operationId;
  const form = make("form", { class: "stack", autocomplete: "off" });
  const grid = make("div", { class: "inputs" });
  const parameters = operation.parameters.map(resolve);
  const controls = {};
  const headerFields = [];
  for (const parameter of parameters) {
    if (shared(parameter.name)) continue;
    const field = input(operation, parameter.name, parameter.schema, parameter.description, parameter.required,
      parameter.in === "path" ? parameter.example : "");
    controls[parameter.name] = field.querySelector("[data-name]");
    if (parameter.in === "header") headerFields.push(field);
    else grid.append(field);
  }
  const fields = [];
  let type = null;
  if (operation.requestBody) {
    const content = operation.requestBody.content;
    const names = Object.keys(content);
    const media = content[names[0]];
    const schema = resolve(media.schema);
    type = make("select", { id: `${id}-type` }, ...names.map((name) => make("option", {}, name)));
    for (const [name, property] of Object.entries(schema.properties)) {
      const field = input(operation, name, property, property.description, schema.required.includes(name), media.example[name] || "");
      fields.push(field.querySelector("[data-name]"));
      grid.append(field);
    }
    grid.append(make("div", {}, make("label", { for: type.id }, "Send as"), type));
  }
  grid.append(...headerFields);
  const valueOf = (name) => (shared(name) || controls[name]).value.trim();
  const inPath = () => Object.fromEntries(parameters.filter((p) => p.in === "path").map((p) => [p.name, encodeURIComponent(valueOf(p.name))]));
  const result = make("div", { role: "status" });
  form.append(grid, make("div", {}, make("button", { class: method === "delete" ? "danger" : "primary" }, "Send")), result);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const missing = Object.entries(inPath()).filter((pair) => !pair[1]).map((pair) => pair[0]);
    if (missing.length) {
      show(result, `Fill in ${missing.join(" and ")} first.`, "", "");
      return;
    }
    // One click must not call off, or ring, what somebody needs.
    if (method !== "get" && !confirm(`${operation.summary}: ${whose(inPath())}. This is done for real. Send it?`)) {
      show(result, "Nothing was sent.", "", "");
      return;
    }
    let address = path;
    for (const [name, value] of Object.entries(inPath())) address = address.replace(`{${name}}`, value);
    const query = new URLSearchParams(parameters.filter((p) => p.in === "query" && valueOf(p.name)).map((p) => [p.name, valueOf(p.name)]));
    if (query.size) address += `?${query}`;
    const headers = { Accept: document.getElementById("accept").value };
    for (const parameter of parameters) {
      if (parameter.in === "header" && valueOf(parameter.name)) headers[parameter.name] = valueOf(parameter.name);
    }
    if (!operation.security) {
      const words = `${document.getElementById("email").value}:${document.getElementById("key").value}`;
      headers.Authorization = `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(words)))}`;
    }
    try {
      const body = type ? bodyOf(type.value, fields) : undefined;
      if (type && type.value === "application/json") headers["Content-Type"] = "application/json";
      const begun = performance.now();
      // Without the browser's own credentials, so that a 401 is shown here and not asked about.
      const answer = await fetch(address, { method: method.toUpperCase(), headers, body, credentials: "omit", cache: "no-store" });
      const text = await answer.text();
      const took = Math.round(performance.now() - begun);
      show(result, `${answer.status} ${answer.statusText} · ${took} ms`, [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n"), text);
    } catch (error) {
      show(result, "The request could not be sent.", "", String(error.message));
    }
  });
  const box = card(method, path, operation);
  box.append(form);
  const refresh = samples(operation, box, inPath);
  form.addEventListener("input", refresh);
  document.getElementById("credentials").addEventListener("input", refresh);
  refresh();
  for (const callback of Object.values(operation.callbacks || {}).flatMap((each) => operationsOf(resolve(each)))) {
    box.append(make("p", {}, ...prose("What is sent to a `result_url`: "), link(callback), "."));
  }
  box.append(answers(operation.responses, "Answers"));
  return box;
}

function show(result, verdict, headers, body) {
  let text = body;
  try { text = JSON.stringify(JSON.parse(body), null, 2); } catch { /* It is XML, or empty. */ }
  result.replaceChildren(make("p", { class: "verdict" }, verdict), ...[headers, text].filter(Boolean).map((part) => make("pre", { tabindex: "0" }, part)));
}

async function build() {
  api = await (await fetch("/openapi.json", { credentials: "omit" })).json();
  document.getElementById("about").replaceChildren(...prose(api.info.description));
  const contents = document.getElementById("contents");
  const operations = document.getElementById("operations");
  const callbacks = Object.values(api.components.callbacks).flatMap((callback) => Object.values(callback));
  for (const tag of api.tags) {
    contents.append(make("h2", {}, tag.name));
    const add = (operation, box) => {
      if (!operation.tags.includes(tag.name)) return;
      contents.append(link(operation));
      operations.append(box());
    };
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const [method, operation] of Object.entries(methods)) add(operation, () => section(method, path, operation));
    }
    for (const methods of callbacks) {
      for (const [method, operation] of Object.entries(methods)) add(operation, () => callbackSection(method, operation));
    }
  }
  mark();
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function mark() {
  for (const link of document.querySelectorAll("#contents a")) {
    if (link.hash === location.hash) link.setAttribute("aria-current", "location");
    else link.removeAttribute("aria-current");
  }
}

window.addEventListener("hashchange", mark);
build();
