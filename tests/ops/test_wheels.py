"""What is fetched for a Lambda runs on it, and what cannot be had is named in one line."""

import hashlib
import socket
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import click
import pytest

from ops import wheels
from ops.lambda_runtimes import RUNTIMES, notice, platforms, runtime_named, supported_tags
from ops.pins import read
from ops.stages import PROJECT

LOCK = PROJECT / "requirements.txt"
TARGETS = [
    ("python3.11", "x86_64"),
    ("python3.11", "arm64"),
    ("python3.13", "x86_64"),
    ("python3.13", "arm64"),
]
MACHINES = {"x86_64": ("x86_64", 62), "arm64": ("aarch64", 183)}
"""Linux's names of Lambda's architectures, and their numbers in an ELF header."""

Index = Callable[..., Path]


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """The shipped packages for a runtime and an architecture, each fetched once."""
    made: dict[tuple[str, str], Path] = {}

    def get(runtime: str, architecture: str) -> Path:
        if (runtime, architecture) not in made:
            folder = tmp_path_factory.mktemp("wheels") / "libraries"
            wheels.install(LOCK, folder, runtime, architecture)
            made[runtime, architecture] = folder
        return made[runtime, architecture]

    return get


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(("runtime", "architecture"), TARGETS)
def test_what_is_fetched_is_the_lock_and_runs_on_the_lambda(
    fetched: Callable[[str, str], Path], runtime: str, architecture: str
) -> None:
    folder = fetched(runtime, architecture)
    machine, number = MACHINES[architecture]
    version = runtime.removeprefix("python").replace(".", "")

    said = wheels.tags(folder)
    assert {name.replace("_", "-").lower() for name in said} == {
        f"{pin.name}-{pin.version}" for pin in read(LOCK)
    }
    supported = supported_tags(RUNTIMES[runtime], architecture)
    for package, tags in said.items():
        assert tags & supported, package
        for tag in tags:
            assert tag.platform == "any" or tag.platform.endswith(f"_{machine}"), package
            assert tag.interpreter != f"cp{version}" or tag.abi == f"cp{version}", package

    libraries = wheels.compiled(folder)
    assert {path.parent.name for path in libraries} == {"msgspec", "uuid_utils"}
    for path in libraries:
        assert path.name.endswith((f".cpython-{version}-{machine}-linux-gnu.so", ".abi3.so"))
        assert path.read_bytes()[:4] == b"\x7fELF"
        assert int.from_bytes(path.read_bytes()[18:20], "little") == number


def test_what_is_fetched_for_one_lambda_is_refused_for_another(
    fetched: Callable[[str, str], Path],
) -> None:
    folder = fetched("python3.13", "arm64")

    with pytest.raises(click.ClickException, match=r"msgspec-.* does not run on python3.11, arm64"):
        wheels.check(folder, "python3.11", "arm64")
    with pytest.raises(click.ClickException, match=r"msgspec-.* does not run on python3.13, x86"):
        wheels.check(folder, "python3.13", "x86_64")


def test_scripts_traces_of_this_machine_and_other_services_are_not_fetched(
    fetched: Callable[[str, str], Path],
) -> None:
    names = contents(fetched("python3.11", "x86_64")).keys()

    assert any(name.startswith("botocore/data/dynamodb/") for name in names)
    assert not any(name.startswith("botocore/data/ec2/") for name in names)
    for name in names:
        assert not name.startswith(("bin/", "/"))
        assert ".data/" not in name
        assert "__pycache__" not in name
        assert not name.endswith(("/INSTALLER", "/REQUESTED", "/direct_url.json", ".pyc"))


