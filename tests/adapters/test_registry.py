"""A real registry, one that asks for a token, and ones that misbehave are asked whether an image is there."""

import base64
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest

from monitor.adapters.http import Access
from monitor.adapters.memory.world import ScriptedRegistry
from monitor.adapters.registry import OciRegistry
from monitor.adapters.registry.challenge import Challenge, challenge, token_address
from monitor.adapters.registry.client import MANIFESTS
from monitor.adapters.registry.reference import Reference, reference
from monitor.ports.world import Availability, Missing, Present, Registry, Unknown
from tests.servers.hostile import Hostile, cut, drip, flood, hang, reply
from tests.servers.ports import free_port
from tests.servers.registry import DOCKER, DOCKER_LIST, OCI, OCI_INDEX, PASSWORD, USER, DockerRegistry

DIGEST = f"sha256:{'0' * 64}"
WITHIN = 10.0


def ask(registry: Registry, image: str, deadline: float = WITHIN) -> Availability:
    return registry.available(image, deadline=deadline)


# --- a real one -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> Iterator[DockerRegistry]:
    with DockerRegistry() as running:
        yield running


@pytest.mark.parametrize("media", [DOCKER, OCI, DOCKER_LIST, OCI_INDEX])
def test_an_image_that_is_there(real: DockerRegistry, media: str) -> None:
    digest = real.push("shop/auth", "2.13.4", media)
    registry = OciRegistry(real.url)
    assert digest.startswith("sha256:")
    assert ask(registry, f"{real.host}/shop/auth:2.13.4") == Present(digest)
    assert ask(registry, "shop/auth:2.13.4") == Present(digest), "a name without a host is of the registry"
    assert ask(registry, f"{real.host}/shop/auth@{digest}") == Present(digest)


def test_an_image_that_is_not_there(real: DockerRegistry) -> None:
    real.push("shop/web", "1")
    registry = OciRegistry(real.url)
    assert ask(registry, "shop/web:2") == Missing()
    assert ask(registry, "shop/nothing:1") == Missing()
    assert ask(registry, f"shop/web@{DIGEST}") == Missing()
    assert registry.probe(deadline=WITHIN) == ""


def test_images_name_it_by_another_host(real: DockerRegistry) -> None:
    real.push("shop/till", "1")
    registry = OciRegistry(f"{real.url}/", hosts=("registry.example.com",))
    assert isinstance(ask(registry, "registry.example.com/shop/till:1"), Present)
    answer = ask(registry, "ghcr.io/shop/till:1")
    assert answer == Unknown(
        "the image is of ghcr.io, and only registry.example.com can be asked (MONITOR_REGISTRY__URL)"
    )


@pytest.fixture(scope="module")
def private() -> Iterator[DockerRegistry]:
    with DockerRegistry(private=True) as running:
        yield running


def test_basic_credentials(private: DockerRegistry) -> None:
    digest = private.push("shop/auth", "1")
    known = OciRegistry(private.url, Access(username=USER, password=PASSWORD))
    assert ask(known, "shop/auth:1") == Present(digest)
    assert ask(known, "shop/auth:2") == Missing()
    assert known.probe(deadline=WITHIN) == ""


@pytest.mark.parametrize("access", [Access(), Access(username=USER, password="wrong")])
def test_wrong_credentials_are_told(private: DockerRegistry, access: Access) -> None:
    private.push("shop/auth", "1")
    why = "it refuses us (HTTP 401): see MONITOR_REGISTRY__USERNAME and __PASSWORD"
    registry = OciRegistry(private.url, access)
    assert ask(registry, "shop/auth:1") == Unknown(why)
    assert registry.probe(deadline=WITHIN) == why


# --- one that asks for a token --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    authorization: str
    accept: str


