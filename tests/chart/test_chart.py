"""The Helm chart, linted and rendered by Helm's own code, and held to Kubernetes' schemas.

Run by ``./dev image``; no cluster is needed, and none has run it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from helm_python import Chart, HelmError
from helm_python.chart import lint

from scim_connector import __version__
from scim_connector.settings import PREFIX, SETTINGS

CHART = Path(__file__).resolve().parents[2] / "deploy/helm/scim-connector"
LEAST: dict[str, Any] = {"publicUrl": "https://scim.example.com"}
FULL: dict[str, Any] = {
    **LEAST,
    "image": {
        "repository": "registry.example.com/scim-connector",
        "digest": f"sha256:{'a' * 64}",
    },
    "imagePullSecrets": [{"name": "registry"}],
    "settings": {"SCIM_CONNECTOR_SMTP_HOST": "smtp.example.com"},
    "secretSettings": [
        {
            "name": "SCIM_CONNECTOR_SMTP_PASSWORD",
            "secretName": "smtp",
            "key": "password",
        }
    ],
    "web": {"replicas": 1, "resources": {"limits": {"memory": "1Gi"}}},
    "worker": {"replicas": 1},
    "ingress": {"enabled": True, "className": "nginx", "tlsSecretName": "tls"},
    "networkPolicy": {"enabled": True, "from": [{"namespaceSelector": {}}]},
    "extraVolumes": [{"name": "authority", "configMap": {"name": "authority"}}],
    "extraVolumeMounts": [{"name": "authority", "mountPath": "/etc/authority"}],
    "podAnnotations": {"a": "b"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "k", "operator": "Exists"}],
}
VERSIONS = ("1.27", "1.34")


def rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    """The manifests of a release named ``idm``."""
    texts = Chart.load(CHART).render(values, name="idm", namespace="scim")
    return [
        made
        for path, text in texts.items()
        if path.endswith(".yaml")
        for made in yaml.safe_load_all(text)
        if made
    ]


def of_kind(kind: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """The manifests of one kind."""
    return [each for each in rendered(values) if each["kind"] == kind]


def pods(values: dict[str, Any]) -> list[dict[str, Any]]:
    """What each of our pods is made of: the two parts, and the job before them."""
    found = [*of_kind("Deployment", values), *of_kind("Job", values)]
    return [each["spec"]["template"]["spec"] for each in found]


@pytest.mark.parametrize("values", [LEAST, FULL], ids=["least", "full"])
def test_helm_has_nothing_to_say(values: dict[str, Any]) -> None:
    """Its linter, with warnings as errors; an icon is a matter of taste."""
    told = lint(CHART, values, strict=True)

    assert told["errors"] == []
    assert [m for m in told["messages"] if "icon" not in m["error"]] == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", [LEAST, FULL], ids=["least", "full"])
def test_every_manifest_is_one(values: dict[str, Any], version: str) -> None:
    """By the schemas of the oldest Kubernetes the chart allows, and of a new one."""
    made = rendered(values)
    for each in made:
        kubernetes_validate.validate(each, version, strict=True)

    assert {"Deployment", "Job", "Service"} <= {each["kind"] for each in made}


def test_no_pod_may_do_more_than_it_needs() -> None:
    """User 10001, no privilege, a file system that is read, no token of the cluster."""
    for pod in pods(FULL):
        (container,) = pod["containers"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["runAsNonRoot"] is True
        held = container["securityContext"]
        assert held["readOnlyRootFilesystem"] is True
        assert held["allowPrivilegeEscalation"] is False
        assert held["capabilities"] == {"drop": ["ALL"]}


def test_the_variables_are_settings_and_no_secret_is_a_value() -> None:
    """What stands in a pod is known to the program; secrets come by file or Secret."""
    known = {setting.variable for setting in SETTINGS}
    for pod in pods(FULL):
        given = pod["containers"][0]["env"]
        names = {each["name"] for each in given}
        assert all(n in known or n.removesuffix("_FILE") in known for n in names)
        for each in given:
            if re.search("PASSWORD|SECRET_KEY|DATABASE_URL", each["name"]):
                assert "valueFrom" in each or each["value"].startswith("/run/secrets/")


def test_the_parts_are_those_of_the_compose_file() -> None:
    """One prepares, the web delivers nothing, the workers do; the ends match."""
    by_command = {
        tuple(p["containers"][0]["args"]): p["containers"][0] for p in pods(FULL)
    }
    web = by_command[("serve",)]
    (service,) = of_kind("Service", LEAST)
    (ingress,) = of_kind("Ingress", FULL)

    assert set(by_command) == {("db", "upgrade"), ("serve",), ("worker",)}
    assert {"name": "SCIM_CONNECTOR_DELIVER", "value": "no"} in web["env"]
    assert web["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert service["spec"]["ports"][0]["targetPort"] == web["ports"][0]["name"]
    assert ingress["spec"]["rules"][0]["host"] == "scim.example.com"
    assert ingress["spec"]["tls"][0]["hosts"] == ["scim.example.com"]


def test_selectors_choose_their_own_pods() -> None:
    """A service, a budget or a policy that chose nobody would say nothing."""
    values = {**LEAST, "networkPolicy": {"enabled": True}}
    labels = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"].items()
        for each in of_kind("Deployment", values)
    }
    web, worker = labels["idm-scim-connector-web"], labels["idm-scim-connector-worker"]
    (service,) = of_kind("Service", values)
    (budget,) = of_kind("PodDisruptionBudget", values)
    policies = of_kind("NetworkPolicy", values)

    assert service["spec"]["selector"].items() <= web
    assert budget["spec"]["selector"]["matchLabels"].items() <= web
    chosen = [each["spec"]["podSelector"]["matchLabels"].items() for each in policies]
    assert chosen[0] <= web
    assert chosen[1] <= worker
    assert not service["spec"]["selector"].items() <= worker


def test_what_is_set_arrives_as_it_was_written() -> None:
    """A large number keeps its digits, and the collector of traces can be named."""
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        "SCIM_CONNECTOR_MAX_BODY": 2097152,
        "SCIM_CONNECTOR_STATEMENT_TIMEOUT": 2.5,
        "SCIM_CONNECTOR_ORGANISATION": 'The "Contoso" College',
    }
    for pod in pods({**LEAST, "settings": settings}):
        given = {e["name"]: e.get("value") for e in pod["containers"][0]["env"]}
        assert {name: given[name] for name in settings} == {
            name: str(value) for name, value in settings.items()
        }


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"publicUrl": "http://scim.example.com"},
        {"publicUrl": "https://scim.example.com/scim"},
        {"publicUrl": "https://scim.example.com?a=b"},
        {"publicUrl": "https://ann@scim.example.com"},
        {**LEAST, "settings": {"SMTP_HOST": "x"}},
        {**LEAST, "settings": {"SCIM_CONNECTOR_SMTP_HOTS": "x"}},
        {**LEAST, "settings": {"SCIM_CONNECTOR_SECRET_KEY": "x"}},
        {**LEAST, "settings": {"SCIM_CONNECTOR_SMTP_PASSWORD": "x"}},
        {**LEAST, "settings": {"SCIM_CONNECTOR_SECRET_KEY_FILE": "x"}},
        {**LEAST, "settings": {"SCIM_CONNECTOR_PORT": 9000}},
        {**LEAST, "settings": {"SCIM_CONNECTOR_TRACES": True}},
        {**LEAST, "settings": {"SCIM_CONNECTOR_TLS_CERT": "x"}},
        {
            **LEAST,
            "secretSettings": [
                {"name": "SCIM_CONNECTOR_DATABASE_URL", "secretName": "s", "key": "k"}
            ],
        },
        {**LEAST, "extraVolumeMounts": [{"name": "authority"}]},
        {**LEAST, "replicas": 3},
        {**LEAST, "web": {"replicas": 0}},
    ],
    ids=json.dumps,
)
def test_values_that_cannot_work_are_refused(values: dict[str, Any]) -> None:
    """By the schema of the chart, before anything is sent to a cluster."""
    with pytest.raises(HelmError):
        Chart.load(CHART).render(
            Chart.load(CHART).merge_values(values), name="idm", namespace="scim"
        )


def test_the_schema_knows_every_setting() -> None:
    """A misspelt name is refused by Helm, a new setting is not."""
    known = json.loads((CHART / "values.schema.json").read_text())["definitions"]
    own = {"DATABASE_URL", "SECRET_KEY", "SECRET_KEY_FILE", "PUBLIC_URL", "DELIVER"}
    own |= {"HOST", "PORT", "TLS_CERT", "TLS_KEY"}  # probes and Service rest on these
    others = [s for s in SETTINGS if s.variable.removeprefix(PREFIX) not in own]

    assert known["plain"]["enum"] == [s.variable for s in others if not s.secret]
    assert known["secret"]["enum"] == [s.variable for s in others if s.secret]


def test_a_pod_that_stops_answers_until_nobody_is_sent_to_it() -> None:
    """The web waits before it stops, and there is time for that and for what it does."""
    (web,) = [p for p in pods(FULL) if p["containers"][0]["name"] == "web"]
    waits = web["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]

    assert waits == ["sleep", "5"]
    assert web["terminationGracePeriodSeconds"] >= 5 + 10


def test_files_of_ones_own_are_in_every_pod() -> None:
    """As the certificates of a private authority are, for mail and the database."""
    for pod in pods(FULL):
        mounts = {each["name"] for each in pod["containers"][0]["volumeMounts"]}
        assert {"authority", "secrets", "data", "tmp"} <= mounts
        assert mounts == {each["name"] for each in pod["volumes"]}


def test_the_chart_is_of_this_version() -> None:
    """The image it names by itself is the one of this program."""
    told = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert told["appVersion"] == told["version"] == __version__
