"""The parts of the environment that runs this, as CycloneDX 1.6; the argument is Calloff's version."""

import json
import sys
from importlib.metadata import distributions

_NOT_PARTS = {"pip", "setuptools", "calloff"}


def bill_of_materials(version: str) -> dict[str, object]:
    """Calloff and what it needs, each with its version and licence as its own metadata state them."""
    found = {part.metadata["Name"]: part for part in distributions()}
    components = []
    for name in sorted(found.keys() - _NOT_PARTS, key=str.lower):
        metadata = found[name].metadata
        licence = next((metadata[key] for key in ("License-Expression", "License") if key in metadata), None)
        component: dict[str, object] = {
            "type": "library",
            "name": name,
            "version": metadata["Version"],
            "purl": f"pkg:pypi/{name.lower().replace('_', '-')}@{metadata['Version']}",
        }
        if licence and len(licence) < 100:
            component["licenses"] = [{"license": {"name": licence}}]
        components.append(component)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "calloff", "version": version}},
        "components": components,
    }


if __name__ == "__main__":
    json.dump(bill_of_materials(sys.argv[1]), sys.stdout, indent=2)
