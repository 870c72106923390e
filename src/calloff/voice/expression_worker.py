"""The process that evaluates ECMAScript, so that no expression can hang or crash the dialer: one JSON line in, one out.

Each request gets a fresh engine with limits of time, memory and stack. Loops inside the engine's own functions do not
look at its time limit; those are ended by the kernel: the process arms a CPU timer, and SIGPROF kills it.
"""

import json
import resource
import signal
import sys
from typing import Any

import quickjs

ENGINE_SECONDS = 0.1
"""CPU time that one expression may use before the engine stops it."""
PROCESS_SECONDS = 0.5
"""CPU time after which the kernel ends the process."""
ENGINE_BYTES = 16 * 1024 * 1024
STACK_BYTES = 256 * 1024
PROCESS_BYTES = 1024 * 1024 * 1024
MAX_ANSWER = 256 * 1024
"""Characters that all variables of a call may have together, written as source."""

_PROGRAM = """
(() => {
  const source = (value, depth) => {
    if (depth > 20) throw new RangeError('a value is nested too deeply, or contains itself');
    switch (typeof value) {
      case 'number': return Object.is(value, -0) ? '-0' : String(value);
      case 'bigint': return value + 'n';
      case 'string': return JSON.stringify(value);
      case 'boolean': return String(value);
      case 'object': break;
      default: return 'undefined';
    }
    if (value === null) return 'null';
    if (value instanceof Date) return `new Date(${value.getTime()})`;
    if (Array.isArray(value)) return '[' + value.map(item => source(item, depth + 1)).join() + ']';
    const members = Object.keys(value).map(key => `[${JSON.stringify(key)}]:${source(value[key], depth + 1)}`);
    return '{' + members.join() + '}';
  };
  const wanted = {
    source: value => source(value, 0),
    text: value => typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value),
    truth: value => String(Boolean(value)),
  };
  const all = scope => Object.fromEntries(Object.keys(scope).map(name => [name, source(scope[name], 0)]));
  const {session, ...inner} = %(scopes)s;
  const {application, document, dialog, anonymous} = inner;
  const scopes = {__proto__: null, session, application, document, dialog};
  const expression = new Function(%(body)s);
  const value = wanted.%(want)s(expression(session, application, document, dialog, anonymous, scopes));
  return JSON.stringify({value, scopes: Object.fromEntries(Object.keys(inner).map(name => [name, all(inner[name])]))});
})()
"""
_ENTER = "".join(f"with(arguments[{index}])" for index in range(6))


def evaluate(request: dict[str, Any]) -> dict[str, Any]:
    """Answer one request of `expressions.Evaluator`: the value, and the variables as the expression left them."""
    engine = quickjs.Context()
    engine.set_memory_limit(ENGINE_BYTES)
    engine.set_max_stack_size(STACK_BYTES)
    engine.set_time_limit(ENGINE_SECONDS)
    try:
        answer = engine.eval(_program(request))
        if len(answer) > MAX_ANSWER:
            return {"error": f"the variables have more than {MAX_ANSWER} characters together"}
        result: dict[str, Any] = json.loads(answer)
        return result
    except (quickjs.JSException, quickjs.StackOverflow) as error:
        return {"error": _first_line(error)}


def _program(request: dict[str, Any]) -> str:
    scopes = ",".join(f"{name}:{_object(variables)}" for name, variables in request["scopes"].items())
    body = json.dumps(f"{_ENTER} return (\n{request['expr']}\n);")
    return _PROGRAM % {"scopes": f"{{{scopes}}}", "body": body, "want": request["want"]}


def _object(names: dict[str, str]) -> str:
    return "{__proto__: null," + ",".join(f"[{json.dumps(name)}]:{value}" for name, value in names.items()) + "}"


def _first_line(error: Exception) -> str:
    line = str(error).splitlines()[0][:200]
    if "interrupted" in line:
        return f"it takes longer than {ENGINE_SECONDS} s"
    if "out of memory" in line:
        return "it needs too much memory"
    return line


def main() -> None:
    """Answer requests until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (PROCESS_BYTES, PROCESS_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A signal to the whole process group must not take the expressions of calls that are still being drained.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, PROCESS_SECONDS)
        answer = evaluate(json.loads(line))
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
