"""What each role may do, and what it must and must not be able to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.keys import original_key, processed_prefix
from tests.template.partitions import CHANGED, TAKEN_BACK
from tests.template.translate import ACCOUNT, GIVEN, REGION, Tree

BUCKET = f"arn:aws:s3:::footnote-documents-prod-{ACCOUNT}"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:footnote-prod"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/footnote-prod"
DOMAIN = GIVEN["OpenSearchDomainArn"]
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/footnote-prod-"
OURS = (f"{BUCKET}", f"{QUEUE}", f"{TABLE}", f"{DOMAIN}/", f"{LOGS}")
"""With which of these a resource that is granted begins; nothing is granted on a bare star."""

CHUNKS = f"{DOMAIN}/document-chunks-minilm-1536-001"
ORIGINAL = f"{BUCKET}/{original_key('u', 'd')}"
DERIVED = f"{BUCKET}/{processed_prefix('u', 'd', 'v', 'r')}chunks.jsonl.gz"

VERBS: Mapping[str, tuple[str, ...]] = {
    "dynamodb": (
        "BatchGetItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "UpdateItem",
    ),
    "es": ("ESHttpGet", "ESHttpPost"),
    "logs": ("CreateLogStream", "PutLogEvents"),
    "s3": ("AbortMultipartUpload", "DeleteObject", "GetObject", "ListBucket", "ListMultipartUploadParts", "PutObject"),
    "sqs": ("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage", "SendMessage"),
}
"""All that a function may ever be granted: none of it makes or deletes a table, a bucket, a queue or an index."""
ACTIONS = frozenset(f"{service}:{verb}" for service, verbs in VERBS.items() for verb in verbs)

READS = ("GetItem", "BatchGetItem", "Query")
WRITES = ("PutItem", "UpdateItem")
LOOKS = (f"{DOMAIN}/", f"{CHUNKS}/_mapping", f"{CHUNKS}/_settings")

MUST: Mapping[str, tuple[tuple[str, str], ...]] = {
    "UploadsRole": (
        ("s3:GetObject", ORIGINAL),
        *((f"s3:{verb}", DERIVED) for verb in ("GetObject", "PutObject", "AbortMultipartUpload", "DeleteObject")),
        ("s3:ListBucket", BUCKET),
        ("s3:ListBucket processed/u/d/", BUCKET),
        *((f"sqs:{verb}", QUEUE) for verb in ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility")),
        *((f"sqs:{verb}", QUEUE) for verb in ("GetQueueAttributes", "SendMessage")),
        ("sqs:SendMessage", f"{QUEUE}-dead"),
        *((f"dynamodb:{verb}", TABLE) for verb in (*READS, *WRITES, "DeleteItem")),
        ("dynamodb:Query", f"{TABLE}/index/GSI1"),
        *(("es:ESHttpGet", look) for look in LOOKS),
        *(("es:ESHttpPost", f"{CHUNKS}/{end}") for end in ("_bulk", "_refresh", "_search", "_msearch")),
        *((f"logs:{verb}", f"{LOGS}uploads:log-stream:x") for verb in ("CreateLogStream", "PutLogEvents")),
    ),
    "QuestionsRole": (
        *((f"s3:{verb}", ORIGINAL) for verb in ("PutObject", "AbortMultipartUpload", "ListMultipartUploadParts")),
        ("s3:DeleteObject", ORIGINAL),
        *(("s3:GetObject", one) for one in (DERIVED, ORIGINAL)),
        ("s3:ListBucket", BUCKET),
        ("sqs:SendMessage", QUEUE),
        *((f"dynamodb:{verb}", TABLE) for verb in READS),
        *((f"dynamodb:{verb} {name}#x", TABLE) for verb in WRITES for name in CHANGED),
        *((f"dynamodb:DeleteItem {name}#x", TABLE) for name in TAKEN_BACK),
        ("dynamodb:Query", f"{TABLE}/index/GSI3"),
        *(("es:ESHttpGet", look) for look in LOOKS),
        ("es:ESHttpPost", f"{CHUNKS}/_msearch"),
        *((f"logs:{verb}", f"{LOGS}questions:log-stream:x") for verb in ("CreateLogStream", "PutLogEvents")),
    ),
    "UpkeepRole": (
        *((f"dynamodb:{verb}", TABLE) for verb in READS),
        ("dynamodb:PutItem DOCUMENT#d", TABLE),
        ("dynamodb:Query", f"{TABLE}/index/GSI1"),
        ("sqs:SendMessage", QUEUE),
        *((f"logs:{verb}", f"{LOGS}upkeep:log-stream:x") for verb in ("CreateLogStream", "PutLogEvents")),
    ),
}
"""By role, what its function's adapters do: an action (after a blank, the prefix or partition), and on what."""

