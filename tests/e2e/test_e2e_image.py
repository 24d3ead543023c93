"""What the Dockerfile makes serves as another user, from code it cannot write."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy.engine import make_url

from tests.e2e import image as images
from tests.e2e.image import Image
from tests.postgres import Postgres
from tests.server import free_port
from tests.test_wheel import get

pytestmark = pytest.mark.skipif(
    not images.can_be_contained() or images.python_for_all() is None,
    reason="needs root, to make a container's view, and a Python every user may run",
)


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The image, where its user may look into (pytest's folders are its owner's)."""
    with TemporaryDirectory(prefix="image-") as folder:
        Path(folder).chmod(0o755)
        yield images.built(Path(folder))


def healthy(image: Image, port: int) -> bool:
    """Whether the health check of the image ends well, asked until it does."""
    command = [word.replace(":8080/", f":{port}/") for word in image.health]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        asked = image.start(command)
        asked.communicate()
        if asked.returncode == 0:
            return True
        time.sleep(0.5)
    return False


def reachable(url: str) -> None:
    """Let every user come to the socket of a PostgreSQL whose folder is its own."""
    folder = make_url(url).query.get("host")
    if isinstance(folder, str) and folder.startswith("/"):
        for place in (Path(folder), Path(folder).parent):
            place.chmod(place.stat().st_mode | 0o011)


def test_the_image_serves_and_is_healthy(image: Image) -> None:
    """Its command prints a token that opens the base URL; its health check passes."""
    port = free_port()
    served = image.start(image.command, SCIM_CONNECTOR_PORT=str(port))
    try:
        assert healthy(image, port), served.communicate(timeout=1)[0]
    finally:
        served.terminate()
    said = served.communicate(timeout=30)[0]
    data = image.folder / "data"

    assert re.search(r"^Bearer token: +scimc_", said, re.MULTILINE)
    assert "Warning: other machines reach" in said
    assert served.returncode == 0
    assert {file.stat().st_uid for file in data.iterdir()} == {10001}
    assert (data / "scim-connector.key").stat().st_mode & 0o777 == 0o600


def test_the_health_check_fails_where_nobody_answers(image: Image) -> None:
    """A container whose server is gone is not called healthy."""
    port = free_port()
    command = [word.replace(":8080/", f":{port}/") for word in image.health]
    asked = image.start(command)
    asked.communicate()

    assert asked.returncode != 0


def test_the_image_cannot_write_its_code(image: Image) -> None:
    """Nothing of the installed program belongs to or can be written by its user."""
    code = image.folder / "opt" / "scim-connector"
    found = [
        path
        for path in code.rglob("*")
        if not path.is_symlink()
        and (path.stat().st_uid == image.user or path.stat().st_mode & 0o022)
    ]

    assert image.user == 10001
    assert found == []


def test_the_image_writes_its_volume_and_nothing_else(image: Image) -> None:
    """The rest of the file system is read-only, and it cannot change that."""
    tried = """
import pathlib, sys
for place in sys.argv[1:]:
    try:
        pathlib.Path(place, "tried").write_text("x")
        print("written")
    except OSError as error:
        print(error.strerror)
"""
    places = (f"{image.folder}/data", f"{image.folder}/opt/scim-connector", "/", "/tmp")  # noqa: S108 - it must fail
    wrote = image.start(["python", "-c", tried, *places]).communicate()[0].split("\n")
    again = image.start(["mount", "-o", "remount,bind,rw", "/"])
    again.communicate()

    assert wrote[0] == "written"
    assert set(wrote[1:4]) == {"Read-only file system"}
    assert again.returncode != 0


def test_the_image_carries_no_tool_to_build(image: Image) -> None:
    """Neither pip nor the build backend is installed beside the program."""
    site = image.folder / "opt" / "scim-connector"
    installed = {path.name.lower() for path in site.glob("lib/*/site-packages/*")}

    assert "psycopg" in installed
    assert not installed & {"pip", "setuptools", "hatchling", "wheel"}


def test_the_image_speaks_postgresql(image: Image, postgres_server: Postgres) -> None:
    """A URL in a file is enough: `db upgrade` makes the tables, `serve` serves them."""
    secret = image.folder / "database-url"
    url = postgres_server.create("imaged")
    reachable(url)
    secret.write_text(f"{url}\n")
    secret.chmod(0o444)
    port = free_port()
    where = {
        "SCIM_CONNECTOR_DATABASE_URL_FILE": str(secret),
        "SCIM_CONNECTOR_SECRET_KEY_FILE": str(image.folder / "data" / "second.key"),
        "SCIM_CONNECTOR_PORT": str(port),
        "SCIM_CONNECTOR_TRUSTED_PROXIES": "192.0.2.1",
    }
    made = image.start([image.command[0], "db", "upgrade"], **where)
    said = made.communicate(timeout=60)[0]
    token = re.search(r"^Bearer token: +(\S+)$", said, re.MULTILINE)
    assert token, said
    served = image.start(image.command, **where)
    try:
        status, _ = get(f"http://127.0.0.1:{port}/scim/v2/Users", token[1])
    finally:
        served.terminate()
        said = served.communicate(timeout=30)[0]
    postgres_server.drop("imaged")

    assert status == 200
    assert "Warning" not in said
