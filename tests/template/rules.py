"""The rules of the template that no linter knows, each as a walk over what SAM makes of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

from corpus.errors import ConfigError
from corpus.keys import original_key, processed_prefix
from corpus.ports import LEASE_SECONDS, MAX_DELIVERIES
from footnote.settings import SCHEMES, Settings
from tests.template import access
from tests.template.translate import ACCOUNT, GIVEN, REGION, Tree

ROOT = Path(__file__).parent.parent.parent
DAY = 86_400
INDEXES = (1, 2, 3)
EVENTS = {"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}
EXPIRING = {"temp-uploads/": 1, "exports/": 7}
"""What of the bucket goes by itself, in days. Nothing else does: a live document has no end."""

ADDRESSES: Mapping[str, str] = {
    "FOOTNOTE_BLOBS": f"s3:footnote-documents-prod-{ACCOUNT}",
    "FOOTNOTE_TABLE": "dynamodb:footnote-prod",
    "FOOTNOTE_QUEUE": f"sqs:https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/footnote-prod",
    "FOOTNOTE_INDEX": f"opensearch:{GIVEN['OpenSearchEndpoint']}",
    "FOOTNOTE_EMBEDDER": "openai:text-embedding-3-small",
    "FOOTNOTE_LLM": "openai:gpt-4o-mini",
}
KEY = f"{{{{resolve:secretsmanager:{GIVEN['OpenAiKeySecretArn']}:SecretString}}}}"
EVERYTHING = {**ADDRESSES, "OPENAI_API_KEY": KEY}
SIGNING_IN = {
    "FOOTNOTE_ISSUER": GIVEN["IdentityIssuer"],
    "FOOTNOTE_AUDIENCE": GIVEN["IdentityAudience"],
    "FOOTNOTE_PRIVACY_KEYS": f"{{{{resolve:secretsmanager:{GIVEN['PrivacyKeysSecretArn']}:SecretString}}}}",
}
UNMEASURED = {"FOOTNOTE_RECALL_SAMPLE": "0"}
"""What goes on behind a reply stands still with its function, and its role may neither search nor count so."""
SWEEPING = ("FOOTNOTE_BLOBS", "FOOTNOTE_TABLE", "FOOTNOTE_QUEUE")
ENVIRONMENTS: Mapping[str, Mapping[str, str]] = {
    "Uploads": EVERYTHING,
    "Questions": {**EVERYTHING, **SIGNING_IN, **UNMEASURED},
    "Upkeep": {name: ADDRESSES[name] for name in SWEEPING},
}
"""By function, its variables: what is not set would lie on the machine of one invocation and be gone."""


def violations(resources: Tree) -> list[str]:
    """Every rule that the translated template, its references put in, breaks, as a sentence."""
    rules = (bucket, notification, lifecycle, queue, sender, table, functions, events, api, access.violations)
    return list(chain.from_iterable(rule(resources) for rule in rules))


def bucket(resources: Tree) -> Iterator[str]:
    """Versioned, encrypted, not public, over TLS only, and it outlives its stack."""
    about = resources["Bucket"]["Properties"]
    if about.get("VersioningConfiguration") != {"Status": "Enabled"}:
        yield "Bucket: is not versioned"
    encryption = about.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    if not any(one.get("ServerSideEncryptionByDefault", {}).get("SSEAlgorithm") for one in encryption):
        yield "Bucket: is not encrypted"
    closed = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    if about.get("PublicAccessBlockConfiguration") != dict.fromkeys(closed, True):
        yield "Bucket: may become public"
    if about.get("OwnershipControls") != {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}:
        yield "Bucket: what others put there may be theirs"
    for name in ("Bucket", "Table"):
        if {resources[name].get(one) for one in ("DeletionPolicy", "UpdateReplacePolicy")} != {"Retain"}:
            yield f"{name}: goes with its stack"
    statements = [
        statement
        for one in resources.values()
        if one["Type"] == "AWS::S3::BucketPolicy" and one["Properties"]["Bucket"] == about["BucketName"]
        for statement in one["Properties"]["PolicyDocument"]["Statement"]
    ]
    if not any(_only_tls(one) for one in statements):
        yield "Bucket: may be reached without TLS"
    if any(one["Effect"] != "Deny" for one in statements):
        yield "Bucket: its policy lets somebody in"


def _only_tls(statement: Tree) -> bool:
    whole = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [access.BUCKET, f"{access.BUCKET}/*"]}
    unencrypted = {"Bool": {"aws:SecureTransport": "false"}}
    return {name: statement.get(name) for name in whole} == whole and statement.get("Condition") == unencrypted


def notification(resources: Tree) -> Iterator[str]:
    """Originals that come and go are announced to the queue, and nothing else is."""
    configuration = resources["Bucket"]["Properties"].get("NotificationConfiguration", {})
    if set(configuration) != {"QueueConfigurations"}:
        yield "Bucket: announces to something other than a queue"
    told = configuration.get("QueueConfigurations", [])
    if {one["Event"] for one in told} != EVENTS:
        yield f"Bucket: announces {', '.join(sorted(one['Event'] for one in told))}"
    start, *_, end = original_key("u", "d").split("/")
    for one in told:
        rules = {rule["Name"]: rule["Value"] for rule in one.get("Filter", {}).get("S3Key", {}).get("Rules", [])}
        if rules != {"prefix": f"{start}/", "suffix": f"/{end}"}:
            yield f"Bucket: announces {one['Event']} for {rules}, and originals are {original_key('u', 'd')}"
        if (processed_prefix("u", "d") + "v/r/original").startswith(rules.get("prefix", "")):
            yield "Bucket: what the pipeline writes would start the pipeline"
        if one["Queue"] != access.QUEUE:
            yield f"Bucket: announces to {one['Queue']}"
    if resources["Bucket"].get("DependsOn") not in ("QueuePolicy", ["QueuePolicy"]):
        yield "Bucket: may be made before the queue lets it send"


def lifecycle(resources: Tree) -> Iterator[str]:
    """Only uploads in parts and exports end by themselves, older versions after 30 days; nothing is archived."""
    about = resources["Bucket"]["Properties"]
    rules = [one for one in about["LifecycleConfiguration"]["Rules"] if one["Status"] == "Enabled"]
    if {one.get("Prefix", ""): one["ExpirationInDays"] for one in rules if "ExpirationInDays" in one} != EXPIRING:
        yield "Bucket: other things than uploads in parts and exports expire, or at other times"
    moves = {(one.get("Prefix"), move["StorageClass"]) for one in rules for move in one.get("Transitions", ())}
    if moves != {("documents/", "INTELLIGENT_TIERING")}:
        yield f"Bucket: moves {sorted(moves, key=str)}"
    if about.get("IntelligentTieringConfigurations") or any("Transition" in one for one in rules):
        yield "Bucket: archives, and a reindex would wait for hours"
    everywhere = [one for one in rules if not one.get("Prefix")]
    older = [one["NoncurrentVersionExpiration"] for one in everywhere if "NoncurrentVersionExpiration" in one]
    if older != [{"NoncurrentDays": 30}]:
        yield "Bucket: what was removed lives on for other than 30 days"
    parts = [one["AbortIncompleteMultipartUpload"] for one in everywhere if "AbortIncompleteMultipartUpload" in one]
    if parts != [{"DaysAfterInitiation": 7}]:
        yield "Bucket: unfinished parts stay for other than 7 days"


def queue(resources: Tree) -> Iterator[str]:
    """Ten deliveries, then the dead letters, which are kept for as long as SQS can."""
    live, dead = (resources[name]["Properties"] for name in ("Queue", "DeadQueue"))
    if not all(one.get("SqsManagedSseEnabled") is True for one in (live, dead)):
        yield "Queue: is not encrypted"
    redrive = {"deadLetterTargetArn": f"{access.QUEUE}-dead", "maxReceiveCount": MAX_DELIVERIES}
    if live.get("RedrivePolicy") != redrive:
        yield f"Queue: {MAX_DELIVERIES} deliveries do not lead to the dead letters"
    if dead.get("RedriveAllowPolicy") != {"redrivePermission": "byQueue", "sourceQueueArns": [access.QUEUE]}:
        yield "DeadQueue: takes dead letters of others"
    timeout = resources["Uploads"]["Properties"]["Timeout"]
    if live.get("VisibilityTimeout", 30) < max(6 * timeout, LEASE_SECONDS):
        yield "Queue: hands out again what is still being worked on"
    kept, buried = (one.get("MessageRetentionPeriod", 4 * DAY) for one in (live, dead))
    if kept < 4 * DAY or buried != 14 * DAY:
        yield "Queue: messages are kept for less than 4 days, or dead letters for other than 14"


def sender(resources: Tree) -> Iterator[str]:
    """Only our bucket, of our account, may send."""
    policies = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::SQS::QueuePolicy"]
    statements = [statement for one in policies for statement in one["PolicyDocument"]["Statement"]]
    for one in statements:
        if one["Effect"] == "Deny":
            continue
        granted = (one.get("Principal"), one.get("Action"), one.get("Resource"))
        if granted != ({"Service": "s3.amazonaws.com"}, "sqs:SendMessage", access.QUEUE):
            yield "Queue: its policy grants more than that S3 sends"
        ours = {"ArnEquals": {"aws:SourceArn": access.BUCKET}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}
        if one.get("Condition") != ours:
            yield "Queue: others' buckets may send"
    if not any(one["Effect"] == "Allow" for one in statements):
        yield "Queue: the bucket may not send"


def table(resources: Tree) -> Iterator[str]:
    """The keys and the three indexes of the data model, expiry, a stream, and nothing that can be lost by mistake."""
    about = resources["Table"]["Properties"]
    pairs = [("PK", "SK"), *((f"GSI{n}PK", f"GSI{n}SK") for n in INDEXES)]
    if {one["AttributeName"]: one["AttributeType"] for one in about["AttributeDefinitions"]} != {
        name: "S" for pair in pairs for name in pair
    }:
        yield "Table: its keys are other than PK, SK and GSI1PK to GSI3SK, all of them text"
    if _keys(about) != pairs[0]:
        yield "Table: its key is not PK and SK"
    indexes = {one["IndexName"]: _keys(one) for one in about.get("GlobalSecondaryIndexes", [])}
    if indexes != {f"GSI{n}": pairs[n] for n in INDEXES} or about.get("LocalSecondaryIndexes"):
        yield f"Table: its indexes are {indexes}"
    for one in about.get("GlobalSecondaryIndexes", []):
        if one["Projection"] != {"ProjectionType": "KEYS_ONLY"}:
            yield f"Table: {one['IndexName']} holds more than keys"
    wanted = {
        "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True},
        "DeletionProtectionEnabled": True,
    }
    yield from (f"Table: {name} is {about.get(name)}" for name, value in wanted.items() if about.get(name) != value)


def _keys(about: Tree) -> tuple[str, ...]:
    kinds = {one["KeyType"]: one["AttributeName"] for one in about["KeySchema"]}
    return kinds.get("HASH", ""), kinds.get("RANGE", "")


def functions(resources: Tree) -> Iterator[str]:
    """Each has a role, a log and the variables of its own, a handler in lambdas/, and the way to its services."""
    made = {name: one["Properties"] for name, one in resources.items() if one["Type"] == "AWS::Lambda::Function"}
    if set(made) != set(ENVIRONMENTS):
        yield f"the functions are {', '.join(sorted(made))}"
    for name, about in made.items():
        if about["Role"] != f"arn:aws:iam::{ACCOUNT}:role/{name}Role":
            yield f"{name}: its role is {about['Role']}"
        if (about.get("Runtime"), about.get("Architectures")) != ("python3.13", ["arm64"]):
            yield f"{name}: runs on something else"
        if not (128 <= about.get("MemorySize", 128) <= 10_240 and 1 <= about.get("Timeout", 3) <= 900):
            yield f"{name}: asks for memory or time that Lambda does not have"
        if about.get("VpcConfig"):
            yield f"{name}: reaches neither the identity provider nor the models from within a network"
        log = resources.get(f"{name}Log", {}).get("Properties", {})
        if about.get("LoggingConfig", {}).get("LogGroup") != log.get("LogGroupName") or not log.get("RetentionInDays"):
            yield f"{name}: has no log of its own that ends"
        variables = about.get("Environment", {}).get("Variables", {})
        yield from (f"{name}: {what}" for what in handler(ROOT, about["Handler"]))
        yield from (f"{name}: {what}" for what in environment(variables, ENVIRONMENTS.get(name, {})))


def handler(root: Path, named: str) -> Iterator[str]:
    """A module of lambdas/; once it is there, it defines the function."""
    module, _, function = named.rpartition(".")
    path = root / f"{module.replace('.', '/')}.py"
    if path.parent != root / "lambdas" or not function.isidentifier():
        yield f"{named} is not a function of a module in lambdas/"
    elif path.is_file():
        body = ast.parse(path.read_text("utf-8")).body
        named_there = {one.name for one in body if isinstance(one, ast.FunctionDef)}
        assigned = (target for one in body if isinstance(one, ast.Assign) for target in one.targets)
        if function not in named_there | {one.id for one in assigned if isinstance(one, ast.Name)}:
            yield f"{module} has no {function}"


def environment(variables: Tree, wanted: Mapping[str, str]) -> Iterator[str]:
    """Names that the settings know, addresses in AWS, and no secret in plain text."""
    try:
        Settings.from_env(dict.fromkeys(variables, ""))  # an empty value is none: this asks for the names only
    except ConfigError as error:
        yield str(error)
    for name in sorted({*variables, *wanted}):
        if variables.get(name) != wanted.get(name):
            yield f"{name} is {variables.get(name)!r}"
    if "FOOTNOTE_INDEX" in wanted:
        yield from (
            f"{name} is not set, and would lie on the function's own disk"
            for name in sorted(set(SCHEMES) - set(variables))
        )


def events(resources: Tree) -> Iterator[str]:
    """The queue wakes uploads, which answers for each message alone; a clock wakes upkeep."""
    sources = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Lambda::EventSourceMapping"]
    if [(one["FunctionName"], one["EventSourceArn"]) for one in sources] != [("footnote-prod-uploads", access.QUEUE)]:
        yield "Uploads: is not woken by the queue, or something else is"
    for one in sources:
        if one.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield "Uploads: one bad document would bring back its neighbours"
        if not 1 <= one.get("BatchSize", 10) <= 5:
            yield "Uploads: takes more documents at once than its time allows"
        if not one.get("ScalingConfig", {}).get("MaximumConcurrency"):
            yield "Uploads: nothing bounds how many run at the same time"
    clocks = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Events::Rule"]
    upkeep = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:footnote-prod-upkeep"
    found = [(one["ScheduleExpression"], [target["Arn"] for target in one["Targets"]]) for one in clocks]
    if found != [("rate(5 minutes)", [upkeep])]:
        yield f"Upkeep: is woken by {found}"


def api(resources: Tree) -> Iterator[str]:
    """It is throttled and leaves it to the function who is asking, which ends before the API stops waiting for it."""
    timeout = resources["Questions"]["Properties"]["Timeout"]
    bodies = [one["Properties"]["Body"] for one in resources.values() if one["Type"] == "AWS::ApiGatewayV2::Api"]
    routes = {
        f"{method} {route}": one
        for body in bodies
        for route, path in body["paths"].items()
        for method, one in path.items()
    }
    if not routes:
        yield "Questions: has no API"
    for route, operation in routes.items():
        if operation.get("security"):
            yield f"Api: {route} keeps out who bears an API key"
        if operation["x-amazon-apigateway-integration"].get("timeoutInMillis", 30_000) <= 1000 * timeout:
            yield "Questions: the API would not wait for it"
    for name, one in resources.items():
        about = one.get("Properties", {})
        if one["Type"] == "AWS::ApiGatewayV2::Stage":
            limits = about.get("DefaultRouteSettings", {})
            if not all(limits.get(limit) for limit in ("ThrottlingRateLimit", "ThrottlingBurstLimit")):
                yield "Api: nothing bounds how often it is called"
        if one["Type"] == "AWS::Lambda::Url" or one["Type"] == "AWS::ApiGatewayV2::Route":
            yield f"{name}: is another way in"
        if one["Type"] == "AWS::Lambda::Permission" and not (
            about["Principal"].endswith(".amazonaws.com") and about.get("SourceArn")
        ):
            yield f"{name}: lets others than our own sources call"