def test_the_second_time_nothing_is_asked_for_and_the_files_are_the_same(
    fetched: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fetched("python3.11", "x86_64")
    monkeypatch.setattr(wheels, "_PIP", ("false",))

    wheels.install(LOCK, tmp_path / "again", "python3.11", "x86_64")

    assert contents(tmp_path / "again") == contents(first)


# What follows asks an index of its own: a folder of wheels made here, read by the real pip.


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """Makes a wheel and puts it on offer; there is no other index."""
    offered = tmp_path / "offered"
    offered.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(offered))

    def offer(name: str, tag: str = "py3-none-any", **files: bytes) -> Path:
        path = offered / f"{name}-1.0-{tag}.whl"
        with zipfile.ZipFile(path, "w") as packed:
            for file, content in (files or {f"{name}.py": b"ANSWER = 42\n"}).items():
                packed.writestr(file, content)
            about = f"{name}-1.0.dist-info"
            packed.writestr(
                f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
            )
            packed.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
            packed.writestr(f"{about}/RECORD", "")
        return path

    return offer


@pytest.fixture
def quick_index(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """The same, where what pip chooses is not the question: all that is on offer is brought."""
    program = (
        "import pathlib, shutil, sys; fresh = sys.argv[sys.argv.index('--dest') + 1]; "
        f"[shutil.copy(path, fresh) for path in pathlib.Path({str(tmp_path)!r}).glob('*/*.whl')]"
    )
    monkeypatch.setattr(wheels, "_PIP", (sys.executable, "-S", "-c", program))
    return index


@pytest.fixture
def lock(tmp_path: Path) -> Callable[..., Path]:
    """Writes a lock of these wheels' packages."""

    def write(*pinned: Path, **digests: str) -> Path:
        digests |= {
            path.name.split("-")[0]: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in pinned
        }
        path = tmp_path / "requirements.txt"
        path.write_text(
            "".join(f"{name}==1.0 --hash=sha256:{digest}\n" for name, digest in digests.items())
        )
        return path

    return write


def refusal(tmp_path: Path, lock: Path, runtime: str = "python3.13", machine: str = "arm64") -> str:
    with pytest.raises(click.ClickException) as raised:
        wheels.install(lock, tmp_path / "target", runtime, machine, cache=tmp_path / "cache")
    message = raised.value.message
    assert "\n" not in message
    return message


def test_a_wheel_that_is_not_what_was_pinned_is_named(
    tmp_path: Path, index: Index, lock: Callable[..., Path]
) -> None:
    good = index("one")
    index("two")

    assert "two: what the package index sent has none of the hashes" in refusal(
        tmp_path, lock(good, two="0" * 64)
    )
    assert not (tmp_path / "target").exists()


def test_a_package_without_a_wheel_for_the_lambda_is_named(
    tmp_path: Path, index: Index, lock: Callable[..., Path]
) -> None:
    other = index("one", "cp313-cp313-manylinux_2_17_x86_64")

    assert refusal(tmp_path, lock(other)) == "one 1.0 has no wheel for python3.13, arm64"


def test_a_wheel_for_a_newer_c_library_than_the_lambda_has_is_not_taken(
    tmp_path: Path, index: Index, lock: Callable[..., Path]
) -> None:
    pinned = lock(index("one", "cp311-abi3-manylinux_2_28_x86_64"))

    assert "no wheel for python3.11" in refusal(tmp_path, pinned, "python3.11", "x86_64")

    wheels.install(pinned, tmp_path / "newer", "python3.12", "x86_64", cache=tmp_path / "cache")
    assert contents(tmp_path / "newer")["one.py"] == b"ANSWER = 42\n"


def test_an_index_that_cannot_be_reached_is_said_to_be(
    tmp_path: Path, lock: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Not listening, so that connecting is refused.
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_FIND_LINKS", "")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{taken.getsockname()[1]}/simple")
        monkeypatch.setenv("PIP_RETRIES", "1")

        said = refusal(tmp_path, lock(one="0" * 64))

    assert said == "the package index cannot be reached, and one must be fetched from it"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            "raise SystemExit('ERROR: one\\n\\nERROR: the disk is full\\n')",
            "the disk is full",
        ),
        ("raise SystemExit(2)", "it said nothing"),
    ],
)
def test_what_else_pip_says_is_passed_on(
    tmp_path: Path,
    lock: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    said: str,
) -> None:
    monkeypatch.setattr(wheels, "_PIP", (sys.executable, "-c", program))

    message = refusal(tmp_path, lock(one="0" * 64))

    assert message.startswith("pip could not fetch one: ")
    assert message.endswith(said)