NEVER = (
    *((f"es:ESHttp{verb}", CHUNKS) for verb in ("Put", "Post", "Delete", "Patch")),
    *((f"es:ESHttp{verb}", f"{CHUNKS}/_settings") for verb in ("Put", "Post")),
    ("es:ESHttpPost", f"{DOMAIN}/_bulk"),
    ("es:ESHttpPost", f"{DOMAIN}/_aliases"),
    ("es:ESHttpPost", f"{DOMAIN}/other/_msearch"),
    *(("es:ESHttpPost", f"{CHUNKS},other/{end}") for end in ("_msearch", "_bulk", "_search", "_refresh")),
    *(("es:ESHttpPost", f"{CHUNKS}/_doc/{end}") for end in ("_msearch", "_bulk", "_search", "_refresh")),
    ("es:ESHttpPost", f"{CHUNKS}/_delete_by_query"),
    ("es:ESHttpGet", f"{CHUNKS}/_search"),
    ("s3:DeleteBucket", BUCKET),
    ("s3:PutObject", f"{BUCKET}/exports/u/r/manifest.json"),
    ("s3:ListBucket documents/", BUCKET),
    ("dynamodb:Scan", TABLE),
    ("dynamodb:DeleteTable", TABLE),
    ("dynamodb:GetItem", f"{TABLE}-other"),
    ("sqs:SendMessage", f"{QUEUE}-other"),
    ("sqs:PurgeQueue", QUEUE),
)
NOT: Mapping[str, tuple[tuple[str, str], ...]] = {
    "UploadsRole": (
        *((f"s3:{verb}", ORIGINAL) for verb in ("PutObject", "DeleteObject")),  # it would start itself
        ("logs:PutLogEvents", f"{LOGS}questions:log-stream:x"),
    ),
    "QuestionsRole": (
        *(("es:ESHttpPost", f"{CHUNKS}/{end}") for end in ("_bulk", "_refresh", "_doc", "_update_by_query")),
        *(("s3:GetObject", f"{BUCKET}/{key}") for key in ("documents/u/d/other", "exports/u/r/manifest.json")),
        *((f"s3:{verb}", DERIVED) for verb in ("PutObject", "DeleteObject")),
        *((f"dynamodb:{verb} {other}", TABLE) for verb in WRITES for other in ("INDEX", "RECALL#i", "RUN#r")),
        *((f"dynamodb:DeleteItem {name}#x", TABLE) for name in (*sorted(set(CHANGED) - set(TAKEN_BACK)), "RECALL")),
        *((f"sqs:{verb}", QUEUE) for verb in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")),
    ),
    "UpkeepRole": (
        ("es:ESHttpPost", f"{CHUNKS}/_msearch"),
        ("s3:GetObject", ORIGINAL),
        ("s3:ListBucket", BUCKET),
        *((f"dynamodb:{verb} USER#u", TABLE) for verb in WRITES),
        *((f"dynamodb:{verb} DOCUMENT#d", TABLE) for verb in ("UpdateItem", "DeleteItem")),
        *((f"sqs:{verb}", QUEUE) for verb in ("ReceiveMessage", "DeleteMessage")),
    ),
}
"""What no role may do, and by role what it may not."""


def violations(resources: Tree) -> Iterator[str]:
    """Yield every place where a policy grants too much, or too little."""
    roles = {name: one["Properties"] for name, one in resources.items() if one["Type"] == "AWS::IAM::Role"}
    if set(roles) != set(MUST):
        yield f"the roles are {', '.join(sorted(roles))}"
    for name, role in roles.items():
        yield from _of_role(name, role)
        statements = [one for policy in role["Policies"] for one in policy["PolicyDocument"]["Statement"]]
        for statement in statements:
            yield from (f"{name}: {what}" for what in _of_statement(statement))
        for action, resource in MUST.get(name, ()):
            if not may(statements, action, resource):
                yield f"{name}: cannot {action} on {resource}"
        for action, resource in (*NEVER, *NOT.get(name, ())):
            if may(statements, action, resource):
                yield f"{name}: may {action} on {resource}"


def _of_role(name: str, role: Tree) -> Iterator[str]:
    if role.get("ManagedPolicyArns"):
        yield f"{name}: has a policy that is not written out here"
    for statement in role["AssumeRolePolicyDocument"]["Statement"]:
        if (statement["Principal"], statement["Action"]) != ({"Service": "lambda.amazonaws.com"}, "sts:AssumeRole"):
            yield f"{name}: others than Lambda may take it"


def _of_statement(statement: Tree) -> Iterator[str]:
    if statement["Effect"] == "Deny":
        return
    if {"NotAction", "NotResource"} & set(statement):
        yield "grants all but something"
    for action in _listed(statement.get("Action")):
        if action not in ACTIONS:
            yield f"{action} is not among what a function needs"
    for resource in _listed(statement.get("Resource")):
        if not resource.startswith(OURS):
            yield f"{resource} is not a thing of ours"


def may(statements: list[Tree], asked: str, resource: str) -> bool:
    """Return whether IAM would allow it: something grants it, and nothing denies it."""
    action, _, named = asked.partition(" ")
    effects = {one["Effect"] for one in statements if _speaks_of(one, action, resource, named)}
    return effects == {"Allow"}


def _speaks_of(statement: Tree, action: str, resource: str, named: str) -> bool:
    return (
        any(_like(action, one) for one in _listed(statement.get("Action")))
        and any(_like(resource, one) for one in _listed(statement.get("Resource")))
        and all(_holds(how, what, named) for how, what in statement.get("Condition", {}).items())
    )


def _holds(how: str, what: Tree, named: str) -> bool:
    """Whether a condition on the prefix or the partition holds; an "IfExists" does where none is named."""
    if how not in {"StringLike", "StringLikeIfExists", "ForAllValues:StringLike"}:
        raise NotImplementedError(how)
    if not named and how == "StringLikeIfExists":
        return True
    return any(_like(named, pattern) for patterns in what.values() for pattern in _listed(patterns))


def _like(text: str, pattern: str) -> bool:
    """IAM's wildcards: a star stands for anything, slashes too."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [] if value is None else [value]
