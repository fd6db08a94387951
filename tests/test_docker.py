"""The cluster files say what they should; docker/test_image.sh builds the image and runs it."""

import http.server
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
from importlib.metadata import requires
from pathlib import Path

import click
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import wann
from wann.cli.main import commands

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).resolve().parents[1]
DOCKER = ROOT / "docker"
VERSION = wann.__version__
IMAGE = f"wann:{VERSION}"

COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
MANIFESTS = list(yaml.safe_load_all((DOCKER / "rayjob.yaml").read_text()))
JOB = next(one for one in MANIFESTS if one["kind"] == "RayJob")["spec"]
CLUSTER = JOB["rayClusterSpec"]
GROUPS = [CLUSTER["headGroupSpec"], *CLUSTER["workerGroupSpecs"]]
TEMPLATES = [JOB["submitterPodTemplate"], *(group["template"] for group in GROUPS)]


def stages() -> list[list[tuple[str, str]]]:
    """Instructions of the Dockerfile's stages, each an upper-case word and its text on one line."""
    text = re.sub(r"^#.*\n", "", (DOCKER / "Dockerfile").read_text(), flags=re.MULTILINE)
    text = re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    found: list[list[tuple[str, str]]] = [[]]
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append([])
        found[-1].append((word, " ".join(rest.split())))
    return found


def pins(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.+]+", line) for line in lines), path
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def wann_commands() -> list[str]:
    """Every command line of ours in the page, the manifest and the script, on one line each."""
    page = (DOCKER / "README.md").read_text().replace("\\\n", " ")
    blocks = re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL) + re.findall(r"`(wann [^`]+)`", page)
    lines = [*"\n".join(blocks).splitlines(), JOB["entrypoint"]]
    lines += re.findall(r"(?:\(|\$head\" |-- )(wann [^|>)\n]+)", (DOCKER / "test_image.sh").read_text())
    found = [match[0] for line in lines if (match := re.search(r"(?<!\S)wann .*", line))]
    assert len(found) > 6
    return sorted({" ".join(line.split()) for line in found})


# The Dockerfile


def test_the_image_runs_as_a_user_of_its_own_with_a_health_check_and_a_token():
    final = stages()[-1]
    users = [rest for word, rest in final if word == "USER"]
    assert users
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]), (
        "a number, or Kubernetes cannot tell that it is not root"
    )
    names = [word for word, _ in final]
    assert "HEALTHCHECK" in names
    assert names.index("USER") > max(i for i, word in enumerate(names) if word in ("RUN", "COPY"))
    environment = next(rest for word, rest in final if word == "ENV")
    assert "RAY_AUTH_MODE=token" in environment.split()
    assert "RAY_USAGE_STATS_ENABLED=0" in environment.split()
    assert ("ENTRYPOINT", '["wann"]') in final


def test_the_image_is_built_in_one_stage_and_lives_in_another():
    arguments, build, final = stages()
    base = dict(arguments)["ARG"]
    assert base.startswith("BASE=")
    assert build[0] == ("FROM", "${BASE} AS build")
    assert final[0] == ("FROM", "${BASE}")
    assert not [
        rest for word, rest in final if word == "RUN" and re.search(r"\b(pip|apt|apt-get|gcc)\b", rest)
    ]
    assert all(rest.startswith("--from=build ") for word, rest in final if word == "COPY")
    assert f'org.opencontainers.image.version="{VERSION}"' in dict(final)["LABEL"]


def test_everything_installed_is_pinned():
    ours, image = pins(ROOT / "constraints.txt"), pins(DOCKER / "constraints.txt")
    assert not {
        name: (ours[name], image[name]) for name in ours.keys() & image.keys() if ours[name] != image[name]
    }
    install = next(rest for word, rest in stages()[1] if word == "RUN" and "pip" in rest)
    for file in ("/src/constraints.txt", "/src/docker/constraints.txt"):
        assert f"-c {file}" in install
    for _, arguments in re.findall(r"\$pip (--python \S+ )?install ([^;]+);", install):
        assert "$pins" in arguments
    both = {**ours, **image}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    needed = [Requirement(line) for line in (*project, *(requires("ray") or []))]
    for one in needed:
        if one.marker is None or one.marker.evaluate({"extra": "default", "python_version": "3.11"}):
            assert canonicalize_name(one.name) in both, one.name
            assert one.specifier.contains(both[canonicalize_name(one.name)]), one
    assert both["ray"] == CLUSTER["rayVersion"]