@dataclass
class Plan:
    """What the server does: `answers` by path, each a status, headers and body."""

    answers: dict[str, tuple[int, Mapping[str, str], bytes]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    token: str = "a.b-c_d"


class Tokens:
    """A small registry with its token service on one port; a HEAD needs `Bearer token`, a token our credentials."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        tokens = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:  # the library's name
                told = self.headers
                tokens.plan.asked.append(
                    Asked(self.command, self.path, told.get("Authorization", ""), told.get("Accept", ""))
                )
                status, headers, body = tokens.answer(self.path, told.get("Authorization", ""))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD  # noqa: N815  # the library's name

            def log_message(self, *_: object) -> None:
                return

        return Handler

    def answer(self, path: str, authorization: str) -> tuple[int, Mapping[str, str], bytes]:
        plan = self.plan
        known = plan.answers.get(urlsplit(path).path)
        if known is not None:
            return known
        if path.startswith("/token"):
            return 200, {"Content-Type": "application/json"}, f'{{"token": "{plan.token}"}}'.encode()
        if authorization != f"Bearer {plan.token}":
            wanted = 'service="shop, \\"main\\"",scope="repository:shop/auth:pull"'
            return 401, {"WWW-Authenticate": f'Bearer realm="{self.url}/token?from=here",{wanted}'}, b"{}"
        return 200, {"Content-Type": MANIFESTS[1], "Docker-Content-Digest": DIGEST}, b""


def test_a_token_is_fetched_where_it_is_asked_for() -> None:
    with Tokens(Plan()) as server:
        registry = OciRegistry(server.url, Access(username=USER, password=PASSWORD))
        assert ask(registry, "shop/auth:1") == Present(DIGEST)
        first, token, second = server.plan.asked
    assert (first.method, first.path, first.authorization) == ("HEAD", "/v2/shop/auth/manifests/1", "")
    assert set(MANIFESTS) <= set(first.accept.split(", "))
    assert parse_qs(urlsplit(token.path).query) == {
        "from": ["here"],
        "service": ['shop, "main"'],
        "scope": ["repository:shop/auth:pull"],
    }
    assert token.authorization == f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
    assert (second.method, second.authorization) == ("HEAD", "Bearer a.b-c_d")


def test_a_token_may_be_had_by_anybody() -> None:
    with Tokens(Plan()) as server:
        assert ask(OciRegistry(server.url), "shop/auth:1") == Present(DIGEST)
        assert server.plan.asked[1].authorization == ""


JSON = {"Content-Type": "application/json"}
TOKENS = [
    ("another name for it", (200, JSON, b'{"access_token": "a.b-c_d"}'), ""),
    ("refused", (403, JSON, b"{}"), "its token service refused (HTTP 403): see MONITOR_REGISTRY__USERNAME"),
    ("no JSON", (200, JSON, b"<html>"), "its token service gave no token"),
    ("a list", (200, JSON, b"[]"), "its token service gave no token"),
    ("another header inside", (200, JSON, b'{"token": "a\\r\\nX: y"}'), "its token service gave no token"),
    ("a wrong one", (200, JSON, b'{"token": "x"}'), "it refuses us (HTTP 401)"),
    (
        "elsewhere",
        (302, {"Location": "http://127.0.0.1:1/"}, b""),
        "it redirects to another host, which is not followed",
    ),
]


@pytest.mark.parametrize(("answer", "why"), [row[1:] for row in TOKENS], ids=[row[0] for row in TOKENS])
def test_what_the_token_service_answers(answer: tuple[int, Mapping[str, str], bytes], why: str) -> None:
    with Tokens(Plan({"/token": answer})) as server:
        told = ask(OciRegistry(server.url), "shop/auth:1")
    assert told == Present(DIGEST) if not why else isinstance(told, Unknown) and told.why.startswith(why)


def test_credentials_do_not_follow_a_redirect_to_another_host() -> None:
    with Tokens(Plan()) as other:
        elsewhere = (307, {"Location": f"{other.url}/v2/shop/auth/manifests/1"}, b"")
        with Tokens(Plan({"/v2/shop/auth/manifests/1": elsewhere})) as server:
            told = ask(OciRegistry(server.url, Access(username=USER, password=PASSWORD)), "shop/auth:1")
        assert told == Unknown("it redirects to another host, which is not followed")
        assert other.plan.asked == []


def test_a_redirect_on_the_same_host_is_followed_and_not_for_ever() -> None:
    here = (307, {"Location": "/v2/moved/manifests/1"}, b"")
    with Tokens(Plan({"/v2/shop/auth/manifests/1": here})) as server:
        assert ask(OciRegistry(server.url), "shop/auth:1") == Present(DIGEST)
    with Tokens(Plan({"/v2/shop/auth/manifests/1": (307, {"Location": "/v2/shop/auth/manifests/1"}, b"")})) as server:
        assert ask(OciRegistry(server.url), "shop/auth:1") == Unknown("it redirects without an end")


CHALLENGES = [
    ('Bearer realm="https://a/t",service="s"', Challenge("bearer", {"realm": "https://a/t", "service": "s"})),
    ("Basic realm=shop", Challenge("basic", {"realm": "shop"})),
    ('bearer  Realm = "a\\"b" , x=1', Challenge("bearer", {"realm": 'a"b', "x": "1"})),
    ("Negotiate", Challenge("negotiate", {})),
    ("", None),
    ("=", None),
]


@pytest.mark.parametrize(("header", "expected"), CHALLENGES)
def test_a_challenge_is_read(header: str, expected: Challenge | None) -> None:
    assert challenge(header) == expected


ADDRESSES = [
    ("https://a.example/t", "https://r", "https://a.example/t?scope=repository%3Ashop%2Fauth%3Apull"),
    ("http://a.example/t", "http://r", "http://a.example/t?scope=repository%3Ashop%2Fauth%3Apull"),
    ("http://a.example/t", "https://r", ""),
    ("https://ana@a.example/t", "https://r", ""),
    ("file:///etc/passwd", "http://r", ""),
    ("", "http://r", ""),
]


@pytest.mark.parametrize(("realm", "url", "expected"), ADDRESSES)
def test_where_a_token_is_asked_for(realm: str, url: str, expected: str) -> None:
    assert token_address(Challenge("bearer", {"realm": realm}), url, "shop/auth") == expected


# --- ones that misbehave --------------------------------------------------------------------------------------------

MISBEHAVING: list[Any] = [
    pytest.param(hang, "it did not answer in time", id="it hangs"),
    pytest.param(drip(b"HTTP/1.1 200 OK\r\nX: ", 0.05), "it did not answer in time", id="it drips"),
    pytest.param(cut, "it could not be asked (ConnectionError): is MONITOR_REGISTRY__URL right?", id="it cuts"),
    pytest.param(reply(b"", 404), "no registry answers at MONITOR_REGISTRY__URL", id="404 of something else"),
    pytest.param(
        reply(b"", headers={"Content-Type": "text/html"}),
        "it answered with something that is no image: is MONITOR_REGISTRY__URL a registry?",
        id="a page",
    ),
    pytest.param(reply(b"", 429), "it asks to be asked less often (HTTP 429)", id="too often"),
    pytest.param(reply(b"", 503), "it answered with HTTP 503: is MONITOR_REGISTRY__URL right?", id="503"),
    pytest.param(
        reply(b"", 401, {"WWW-Authenticate": "Negotiate"}),
        "it asks for credentials in a way that is not known (negotiate)",
        id="another way to ask",
    ),
    pytest.param(
        reply(b"", 401, {"WWW-Authenticate": 'Bearer realm="file:///etc/passwd"'}),
        "it names a token service that is no address to be trusted",
        id="a token service that is none",
    ),
    pytest.param(
        reply(b"", 401), "it refuses us (HTTP 401): see MONITOR_REGISTRY__USERNAME and __PASSWORD", id="401 alone"
    ),
]


@pytest.mark.parametrize(("behaviour", "why"), MISBEHAVING)
def test_one_that_misbehaves_says_nothing_of_the_image(behaviour: Callable[..., None], why: str) -> None:
    with Hostile(behaviour) as hostile:
        begun = time.monotonic()
        assert ask(OciRegistry(hostile.url), "shop/auth:1", 0.5 if "time" in why else WITHIN) == Unknown(why)
        assert "time" not in why or time.monotonic() - begun < 5


def test_a_flood_is_not_held() -> None:
    with Hostile(flood(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")) as hostile:
        assert OciRegistry(hostile.url).probe(deadline=WITHIN) == "its answer is too large to be read"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    folder = tmp_path_factory.mktemp("tls")
    key, trusted = folder / "key.pem", folder / "certificate.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", str(key), "-out", str(trusted)]
    subprocess.run(["openssl", "req", *kind, *names, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, key)
    return context, str(trusted)


def test_its_certificate_is_checked(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, trusted = certificate
    image = reply(b"", headers={"Content-Type": MANIFESTS[0], "Docker-Content-Digest": DIGEST})
    with Hostile(image, context) as hostile:
        assert ask(OciRegistry(hostile.url, Access(ca_file=trusted)), "shop/auth:1") == Present(DIGEST)
        why = "its certificate is not trusted: see MONITOR_REGISTRY__CA_FILE"
        assert ask(OciRegistry(hostile.url), "shop/auth:1") == Unknown(why)


def test_nobody_there() -> None:
    registry = OciRegistry(f"http://127.0.0.1:{free_port()}")
    assert ask(registry, "shop/auth:1") == Unknown(
        "it could not be asked (ConnectionError): is MONITOR_REGISTRY__URL right?"
    )
    assert ask(registry, "shop/auth:1", 0.0) == Unknown("it did not answer in time")
    with pytest.raises(ValueError, match="no address of a registry"):
        OciRegistry("registry.example.com")


REFERENCES = [
    ("auth", Reference("", "auth", "latest")),
    ("auth:1", Reference("", "auth", "1")),
    ("shop/auth:1", Reference("", "shop/auth", "1")),
    ("localhost/auth:1", Reference("localhost", "auth", "1")),
    ("r.example.com:5000/a/b-c_d.e:1.2-x", Reference("r.example.com:5000", "a/b-c_d.e", "1.2-x")),
    ("[::1]:5000/a:1", Reference("[::1]:5000", "a", "1")),
    (f"r.example.com/a:1@{DIGEST}", Reference("r.example.com", "a", DIGEST)),
    ("", None),
    ("r.example.com/", None),
    ("Auth:1", None),
    ("r.example.com/../../v2/_catalog:1", None),
    ("a/../b:1", None),
    ("a:1/../2", None),
    ("a:1?x=y", None),
    ("a:1#x", None),
    ("a@sha256:..", None),
    ("a@", None),
    ("a:1\nX: y", None),
    ("ana@evil/a:1", None),
]


@pytest.mark.parametrize(("image", "expected"), REFERENCES)
def test_the_name_of_an_image(image: str, expected: Reference | None) -> None:
    assert reference(image) == expected
    if expected is None:
        answer = ask(OciRegistry("http://127.0.0.1:1"), image)
        assert isinstance(answer, Unknown)
        assert "is no name of an image" in answer.why


def test_the_fake_answers_alike() -> None:
    fake = ScriptedRegistry({"a:1": Present(DIGEST), "a:2": Unknown("down")}, trouble="down")
    assert [ask(fake, f"a:{tag}") for tag in (1, 2, 3)] == [Present(DIGEST), Unknown("down"), Missing()]
    assert ask(fake, "a:1", 0.0) == Unknown("it did not answer in time")
    assert fake.asked == ["a:1", "a:2", "a:3", "a:1"]
    assert (fake.probe(deadline=1), fake.probe(deadline=0)) == ("down", "it did not answer in time")
