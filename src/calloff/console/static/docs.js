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
    for (const [name, value] of Object.entries(path())) source = source.replace(`{${name}}`, value);
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
  const box = make("section", { class: "card operation", id, "aria-labelledby": `${id}-title` },
    make("h2", { id: `${id}-title` }, make("a", { href: `#${id}` }, operation.summary)),
    make("p", { class: "route" }, make("span", { class: `method ${method.toUpperCase()}` }, method.toUpperCase()), make("code", {}, path)),
    make("p", {}, ...prose(operation.description)), form);
  const refresh = samples(operation, box, inPath);
  form.addEventListener("input", refresh);
  document.getElementById("credentials").addEventListener("input", refresh);
  refresh();
  const answers = make("div", { class: "answers" });
  for (const [status, reference] of Object.entries(operation.responses)) {
    answers.append(make("p", {}, make("b", {}, status), ...prose(resolve(reference).description)));
  }
  box.append(make("details", {}, make("summary", {}, "Answers"), answers));
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
  for (const tag of api.tags) {
    contents.append(make("h2", {}, tag.name));
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (!operation.tags.includes(tag.name)) continue;
        contents.append(make("a", { href: `#${operation.operationId}` }, operation.summary));
        operations.append(section(method, path, operation));
      }
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