def test_nothing_but_the_package_reaches_the_build():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    for rule in rules[1:]:
        path = rule.removeprefix("!")
        assert not rule.startswith("!") or (ROOT / path).exists(), rule
        assert path.split("/")[-1] not in ("secrets", "runs", ".git", ".venv", "docker")


def test_the_token_is_never_part_of_the_repository():
    secret = COMPOSE["secrets"]["ray-token"]["file"]
    assert secret.removeprefix("./").split("/")[0] + "/" in (DOCKER / ".gitignore").read_text().splitlines()
    assert not [one for one in MANIFESTS if one["kind"] == "Secret"]
    for path in DOCKER.iterdir():
        if path.is_file():
            assert not re.search(r"\b[0-9a-f]{32,}\b", path.read_text()), path


# Compose


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_needs_the_token_and_can_do_little_else(name):
    service = SERVICES[name]
    needed = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": "/run/secrets/ray-token"}
    assert needed.items() <= service["environment"].items()
    assert service["secrets"] == ["ray-token"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.keys() & {"privileged", "network_mode", "pid", "ipc", "cap_add", "user"}
    assert service["restart"] != "no"
    assert service["image"] == IMAGE


def test_ports_are_bound_to_this_machine_only():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 1
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", SERVICES)
def test_the_object_store_fits_into_shared_memory_and_memory(name):
    service = SERVICES[name]
    store = next(
        int(word.split("=")[1]) for word in service["command"] if word.startswith("--object-store-memory=")
    )
    units = {"mb": 10**6, "g": 10**9, "m": 10**6}
    limit = re.search(r"(\d+)g}?$", service["mem_limit"])
    assert re.fullmatch(r"\d+mb", service["shm_size"])
    shared = int(service["shm_size"][:-2]) * units["mb"]
    assert store < shared < int(limit[1]) * units["g"]


def test_workers_wait_for_a_healthy_head_and_have_as_many_cpus_as_evaluators():
    worker = SERVICES["worker"]
    assert worker["depends_on"]["head"]["condition"] == "service_healthy"
    assert f"--num-cpus={worker['cpus']}" in worker["command"]
    assert "ports" not in worker
    assert "container_name" not in worker  # one name could not be scaled
    assert "--head" in SERVICES["head"]["command"]
    assert "--block" in SERVICES["head"]["command"]
    assert "--block" in worker["command"]
    assert "runs:/home/wann/runs" in SERVICES["head"]["volumes"]


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_tells_a_healthy_node_from_another(status, code):
    class Node(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path == "/api/healthz" else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Node) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        for service in SERVICES.values():
            kind, _, *arguments = service["healthcheck"]["test"]
            assert kind == "CMD"
            there = [word.replace(":52365/", f":{server.server_port}/") for word in arguments]
            assert there != arguments
            ended = subprocess.run([sys.executable, *there], capture_output=True, check=False)
            assert ended.returncode == code, ended.stderr
        server.shutdown()
        thread.join()


# Kubernetes

# Of KubeRay's own reference of the types, release 1.7.0.
FIELDS = {
    "RayJobSpec": (
        "activeDeadlineSeconds backoffLimit rayClusterSpec submitterPodTemplate metadata "
        "clusterSelector submitterConfig managedBy deletionStrategy entrypoint runtimeEnvYAML "
        "jobId submissionMode entrypointResources entrypointNumCpus entrypointNumGpus "
        "ttlSecondsAfterFinished preRunningDeadlineSeconds shutdownAfterJobFinishes suspend"
    ),
    "RayClusterSpec": (
        "upgradeStrategy authOptions suspend managedBy autoscalerOptions headServiceAnnotations "
        "enableInTreeAutoscaling gcsFaultToleranceOptions networkPolicy tlsOptions "
        "headGroupSpec rayVersion workerGroupSpecs"
    ),
    "AuthOptions": "enableK8sTokenAuth secretName mode",
    "AutoscalerOptions": (
        "resources image imagePullPolicy securityContext idleTimeoutSeconds upscalingMode "
        "version env envFrom volumeMounts command args"
    ),
    "HeadGroupSpec": (
        "template headService enableIngress ingressOptions resources labels rayStartParams serviceType"
    ),
    "WorkerGroupSpec": (
        "suspend groupName replicas minReplicas maxReplicas idleTimeoutSeconds priority "
        "resources labels rayStartParams template scaleStrategy numOfHosts"
    ),
}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("RayJobSpec", JOB),
        ("RayClusterSpec", CLUSTER),
        ("AuthOptions", CLUSTER["authOptions"]),
        ("AutoscalerOptions", CLUSTER["autoscalerOptions"]),
        ("HeadGroupSpec", CLUSTER["headGroupSpec"]),
        ("WorkerGroupSpec", CLUSTER["workerGroupSpecs"][0]),
    ],
)
def test_kuberay_knows_every_field(kind, value):
    assert not value.keys() - set(FIELDS[kind].split())