def test_a_pip_that_brings_nothing_is_not_believed(
    tmp_path: Path, lock: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "_PIP", ("true",))

    assert refusal(tmp_path, lock(one="0" * 64)) == "pip brought no wheel of one 1.0"


def test_a_damaged_file_in_the_cache_is_fetched_again(
    tmp_path: Path, quick_index: Index, lock: Callable[..., Path]
) -> None:
    pinned, cache = lock(quick_index("one"), quick_index("two")), tmp_path / "cache"
    wheels.install(pinned, tmp_path / "first", "python3.11", "arm64", cache=cache)
    (kept,) = cache.rglob("one-*.whl")
    kept.write_bytes(kept.read_bytes()[:-10])

    wheels.install(pinned, tmp_path / "second", "python3.11", "arm64", cache=cache)

    assert contents(tmp_path / "second") == contents(tmp_path / "first")
    wheels.check(tmp_path / "second", "python3.11", "arm64")


def test_a_changed_lock_takes_nothing_of_the_old_one_from_the_cache(
    tmp_path: Path, quick_index: Index, lock: Callable[..., Path]
) -> None:
    cache = tmp_path / "cache"
    old = lock(quick_index("one", **{"one.py": b"old"}))
    wheels.install(old, tmp_path / "old", "python3.11", "arm64", cache=cache)
    new = lock(quick_index("one", **{"one.py": b"new"}))

    wheels.install(new, tmp_path / "new", "python3.11", "arm64", cache=cache)

    assert contents(tmp_path / "new")["one.py"] == b"new"


def test_several_at_the_same_time_share_a_cache(
    tmp_path: Path, quick_index: Index, lock: Callable[..., Path]
) -> None:
    pinned = lock(quick_index("one"), quick_index("two"))

    def install(number: int) -> dict[str, bytes]:
        target = tmp_path / str(number)
        wheels.install(pinned, target, "python3.11", "arm64", cache=tmp_path / "cache")
        return contents(target)

    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(install, range(4))

    assert first.keys() >= {"one.py", "two.py"}
    assert all(other == first for other in others)
    (folder,) = (tmp_path / "cache").iterdir()
    assert sorted(path.name.split("-")[0] for path in folder.iterdir()) == ["one", "two"]


def test_data_that_is_code_is_put_beside_the_code_and_the_rest_is_left(
    tmp_path: Path, quick_index: Index, lock: Callable[..., Path]
) -> None:
    pinned = lock(
        quick_index(
            "one",
            **{
                "one.py": b"",
                "one-1.0.data/purelib/pure.py": b"",
                "one-1.0.data/platlib/deep/plat.py": b"",
                "one-1.0.data/scripts/run": b"",
                "one-1.0.data/data/share/manual": b"",
                "../outside.py": b"",
                "/absolute.py": b"",
            },
        )
    )

    wheels.install(pinned, tmp_path / "in" / "here", "python3.11", "arm64", cache=tmp_path / "c")

    code = {name for name in contents(tmp_path / "in" / "here") if "dist-info" not in name}
    assert code == {"one.py", "pure.py", "deep/plat.py"}
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["here"]


def test_two_packages_with_the_same_file_are_refused(
    tmp_path: Path, quick_index: Index, lock: Callable[..., Path]
) -> None:
    both = {"tests/__init__.py": b""}
    pinned = lock(quick_index("one", **both), quick_index("two", **both))

    assert refusal(tmp_path, pinned) == "two and another package both bring tests/__init__.py"


