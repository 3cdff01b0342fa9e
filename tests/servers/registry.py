"""Starts real container registries (Debian's docker-registry) for tests: own folder, free port, ended by pid.

    with DockerRegistry() as registry:
        digest = registry.push("shop/auth", "2.13.4")

Images are pushed by plain HTTP, as the distribution API describes it. It must not know what is being tested.
"""

import base64
import hashlib
import json
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self
from urllib.parse import urljoin

from tests.servers.ports import free_port

STARTED_WITHIN = 20.0
OCI = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = {OCI: "application/vnd.oci.image.config.v1+json", DOCKER: "application/vnd.docker.container.image.v1+json"}

USER, PASSWORD = "monitor", "canary-registry-password"
_HTPASSWD = f"{USER}:$2b$04$OH5pB2I23H9Z5vJxOOeG9urnMws1Pj47ilXdHzPUdELBD2zxOI5le\n"


class DockerRegistry:
    """A real registry for the length of a `with` block; `private`: it asks for USER and PASSWORD."""

    def __init__(self, *, private: bool = False) -> None:
        self.port = free_port()
        self._private = private
        self._folder = tempfile.TemporaryDirectory(prefix="registry-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def __enter__(self) -> Self:
        path = Path(self._folder.name)
        config: dict[str, object] = {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(path / "data")}},
            "http": {"addr": self.host},
        }
        if self._private:
            (path / "htpasswd").write_text(_HTPASSWD)
            config["auth"] = {"htpasswd": {"realm": "shop", "path": str(path / "htpasswd")}}
        (path / "config.yml").write_text(json.dumps(config))
        with (path / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["docker-registry", "serve", str(path / "config.yml")], stdout=log, stderr=log
            )
        ends = time.monotonic() + STARTED_WITHIN
        while not self._answers():
            if time.monotonic() > ends or self._process.poll() is not None:
                self.__exit__()
                raise AssertionError("docker-registry did not start")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._folder.cleanup()

    def push(self, repository: str, tag: str, media: str = DOCKER) -> str:
        """Push a small image, or, where `media` is an index, one of it for one platform; give its digest."""
        if media in (DOCKER_LIST, OCI_INDEX):
            inner = DOCKER if media == DOCKER_LIST else OCI
            digest, size = self._image(repository, f"{tag}-amd64", inner)
            platform = {"architecture": "amd64", "os": "linux"}
            listed = [{"mediaType": inner, "digest": digest, "size": size, "platform": platform}]
            return self._manifest(repository, tag, media, {"manifests": listed})[0]
        return self._image(repository, tag, media)[0]

    def _image(self, repository: str, tag: str, media: str) -> tuple[str, int]:
        layers: dict[str, object] = {"type": "layers", "diff_ids": []}
        config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": layers, "tag": tag}).encode()
        described = {"mediaType": _CONFIG[media], "size": len(config), "digest": self._blob(repository, config)}
        return self._manifest(repository, tag, media, {"config": described, "layers": []})

    def _blob(self, repository: str, content: bytes) -> str:
        begun = self._ask("POST", f"{self.url}/v2/{repository}/blobs/uploads/", b"")
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        place = urljoin(self.url, begun["location"])
        joint = "&" if "?" in place else "?"
        self._ask("PUT", f"{place}{joint}digest={digest}", content, "application/octet-stream")
        return digest

    def _manifest(self, repository: str, tag: str, media: str, body: dict[str, object]) -> tuple[str, int]:
        content = json.dumps({"schemaVersion": 2, "mediaType": media, **body}).encode()
        told = self._ask("PUT", f"{self.url}/v2/{repository}/manifests/{tag}", content, media)
        return told["docker-content-digest"], len(content)

    def _ask(self, method: str, url: str, body: bytes, media: str = "") -> dict[str, str]:
        headers = {"Content-Type": media} if media else {}
        if self._private:
            headers["Authorization"] = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/v2/", timeout=1):
                return True
        except urllib.error.HTTPError as refused:
            refused.close()
            return refused.code == 401
        except OSError:
            return False
