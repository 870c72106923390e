"""Code that sends a request of the API, in four languages, to be run as it stands.

In each, `{base_url}` and the path's parameters are to be replaced. The credentials come from the environment,
`CALLOFF_EMAIL` and `CALLOFF_KEY`, so that no key is ever pasted into a file.
"""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

LANGUAGES = {"Shell": "cURL", "Python": "Python", "PHP": "PHP", "JavaScript": "JavaScript"}
"""The `lang` of each sample, and its label."""


def code_samples(method: str, path: str, body: Mapping[str, str] | None) -> list[dict[str, str]]:
    """The samples, as `x-codeSamples` lists them. `body` holds form fields."""
    sources = {
        "Shell": _shell(method, path, body),
        "Python": _python(method, path, body),
        "PHP": _php(method, path, body),
        "JavaScript": _javascript(method, path, body),
    }
    return [{"lang": lang, "label": label, "source": sources[lang]} for lang, label in LANGUAGES.items()]


def _shell(method: str, path: str, body: Mapping[str, str] | None) -> str:
    if body and "csv" in body:
        return f"""printf '{_escaped(body["csv"])}' |
curl --fail-with-body --request {method} --user "$CALLOFF_EMAIL:$CALLOFF_KEY" --form 'csv=@-;filename=list.csv' \\
  '{{base_url}}{path}'
"""
    data = "".join(f" \\\n  --data-urlencode '{name}={value}'" for name, value in (body or {}).items())
    return f"""curl --fail-with-body --request {method} --user "$CALLOFF_EMAIL:$CALLOFF_KEY"{data} \\
  '{{base_url}}{path}'
"""


def _python(method: str, path: str, body: Mapping[str, str] | None) -> str:
    basic = '"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()'
    headers, head = f"{{{basic}}}", ""
    data = f'\n    data=b"{urlencode(body)}",' if body else ""
    if body and "csv" in body:
        head = f"""csv = "{_escaped(body["csv"])}"
part = 'Content-Disposition: form-data; name="csv"; filename="list.csv"'
form = f"--end\\r\\n{{part}}\\r\\n\\r\\n{{csv}}\\r\\n--end--\\r\\n"
"""
        data = "\n    data=form.encode(),"
        form_type = '"Content-Type": "multipart/form-data; boundary=end"'
        headers = f"{{\n        {basic},\n        {form_type},\n    }}"
    return f"""import base64
import os
import urllib.request

credentials = os.environ["CALLOFF_EMAIL"] + ":" + os.environ["CALLOFF_KEY"]
{head}request = urllib.request.Request(
    "{{base_url}}{path}",
    method="{method}",{data}
    headers={headers},
)
with urllib.request.urlopen(request) as answer:
    print(answer.status, answer.read().decode())
"""


def _php(method: str, path: str, body: Mapping[str, str] | None) -> str:
    fields = ", ".join(f"'{name}' => '{value}'" for name, value in (body or {}).items())
    data = f"\n    CURLOPT_POSTFIELDS => [{fields}]," if body else ""
    if body and "csv" in body:
        file = f'new CURLStringFile("{_escaped(body["csv"])}", "list.csv", "text/csv")'
        data = f"\n    CURLOPT_POSTFIELDS => ['csv' => {file}],"
    return f"""<?php
$request = curl_init('{{base_url}}{path}');
curl_setopt_array($request, [
    CURLOPT_CUSTOMREQUEST => '{method}',
    CURLOPT_USERPWD => getenv('CALLOFF_EMAIL') . ':' . getenv('CALLOFF_KEY'),{data}
    CURLOPT_RETURNTRANSFER => true,
]);
$body = curl_exec($request);
echo curl_getinfo($request, CURLINFO_RESPONSE_CODE), ' ', $body, "\\n";
"""


def _javascript(method: str, path: str, body: Mapping[str, str] | None) -> str:
    data = f"\n  body: new URLSearchParams({json.dumps(body)})," if body else ""
    head = ""
    if body and "csv" in body:
        head = f"""const form = new FormData();
form.append("csv", new Blob(["{_escaped(body["csv"])}"]), "list.csv");
"""
        data = "\n  body: form,"
    return f"""{head}const credentials = process.env.CALLOFF_EMAIL + ":" + process.env.CALLOFF_KEY;
const answer = await fetch("{{base_url}}{path}", {{
  method: "{method}",{data}
  headers: {{ Authorization: "Basic " + Buffer.from(credentials).toString("base64") }},
}});
console.log(answer.status, await answer.text());
"""


def _escaped(csv: str) -> str:
    """The list as a string of any of the four languages holds it."""
    return csv.replace("\n", "\\n")
