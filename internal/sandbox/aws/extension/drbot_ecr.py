"""ECR: repository creation templates, and what became of an image's replication.

Follows
  https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepositoryCreationTemplate.html
  https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageReplicationStatus.html

Added: {Create,Describe,Update,Delete}RepositoryCreationTemplate(s),
DescribeImageReplicationStatus: for each destination of a rule that matches the
repository COMPLETE when the image's digest is there, else IN_PROGRESS.

Out of reach: replication itself (an image must be pushed in both Regions), and
repositories made from a template.
"""

from typing import Any

from moto.core.utils import unix_time
from moto.ecr.models import ECRBackend, ecr_backends
from moto.ecr.responses import ECRResponse

from drbot_calls import add, given, refusal


def templates(response: Any) -> dict[str, dict[str, Any]]:
    backend = ecr_backends[response.current_account][response.region]
    return vars(backend).setdefault("drbot_templates", {})


def template(response: Any, prefix: str) -> dict[str, Any]:
    if prefix not in templates(response):
        raise refusal("TemplateNotFoundException", f"The repository creation template {prefix} does not exist")
    return templates(response)[prefix]


def described(response: Any, one: dict[str, Any]) -> dict[str, Any]:
    return {"registryId": response.current_account, "repositoryCreationTemplate": one}


def create_repository_creation_template(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    if params["prefix"] in templates(response):
        raise refusal("TemplateAlreadyExistsException", f"The template {params['prefix']} already exists")
    made = {
        "encryptionConfiguration": {"encryptionType": "AES256"},
        "imageTagMutability": "MUTABLE",
        **given(params),
        "createdAt": unix_time(),
        "updatedAt": unix_time(),
    }
    templates(response)[params["prefix"]] = made
    return described(response, made)


def describe_repository_creation_templates(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    wanted = params.get("prefixes")
    if wanted:
        found = [template(response, prefix) for prefix in wanted]
    else:
        found = list(templates(response).values())
    return {"registryId": response.current_account, "repositoryCreationTemplates": found}


def update_repository_creation_template(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    found = template(response, params["prefix"])
    found.update({**given(params), "updatedAt": unix_time()})
    return described(response, found)


def delete_repository_creation_template(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    found = template(response, params["prefix"])
    del templates(response)[params["prefix"]]
    return described(response, found)


# ---- Replication -----------------------------------------------------------------------------


def destinations(backend: ECRBackend, repository: str) -> list[dict[str, str]]:
    """Where the registry's rules send the images of a repository."""
    found = []
    for rule in backend.replication_config["rules"]:
        filters = rule.get("repositoryFilters") or []
        if not filters or any(repository.startswith(f["filter"]) for f in filters):
            found += rule["destinations"]
    return found


def digest_of(backend: ECRBackend, repository: str, image: dict[str, str]) -> str | None:
    held = backend.repositories.get(repository)
    for candidate in held.images if held else []:
        digest = candidate.get_image_digest()
        if image.get("imageDigest", digest) == digest and image.get("imageTag", candidate.image_tag) in [
            candidate.image_tag,
            *candidate.image_tags,
        ]:
            return digest
    return None


def describe_image_replication_status(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    account, name, image = response.current_account, params["repositoryName"], given(params["imageId"])
    backend = ecr_backends[account][response.region]
    if name not in backend.repositories:
        raise refusal("RepositoryNotFoundException", f"The repository with name '{name}' does not exist")
    digest = digest_of(backend, name, image)
    if digest is None:
        raise refusal("ImageNotFoundException", f"The image with imageId {image} does not exist in '{name}'")
    statuses = []
    for to in destinations(backend, name):
        there = digest_of(ecr_backends[to["registryId"]][to["region"]], name, {"imageDigest": digest})
        statuses.append({**to, "status": "COMPLETE" if there else "IN_PROGRESS"})
    return {"repositoryName": name, "imageId": image | {"imageDigest": digest}, "replicationStatuses": statuses}


def install() -> None:
    add(
        ECRResponse,
        create_repository_creation_template,
        describe_repository_creation_templates,
        update_repository_creation_template,
        delete_repository_creation_template,
        describe_image_replication_status,
    )