def test_the_pods_need_the_token_of_a_secret():
    assert CLUSTER["authOptions"]["mode"] == "token"
    name = CLUSTER["authOptions"]["secretName"]
    created = re.findall(
        r"kubectl create secret generic (\S+) --from-literal=(\w+)=", (DOCKER / "README.md").read_text()
    )
    assert created == [(name, "auth_token")]


@pytest.mark.parametrize("template", TEMPLATES, ids=["submitter", "head", "worker"])
def test_pods_are_not_root_and_fall_under_the_policies(template):
    pod = template["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    user = [rest for word, rest in stages()[-1] if word == "USER"][-1]
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == user
    for container in pod["containers"]:
        assert container["image"] == IMAGE
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"].keys() == {"cpu", "memory"}
    policies = [one["spec"] for one in MANIFESTS if one["kind"] == "NetworkPolicy"]
    labels = template["metadata"]["labels"].items()
    assert [
        policy
        for policy in policies
        if set(policy["policyTypes"]) == {"Ingress", "Egress"}
        and policy["podSelector"]["matchLabels"].items() <= labels
    ], "a pod that no policy of both directions selects is open to all"


def test_the_policies_name_whom_they_let_through():
    for policy in (one["spec"] for one in MANIFESTS if one["kind"] == "NetworkPolicy"):
        assert policy["podSelector"]["matchLabels"]
        for rule in policy.get("ingress", []):
            assert all(peer["podSelector"]["matchLabels"] for peer in rule["from"]), rule
        for rule in policy.get("egress", []):
            assert rule["to"], rule
            for peer in rule["to"]:
                assert peer.get("ipBlock", {}).get("cidr") != "0.0.0.0/0"


def test_the_cluster_can_grow_to_the_evaluators_that_are_asked_for():
    assert CLUSTER["enableInTreeAutoscaling"] is True
    asked = int(re.search(r"--workers (\d+)", JOB["entrypoint"])[1])
    group = CLUSTER["workerGroupSpecs"][0]
    cpus = int(group["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"])
    assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    assert group["maxReplicas"] * cpus >= asked > group["minReplicas"] * cpus
    assert CLUSTER["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


def test_a_new_try_of_the_job_goes_on_from_the_volume():
    assert JOB["backoffLimit"] > 0
    words = shlex.split(JOB["entrypoint"])
    assert "--resume" in words
    out = Path(words[words.index("--out") + 1])
    pod = CLUSTER["headGroupSpec"]["template"]["spec"]
    (mount,) = pod["containers"][0]["volumeMounts"]
    assert Path(mount["mountPath"]) in out.parents
    (volume,) = pod["volumes"]
    claim = next(one for one in MANIFESTS if one["kind"] == "PersistentVolumeClaim")
    assert volume["name"] == mount["name"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]


# All of them


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "rayjob.yaml", "README.md", "test_image.sh"])
def test_no_image_is_the_latest(name):
    text = (DOCKER / name).read_text()
    assert ":latest" not in text
    images = re.findall(r"(?:image: |-t |BASE=)([a-z][\w./-]*(?::[\w.-]+)?)(?=\s)", text)
    assert all(":" in image for image in images), images


@pytest.mark.parametrize("line", wann_commands())
def test_commands_name_options_that_exist(line):
    _, name, *words = shlex.split(line)
    if name.startswith("--"):
        assert name in ("--version", "--help")
        return
    assert name in commands.commands, f"no command {name}"
    context = click.Context(commands.commands[name])
    known = {option for parameter in commands.commands[name].get_params(context) for option in parameter.opts}
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= known, line


def test_the_script_is_sound():
    script = DOCKER / "test_image.sh"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "--severity=warning", script], check=True)


def test_the_script_says_what_is_missing(tmp_path):
    for tool in ("bash", "dirname"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    ended = subprocess.run(
        ["bash", DOCKER / "test_image.sh"],
        env={"PATH": str(tmp_path), "WANN_DOCKER_BUILD": str(tmp_path / "build")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert "buildah is missing" in ended.stderr
    assert not (tmp_path / "build").exists()


def test_the_page_shows_a_runtime_environment_that_is_json_and_our_wheel():
    (text,) = re.findall(r"--runtime-env-json '([^']+)'", (DOCKER / "README.md").read_text())
    assert f"wann-{VERSION}-py3-none-any.whl" in json.loads(text)["pip"][0]
