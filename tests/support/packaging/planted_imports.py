"""Plant imports into a copy of the package, one at a time, and report which import contracts break.

Run in the folder of the copy with `importer>imported` pairs as arguments; prints one JSON object that maps
each pair to the names of its broken contracts. The pair "" is the unchanged copy.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

from importlinter.application.use_cases import create_report, read_user_options
from importlinter.configuration import configure
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract
from importlinter.domain.contract import registry

COPY = Path.cwd()
CONTRACT_TYPES = {
    "layers": LayersContract,
    "forbidden": ForbiddenContract,
    "acyclic_siblings": AcyclicSiblingsContract,
}


def broken_contracts() -> list[str]:
    """Return the names of the contracts that the copy breaks now."""
    report = create_report(read_user_options("pyproject.toml"), cache_dir=str(COPY / "cache"))
    assert not report.could_not_run, report.invalid_contract_options
    return [contract.name for contract, check in report.get_contracts_and_checks() if not check.kept]


def broken_with(pair: str) -> list[str]:
    """Return the names of the contracts broken by one more import."""
    if not pair:
        return broken_contracts()
    importer, _, imported = pair.partition(">")
    planted = COPY / "mexc_tui" / importer / "planted.py"
    planted.write_text(f"import {imported}\n")
    try:
        return broken_contracts()
    finally:
        planted.unlink()


def main() -> None:
    """Check every pair given on the command line."""
    spec = find_spec("mexc_tui")
    assert spec is not None
    assert spec.origin == str(COPY / "mexc_tui" / "__init__.py")
    configure()
    for name, kind in CONTRACT_TYPES.items():
        registry.register(kind, name)
    sys.stdout.write(json.dumps({pair: broken_with(pair) for pair in sys.argv[1:]}))


if __name__ == "__main__":
    main()
