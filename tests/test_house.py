"""The house: who may import whom, read out of the source."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
READ_MODELS = {
    path.parent.name for path in (ROOT / "chalicelib" / "read_models").glob("*/__init__.py")
}

SHARED = {
    f"chalicelib.read_models.{name}"
    for name in (
        *("blue_green", "event_queries", "guarded", "ledgers", "once"),
        *("read_model", "reading", "status_queries"),
    )
}
"""What all read models may import besides themselves."""

BELOW_BOTH_SIDES = {"backoff", "ledger", "events", "domain", "http", "tables", "settings"}
BELOW_BOTH_SIDES |= {"telemetry"}
"""What the write side and the read side may both import."""

ARROWS: dict[str, set[str]] = {
    "domain": {"domain"},
    "ledger": {"ledger", "domain", "events"},
    "events": {"events", "domain", "tables", "settings"},
    "http": {"http", "domain", "tables", "settings", "telemetry"},
    "commands": {"commands", *BELOW_BOTH_SIDES},
    "read_models": {"read_models", *BELOW_BOTH_SIDES},
    "sweep": {"commands", "read_models", "domain", "tables"},
    "backoff": set(),
    "tables": {"settings", "transport"},
    "transport": {"transport"},
    "settings": set(),
    "telemetry": {"settings"},
}
"""What each part of the house may import of it; `local` and `app.py` may import everything."""


KERNEL = {f"chalicelib.commands.{name}" for name in ("decider", "execution", "executor")}
KERNEL |= {"chalicelib.commands.unit_of_work"}
"""With `events/`, what knows streams, versions, states and decisions, and no aggregate."""


@dataclass(frozen=True)
class Module:
    """A module of the project: its dotted name and its syntax tree."""

    name: str
    tree: ast.Module

    def imports(self) -> Iterator[str]:
        """The dotted names of all that it imports, wherever in it the import is written."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.module is not None
                assert node.level == 0, f"{self.name} imports by a relative name"
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    yield inner if inner in NAMES else node.module


def part_of(name: str) -> str:
    """`chalicelib.events.recorded` is of `events`; empty for what is in no part of the house."""
    top, _, inside = name.partition(".")
    return inside.partition(".")[0] if top == "chalicelib" else ""


def read_model_of(name: str) -> str | None:
    """`chalicelib.read_models.balances.table` is of the read model `balances`."""
    place = [*name.split("."), "", ""][2]
    return place if part_of(name) == "read_models" and place in READ_MODELS else None


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


_PATHS = {_dotted(path): path for path in sorted((ROOT / "chalicelib").rglob("*.py"))}
NAMES = set(_PATHS)
MODULES = [Module(name, ast.parse(path.read_text())) for name, path in _PATHS.items()]
APP = Module("app", ast.parse((ROOT / "app.py").read_text()))
SIMULATOR = [
    Module(_dotted(path), ast.parse(path.read_text()))
    for path in sorted((ROOT / "simulator").rglob("*.py"))
]
DOMAIN = [module for module in MODULES if part_of(module.name) == "domain"]


def test_the_house_has_the_parts_of_its_plan() -> None:
    assert {part_of(name) for name in NAMES} - {""} == {*ARROWS, "local"}


def test_imports_follow_the_arrows() -> None:
    astray = [
        (module.name, name)
        for module in MODULES
        if part_of(module.name) in ARROWS
        for name in module.imports()
        if part_of(name) and part_of(name) not in ARROWS[part_of(module.name)]
    ]

    assert astray == []


def test_the_event_store_and_the_executor_know_no_aggregate() -> None:
    kernel = [module for module in MODULES if part_of(module.name) == "events"]
    kernel += [module for module in MODULES if module.name in KERNEL]
    imported = {
        (module.name, name)
        for module in kernel
        for name in module.imports()
        if part_of(name) in ("domain", "ledger")
        and name not in ("chalicelib.domain.fields", "chalicelib.domain.errors")
    }

    assert len(kernel) > len(KERNEL) > 3
    assert imported == set()


def test_the_domain_imports_only_itself_the_standard_library_and_its_structs() -> None:
    foreign = {name.split(".")[0] for module in DOMAIN for name in module.imports()}
    foreign -= {"chalicelib", "msgspec"}

    assert foreign <= sys.stdlib_module_names


def test_the_domain_knows_no_clock_no_environment_and_no_chance() -> None:
    imported = {name for module in DOMAIN for name in module.imports()}
    asked = [
        f"{module.name}:{node.lineno}"
        for module in DOMAIN
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today")
    ]

    assert not imported & {"os", "random", "secrets", "time", "uuid"}
    assert asked == []


def test_a_read_model_imports_of_the_read_side_only_itself_and_what_all_share() -> None:
    astray = [
        (module.name, name)
        for module in MODULES
        if read_model_of(module.name)
        for name in module.imports()
        if part_of(name) == "read_models"
        and read_model_of(name) != read_model_of(module.name)
        and name not in SHARED
    ]

    assert astray == []


def test_only_the_app_and_the_local_stack_import_the_local_stack() -> None:
    importers = {
        part_of(module.name) or module.name
        for module in [APP, *MODULES]
        if any(part_of(name) == "local" for name in module.imports())
    }

    assert importers == {"app", "local"}


def test_the_simulator_knows_nothing_of_the_ledger() -> None:
    imported = {name.split(".")[0] for module in SIMULATOR for name in module.imports()}

    assert "botocore" in imported
    assert imported - set(sys.stdlib_module_names) <= {"simulator", "botocore", "urllib3"}


def test_only_the_local_environment_imports_the_simulator() -> None:
    importers = {
        part_of(module.name) or module.name
        for module in [APP, *MODULES]
        if any(name.split(".")[0] == "simulator" for name in module.imports())
    }

    assert importers == {"local"}


def test_only_http_projectors_and_the_local_environment_know_chalice() -> None:
    may = {"app"}
    may |= {f"chalicelib.http.{part}" for part in ("auth", "cors", "request", "router")}
    may |= {"chalicelib.sweep"}
    may |= {"chalicelib.read_models.feeding"}
    know = {
        module.name
        for module in [APP, *MODULES]
        if part_of(module.name) != "local"
        and any(name.split(".")[0] == "chalice" for name in module.imports())
    }

    assert know <= may
    assert "chalicelib.http.router" in know


def test_only_settings_reads_the_environment() -> None:
    readers = {module.name for module in [APP, *MODULES] if _reads_environment(module)}

    assert readers == {"chalicelib.settings"}


def _reads_environment(module: Module) -> bool:
    """Whether the environment is touched, other than where the local stack sets it."""
    written = set()
    for node in ast.walk(module.tree):
        match node:
            case ast.Subscript(value=environ, ctx=ast.Store()):
                written.add(environ)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=environ, attr="update"))):
                written.add(environ)
    may_write = part_of(module.name) == "local"
    for node in ast.walk(module.tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "environb" | "getenv"):
                if not (may_write and node in written):
                    return True
            case ast.ImportFrom(module="os", names=names):
                if {alias.name for alias in names} & {"environ", "environb", "getenv"}:
                    return True
    return False


def test_importing_the_domain_loads_no_framework() -> None:
    script = (
        "import importlib, pkgutil, sys, chalicelib.domain as domain\n"
        "for found in pkgutil.walk_packages(domain.__path__, 'chalicelib.domain.'):\n"
        "    importlib.import_module(found.name)\n"
        "print(*sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(ran.stdout.split())

    assert {module.name for module in DOMAIN} <= loaded
    assert not loaded & {"boto3", "botocore", "pynamodb", "chalice"}
