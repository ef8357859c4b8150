"""What kwok does in a kubelet's place: nodes are ready, pods run at once, those of a Job complete, deleted ones go.

The form: https://kwok.sigs.k8s.io/docs/user/stages-configuration/
"""

import json
from typing import Any

_NOW = "{{ Now | Quote }}"
_IS_DELETED = ".metadata.deletionTimestamp"
_PHASE = ".status.phase"


def _condition(type_: str) -> str:
    return f'- {{type: {type_}, status: "True", reason: Fake, lastTransitionTime: {_NOW}}}'


def _stage(name: str, kind: str, where: list[dict[str, Any]], **then: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": where},
            "next": then,
        },
    }


_NODE = f"""
conditions:
{_condition("Ready")}
capacity: &size
  cpu: "64"
  memory: 256Gi
  ephemeral-storage: 200Gi
  pods: "110"
{{{{ with .metadata.labels }}}}{{{{ if eq (index . "tier") "gpu" }}}}
  nvidia.com/gpu: "4"
{{{{ end }}}}{{{{ end }}}}
allocatable: *size
phase: Running
"""

_RUNNING = f"""
phase: Running
startTime: {_NOW}
conditions:
{_condition("Initialized")}
{_condition("ContainersReady")}
{_condition("Ready")}
containerStatuses:
{{{{ range .spec.containers }}}}
- name: {{{{ .name | Quote }}}}
  image: {{{{ .image | Quote }}}}
  imageID: ""
  ready: true
  started: true
  restartCount: 0
  state: {{running: {{startedAt: {_NOW}}}}}
{{{{ end }}}}
podIP: {{{{ PodIPWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace | Quote }}}}
"""

STAGES = "\n---\n".join(
    json.dumps(stage)
    for stage in (
        _stage("node-ready", "Node", [{"key": _PHASE, "operator": "DoesNotExist"}], statusTemplate=_NODE),
        _stage(
            "pod-running",
            "Pod",
            [
                {"key": _IS_DELETED, "operator": "DoesNotExist"},
                {"key": _PHASE, "operator": "In", "values": ["Pending"]},
            ],
            statusTemplate=_RUNNING,
        ),
        _stage(
            "pod-of-a-job-complete",
            "Pod",
            [
                {"key": _IS_DELETED, "operator": "DoesNotExist"},
                {"key": _PHASE, "operator": "In", "values": ["Running"]},
                {"key": ".metadata.ownerReferences.[].kind", "operator": "In", "values": ["Job"]},
            ],
            statusTemplate="phase: Succeeded\n",
        ),
        _stage("pod-deleted", "Pod", [{"key": _IS_DELETED, "operator": "Exists"}], delete=True),
    )
)