def test_a_folder_with_other_files_is_not_mixed_with_the_packages(
    tmp_path: Path, lock: Callable[..., Path]
) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "other.py").touch()

    assert refusal(tmp_path, lock(one="0" * 64)).endswith("target is not empty")


def elf(machine: int, text: bytes = b"", kind: int = 2) -> bytes:
    return b"\x7fELF" + bytes([kind]) + bytes(13) + machine.to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("one.so", b"no library", "it is no 64-bit ELF file"),
        ("one.so", elf(62, kind=1), "it is no 64-bit ELF file"),
        ("one.so", elf(183), "it is for aarch64"),
        ("one.so", elf(3), "it is for machine 3"),
        ("one.cpython-312-x86_64-linux-gnu.so", elf(62), "it is for CPython 312"),
        ("one.cpython-311-aarch64-linux-gnu.so", elf(62), "its name says aarch64"),
        ("one.abi3.so", elf(62, b"\0GLIBC_2.4\0GLIBC_2.28\0"), "it needs glibc 2.28, not 2.26"),
        ("libone.so.1", elf(183), "it is for aarch64"),
    ],
)
def test_a_compiled_file_that_does_not_fit_is_refused(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / name).write_bytes(content)

    with pytest.raises(click.ClickException) as raised:
        wheels.check(tmp_path, "python3.11", "x86_64")

    assert raised.value.message == f"one/{name} does not run on python3.11, x86_64: {said}"


@pytest.mark.parametrize(
    "name", ["one.so", "one.abi3.so", "one.cpython-311-x86_64-linux-gnu.so", "libone.so.1"]
)
def test_a_compiled_file_that_fits_is_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(elf(62, b"\0GLIBC_2.2.5\0GLIBC_2.26\0GLIBC_PRIVATE\0"))

    wheels.check(tmp_path, "python3.11", "x86_64")


def test_a_package_that_does_not_say_for_what_it_is_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one-1.0.dist-info").mkdir()
    (tmp_path / "one-1.0.dist-info" / "WHEEL").write_text("Wheel-Version: 1.0\n")

    with pytest.raises(click.ClickException, match=r"one-1.0 does not run .*: it is for no tag"):
        wheels.check(tmp_path, "python3.11", "x86_64")


def test_what_is_no_runtime_or_architecture_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match=r"python3.9 .* python3.11, python3.12, python"):
        wheels.install(LOCK, tmp_path, "python3.9", "x86_64")
    with pytest.raises(click.ClickException, match=r"aarch64; choose one of x86_64, arm64"):
        wheels.install(LOCK, tmp_path, "python3.11", "aarch64")


def test_the_platforms_of_a_lambda_end_with_its_c_library() -> None:
    old, new = runtime_named("python3.11"), runtime_named("python3.13")

    assert platforms(old, "x86_64")[0] == "manylinux_2_26_x86_64"
    assert platforms(new, "arm64")[0] == "manylinux_2_34_aarch64"
    assert platforms(new, "arm64")[-2:] == ["manylinux_2_17_aarch64", "manylinux2014_aarch64"]
    assert platforms(old, "x86_64")[-2:] == ["manylinux_2_5_x86_64", "manylinux1_x86_64"]


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (date(2026, 11, 25), None),
        (date(2027, 1, 1), "python3.11: AWS ends its support on 2027-06-30"),
        (date(2027, 6, 30), "python3.11: AWS has applied no security patches since 2027-06-30"),
        (date(2027, 7, 31), "python3.11: AWS creates no function with it since 2027-07-31"),
        (date(2027, 8, 31), "python3.11: AWS updates no function with it since 2027-08-31"),
    ],
)
def test_a_runtime_that_ends_is_noticed(today: date, said: str | None) -> None:
    assert notice(runtime_named("python3.11"), today) == said
