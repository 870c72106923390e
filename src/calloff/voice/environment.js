// The ECMAScript environment of one call (VoiceXML 2.0 section 5.1): its scopes, and what the interpreter asks of them.
// Evaluates to a function that takes a request and gives an answer, both as JSON text.
(() => {
  'use strict';
  const MAX_TEXT = 256 * 1024;
  const names = ['application', 'document', 'dialog', 'anonymous'];
  const session = Object.create(null);
  let call = Object.create(null);
  let scopes = {};
  const outside = [];
  const parameters = new Map();

  const empty = (above) => Object.create(above ?? null);
  const fresh = () => {
    scopes = {application: empty(call), document: null, dialog: empty(), anonymous: empty()};
    scopes.document = scopes.application;
  };
  fresh();

  const has = (object, name) => Object.prototype.hasOwnProperty.call(object, name);
  const inside = "with(arguments[0])with(arguments[1])with(arguments[2])with(arguments[3])with(arguments[4])with(arguments[5])";
  const run = (body) => {
    const {application, document, dialog, anonymous} = scopes;
    const byName = {__proto__: null, session, application, document, dialog};
    return new Function(`${inside}{${body}}`)(session, application, document, dialog, anonymous, byName);
  };
  const value = (expr) => run(`return (\n${expr}\n);`);

  const json = (given) => {
    const written = JSON.stringify(given);
    return written === undefined ? 'null' : written;
  };
  const text = (given) => {
    if (given === undefined || given === null) return null;
    const written = typeof given === 'object' && !(given instanceof Date) ? json(given) : String(given);
    if (written.length > MAX_TEXT) throw new RangeError(`the value has more than ${MAX_TEXT} characters`);
    return written;
  };
  const define = (scope, name, given) => {
    Object.defineProperty(scope, name, {value: given, writable: true, enumerable: true, configurable: true});
  };

  // DOM Level 2, as far as one reads it (VoiceXML 2.1 section 5 and appendix D).
  class Node {
    constructor(nodeType, nodeName, nodeValue, parentNode) {
      Object.assign(this, {nodeType, nodeName, nodeValue, parentNode, childNodes: []});
    }
    get firstChild() { return this.childNodes[0] ?? null; }
    get lastChild() { return this.childNodes[this.childNodes.length - 1] ?? null; }
    get nextSibling() { return this.beside(1); }
    get previousSibling() { return this.beside(-1); }
    get data() { return this.nodeValue; }
    get tagName() { return this.nodeName; }
    get localName() { return this.nodeName.replace(/^.*:/, ''); }
    get attributes() { return this.attributeNodes ?? []; }
    get textContent() {
      return this.nodeType === 3 ? this.nodeValue : this.childNodes.map((child) => child.textContent).join('');
    }
    beside(step) {
      const all = this.parentNode?.childNodes ?? [];
      return all[all.indexOf(this) + step] ?? null;
    }
    hasChildNodes() { return this.childNodes.length > 0; }
    getAttribute(name) { return this.attributes.find((each) => each.nodeName === name)?.nodeValue ?? ''; }
    hasAttribute(name) { return this.attributes.some((each) => each.nodeName === name); }
    getElementsByTagName(name) {
      const found = [];
      for (const child of this.childNodes) {
        if (child.nodeType !== 1) continue;
        if (name === '*' || child.nodeName === name) found.push(child);
        found.push(...child.getElementsByTagName(name));
      }
      found.item = (index) => found[index] ?? null;
      return found;
    }
    toJSON() { return this.textContent; }
    toString() { return this.textContent; }
  }
  const node = (tree, parent) => {
    if (typeof tree === 'string') return new Node(3, '#text', tree, parent);
    const [name, attributes, children] = tree;
    const made = new Node(1, name, null, parent);
    made.attributeNodes = Object.entries(attributes).map(([key, content]) => {
      const attribute = new Node(2, key, content, null);
      attribute.name = key;
      attribute.value = content;
      return attribute;
    });
    made.attributeNodes.getNamedItem = (key) => made.attributeNodes.find((each) => each.nodeName === key) ?? null;
    made.childNodes = children.map((child) => node(child, made));
    made.childNodes.item = (index) => made.childNodes[index] ?? null;
    return made;
  };
  const dom = (tree) => {
    const made = new Node(9, '#document', null, null);
    made.documentElement = node(tree, made);
    made.childNodes = [made.documentElement];
    return made;
  };

  const declared = (root) => root in scopes.anonymous || root in scopes.dialog || root in scopes.document ||
    root in scopes.application;

  const operations = {
    start: ({variables}) => { call = Object.assign(empty(), variables); fresh(); },
    // A dialog, a document or a root document begins; `shared` makes the document its own root.
    begin: ({scope, shared}) => {
      if (scope === 'application') scopes.application = empty(call);
      if (scope === 'document') scopes.document = shared ? scopes.application : empty();
      if (scope !== 'anonymous') scopes.dialog = empty();
      scopes.anonymous = empty();
    },
    // A subdialog begins with its own scopes; `leave` brings those of its caller back, and takes values along.
    enter: ({params}) => {
      const given = params.map(([name, expr]) => [name, value(expr)]);
      outside.push([scopes, new Map(parameters)]);
      fresh();
      parameters.clear();
      for (const [name, each] of given) parameters.set(name, each);
    },
    leave: ({into, returned}) => {
      const result = {};
      for (const name of returned ?? []) define(result, name.replace(/^.*\./, ''), value(name));
      const [before, given] = outside.pop();
      scopes = before;
      parameters.clear();
      for (const [name, each] of given) parameters.set(name, each);
      if (returned) define(scopes.dialog, into, result);
    },
    undeclared: () => [...parameters.keys()],
    declare: ({scope, name, expr, takes}) => {
      if (takes && parameters.has(name)) {
        define(scopes[scope], name, parameters.get(name));
        parameters.delete(name);
      } else {
        define(scopes[scope], name, expr === null ? undefined : value(expr));
      }
    },
    set: ({scope, name, value: given}) => { define(scope === 'session' ? session : scopes[scope], name, given); },
    empty: ({names: emptied}) => {
      for (const name of emptied) { run(`(${name}) = undefined;`); }
    },
    assign: ({target, expr}) => {
      const [root, ...rest] = target.split(/[.[\]]+/).filter(Boolean);
      const known = names.slice(0, 3).includes(root) && rest.length ? rest[0] in scopes[root] : declared(root);
      if (!known) throw new ReferenceError(`no variable ${target} is declared; add a <var>`);
      run(`${target} = (\n${expr}\n);`);
    },
    evaluate: ({expr, want}) => {
      const given = value(expr);
      return want === 'truth' ? Boolean(given) : text(given);
    },
    // Each of several texts, null where one cannot be had.
    texts: ({exprs}) => exprs.map((expr) => { try { return text(value(expr)); } catch { return null; } }),
    defined: ({names: asked}) => asked.map((name) => scopes.dialog[name] !== undefined),
    script: ({scope, source, declares}) => {
      const target = scopes[scope];
      const kept = declares.filter((name) => name in target);
      const before = Object.fromEntries(kept.map((name) => [name, target[name]]));
      const prelude = kept.map((name) => `if (typeof ${name} !== 'function') ${name} = arguments[0].${name};`).join('');
      const accessors = declares.map((name) =>
        `${name}: {get() { return ${name}; }, set(given) { ${name} = given; }, enumerable: true, configurable: true}`);
      const {application, document, dialog, anonymous} = scopes;
      const byName = {__proto__: null, session, application, document, dialog};
      const made = new Function(
        `${inside}{return (function () {${prelude}\n${source}\n;return {${accessors.join(',')}};})(arguments[6]);}`
      )(session, application, document, dialog, anonymous, byName, before);
      for (const name of declares) Object.defineProperty(target, name, made[name]);
    },
    length: ({expr}) => {
      const given = value(expr);
      return given === undefined || given === null ? 0 : Number(given.length) || 0;
    },
    element: ({name, expr, index}) => {
      const given = value(expr)[index];
      define(declared(name) ? owner(name) : scopes.anonymous, name, given);
    },
    data: ({name, tree, given}) => {
      const made = tree === undefined ? given : dom(tree);
      if (declared(name)) define(owner(name), name, made); else define(scopes.anonymous, name, made);
    },
    // What was keyed in: `program` computes the interpretation, else it is `given`. Gives the names that were filled.
    fill: ({program, given, utterance, fields, whole}) => {
      const interpretation = program === null ? given : new Function(program)();
      const isObject = typeof interpretation === 'object' && interpretation !== null;
      const result = {confidence: 1, utterance, inputmode: 'dtmf', interpretation};
      const results = [result];
      Object.assign(results, result);
      define(scopes.application, 'lastresult$', results);
      const filled = [];
      for (const {name, slot} of fields) {
        const matches = isObject && has(interpretation, slot);
        if (!matches && !whole) continue;
        define(scopes.dialog, name, matches ? interpretation[slot] : interpretation);
        define(scopes.dialog, `${name}$`, {...result});
        filled.push(name);
      }
      return filled;
    },
  };
  const owner = (name) => {
    if (name in scopes.anonymous) return scopes.anonymous;
    if (name in scopes.dialog) return scopes.dialog;
    return name in scopes.document ? scopes.document : scopes.application;
  };

  return (request) => {
    const {operation, ...given} = JSON.parse(request);
    const answer = operations[operation](given);
    return JSON.stringify({value: answer === undefined ? null : answer});
  };
})()
