"""The TypeScript client's package: its types, its lint, what is packed of it, and its README."""

import json
import re
import tarfile
from pathlib import Path

import pytest

from tests.clients.typescript import SOURCE, built
from tests.engines import ROOT
from tests.npm import run

OPENAPI = ROOT / "chalicelib" / "http" / "openapi.json"
README = (SOURCE / "README.md").read_text()
MOST_BYTES = 25_000
"""Of the whole client in a page, minified, not compressed."""

OPTIONS = {
    "strict": True,
    "exactOptionalPropertyTypes": True,
    "skipDefaultLibCheck": True,
    "target": "ES2022",
    "module": "NodeNext",
    "types": [],
}
"""Of a project that uses the client. Its own declarations are checked too."""


@pytest.fixture(scope="module")
def client() -> Path:
    """The client's folder, built."""
    return built()


@pytest.fixture(scope="module")
def project(client: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has the packed client installed."""
    project = tmp_path_factory.mktemp("project")
    command = ("npm", "pack", "--ignore-scripts", "--json", "--pack-destination", str(project))
    (packed,) = json.loads(run(*command, str(client), folder=project))
    packages = project / "node_modules"
    packages.mkdir()
    with tarfile.open(project / packed["filename"]) as package:
        package.extractall(packages, filter="data")
    (packages / "package").rename(packages / "twofold")
    for name in ("openapi-fetch", "openapi-typescript-helpers"):
        (packages / name).symlink_to(client / "node_modules" / name)
    (project / "package.json").write_text('{"type": "module"}')
    return project


def test_the_types_are_those_of_the_api_description(client: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "schema.ts"

    run("node", "scripts/generate.mjs", str(OPENAPI), str(fresh), folder=client)

    assert fresh.read_text() == (SOURCE / "src" / "schema.ts").read_text(), (
        "run `npm run generate` in clients/typescript"
    )


def test_biome_has_nothing_to_say(client: Path) -> None:
    run("npm", "run", "lint", folder=client)


def test_what_only_the_typescript_client_has_works(client: Path) -> None:
    assert re.search(r"^# fail 0$", run("npm", "test", folder=client), re.MULTILINE)


def test_the_lock_has_the_packages_version_and_names_no_registry() -> None:
    lock = json.loads((SOURCE / "package-lock.json").read_text())

    assert lock["version"] == json.loads((SOURCE / "package.json").read_text())["version"]
    assert len(lock["packages"]) > 20
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


def test_what_is_packed_is_what_is_built_and_publint_has_nothing_to_say(
    client: Path, project: Path
) -> None:
    package = project / "node_modules" / "twofold"
    modules = {path.stem for path in (SOURCE / "src").glob("*.ts")}

    found = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}

    assert found == {"LICENSE", "README.md", "package.json"} | {
        f"dist/{module}{end}" for module in modules for end in (".js", ".d.ts")
    }
    run("node_modules/.bin/publint", "run", "--strict", str(package), folder=client)


def test_a_project_that_uses_it_compiles_and_its_readme_runs(
    client: Path, project: Path, url: str, ledger: str
) -> None:
    blocks = re.findall(r"```ts\n(.*?)```", README, re.DOTALL)
    for number, block in enumerate(blocks):
        code = block.replace("http://127.0.0.1:8000", url).replace('"typescript"', f'"{ledger}"')
        (project / f"readme{number}.ts").write_text(code)
    (project / "types.ts").write_text((SOURCE / "test" / "types.ts").read_text())
    (project / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS}))

    run("node", str(client / "node_modules" / "typescript" / "bin" / "tsc"), folder=project)

    assert [run("node", f"readme{number}.js", folder=project) for number in range(3)] == [
        "1750n\ncredit 2500n 2500n\ndebit 750n 1750n\n",
        "",
        "5\n1250n alice has 1250 available, 9000 asked; it grows by credits\n"
        "[ 201, 'insufficient_funds' ]\n",
    ]


def test_a_bundle_for_browsers_needs_nothing_of_node(
    client: Path, project: Path, url: str, ledger: str
) -> None:
    bundle = project / "bundle.js"
    options = ["--bundle", "--minify", "--platform=browser", "--global-name=twofold"]

    run(
        "node_modules/.bin/esbuild", *options, f"--outfile={bundle}", "dist/index.js", folder=client
    )

    assert bundle.stat().st_size < MOST_BYTES
    browser = Path(__file__).with_name("browser.mjs")
    assert run("node", str(browser), str(bundle), url, ledger, folder=project) == f"{10**20}\n"


def test_the_readme_starts_with_a_wallet_in_15_lines() -> None:
    first = re.findall(r"```ts\n(.*?)```", README, re.DOTALL)[0]

    assert README.index(first) < 100
    assert len([line for line in first.splitlines() if line]) <= 15
