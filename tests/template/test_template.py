"""The template is what AWS will be asked for: it translates, a linter finds nothing, and our own rules hold."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from corpus.tables.dynamodb import layout
from footnote.settings import IdentityProvider, Settings
from tests.template.rules import handler, violations
from tests.template.translate import GIVEN, PATH, Tree, aliases, linted, resolved, source, translated

GONE = object()


def planted(path: str, value: Any) -> Tree:
    """The template with one thing set, or with `GONE` taken away."""
    template = source()
    *way, last = path.split("/")
    place: Any = template
    for step in ("Resources", *way):
        place = place[int(step)] if isinstance(place, list) else place[step]
    key: Any = int(last) if isinstance(place, list) else last
    if value is GONE:
        del place[key]
    else:
        place[key] = value
    return template


def test_it_translates_and_keeps_the_rules() -> None:
    """SAM accepts the template, and what it makes of it breaks none of our rules."""
    assert violations(resolved(translated(source()))) == []


def test_the_linter_finds_nothing_before_and_after_translation() -> None:
    """cfn-lint has neither an error nor a warning, for what is written and for what SAM makes of it."""
    assert linted(PATH.read_text("utf-8")) == []
    assert linted(json.dumps(translated(source()))) == []


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("Table/Properties/KeySchema/0/AttributeName", "Nobody", "E3039"),
        ("Queue/Properties/VisibilityTimeout", 60, "E3505"),
        ("UploadsRole/Properties/Policies/0/PolicyDocument/Statement/1/Action", "s3:GetObjekt", "W3037"),
        ("QueuePolicy/Properties/PolicyDocument/Statement/0/Action", "sqs:SendMassage", "W3037"),
        ("Uploads/Properties/Events/Changes/Properties/FunctionResponseTypes", ["ReportFailures"], "E3030"),
    ],
)
def test_the_linter_finds_what_is_left_to_it(path: str, value: Any, rule: str) -> None:
    """Unknown actions, undefined keys and times that do not fit are found by cfn-lint after translation."""
    assert any(one.startswith(rule) for one in linted(json.dumps(translated(planted(path, value)))))


def test_nothing_is_said_by_alias() -> None:
    """The template has no YAML alias, which CloudFormation does not know; one that is planted is found."""
    text = PATH.read_text("utf-8")

    assert aliases(text) == []
    assert aliases(f"{text}\nA: &here 1\nB: *here\n") == ["here"]


def test_pages_are_let_in_by_parameter_only() -> None:
    """Without the parameter no page's script reaches the bucket; with it, those of the origins named."""
    template = translated(source())

    closed, opened = (
        resolved(template, PageOrigins=origins)["Bucket"]["Properties"] for origins in ("", "https://a,https://b")
    )

    assert "CorsConfiguration" not in closed
    (rule,) = opened["CorsConfiguration"]["CorsRules"]
    assert (rule["AllowedOrigins"], rule["AllowedMethods"]) == (["https://a", "https://b"], ["PUT", "POST", "GET"])


def test_whose_tokens_are_believed_has_to_be_said() -> None:
    """Issuer and audience have no default and are no empty text, and what they may be, the settings take."""
    parameters = source()["Parameters"]
    believed = {"IdentityIssuer": "https://id.example/pool_1", "IdentityAudience": "one,two"}
    for name, value in believed.items():
        assert "Default" not in parameters[name]
        assert re.fullmatch(parameters[name]["AllowedPattern"], value)
        assert re.fullmatch(parameters[name]["AllowedPattern"], GIVEN[name])
    for name, value in [
        *(("IdentityIssuer", one) for one in ("", "http://id.example", "https://id.example?x", "https://a b")),
        *(("IdentityAudience", one) for one in ("", ",", "one,", "one, two", "one two")),
        ("IdentityKeys", "http://id.example/keys"),
    ]:
        assert not re.fullmatch(parameters[name]["AllowedPattern"], value), value
    keys = "https://id.example/keys.json"
    assert re.fullmatch(parameters["IdentityKeys"]["AllowedPattern"], keys)

    functions = resolved(translated(source()), **believed, IdentityKeys=keys)
    variables = functions["Questions"]["Properties"]["Environment"]["Variables"]
    sealed = {"FOOTNOTE_PRIVACY_KEYS": "A" * 43 + "="}  # what CloudFormation fetches is no key here
    assert Settings.from_env({**variables, **sealed}).identity == IdentityProvider(
        "https://id.example/pool_1", ("one", "two"), keys
    )


def test_the_table_is_the_one_that_setup_makes() -> None:
    """Keys, indexes, stream, expiry and recovery are those that the adapter would make and looks for."""
    made = resolved(translated(source()))["Table"]["Properties"]
    stream = {"StreamViewType": layout.STREAM["StreamViewType"]}  # CloudFormation turns it on by naming its view
    whole = {**layout._whole(), "StreamSpecification": stream}

    assert {name: made[name] for name in whole} == whole
    assert made["TimeToLiveSpecification"] == layout.EXPIRY
    assert made["PointInTimeRecoverySpecification"] == layout.RECOVERY


BUCKET, QUEUE, TABLE = "Bucket/Properties", "Queue/Properties", "Table/Properties"
UPLOADS, QUESTIONS, UPKEEP = "Uploads/Properties", "Questions/Properties", "Upkeep/Properties"
TOLD = f"{BUCKET}/NotificationConfiguration/QueueConfigurations"
SENDS = "QueuePolicy/Properties/PolicyDocument/Statement/0"
TLS = "BucketPolicy/Properties/PolicyDocument/Statement/0"
RULES = f"{BUCKET}/LifecycleConfiguration/Rules"
CHANGES = f"{UPLOADS}/Events/Changes/Properties"
CHUNKS = "document-chunks-minilm-1536-001"


def of_role(name: str) -> str:
    """Where a role's statements stand."""
    return f"{name}/Properties/Policies/0/PolicyDocument/Statement"


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (f"{BUCKET}/VersioningConfiguration", GONE, "Bucket: is not versioned"),
        (f"{BUCKET}/BucketEncryption", GONE, "Bucket: is not encrypted"),
        (f"{BUCKET}/PublicAccessBlockConfiguration/BlockPublicPolicy", False, "Bucket: may become public"),
        (f"{BUCKET}/OwnershipControls", GONE, "Bucket: what others put there may be theirs"),
        ("Bucket/DeletionPolicy", "Delete", "Bucket: goes with its stack"),
        ("Table/UpdateReplacePolicy", "Delete", "Table: goes with its stack"),
        (f"{TLS}/Condition", {"Bool": {"aws:SecureTransport": "true"}}, "Bucket: may be reached without TLS"),
        (f"{TLS}/Resource/1", GONE, "Bucket: may be reached without TLS"),
        (f"{TLS}/Effect", "Allow", "Bucket: its policy lets somebody in"),
        (f"{BUCKET}/NotificationConfiguration/EventBridgeConfiguration", {}, "something other than a queue"),
        (f"{TOLD}/0/Event", "s3:ObjectMade:*", "Bucket: announces s3:ObjectMade:*, s3:ObjectRemoved:*"),
        (f"{TOLD}/1", GONE, "Bucket: announces s3:ObjectCreated:*"),
        (f"{TOLD}/0/Filter/S3Key/Rules/1/Value", "original.pdf", "Bucket: announces s3:ObjectCreated:* for"),
        (f"{TOLD}/1/Filter/S3Key/Rules/0", GONE, "Bucket: what the pipeline writes would start the pipeline"),
        (f"{TOLD}/0/Queue", {"Fn::GetAtt": ["DeadQueue", "Arn"]}, "Bucket: announces to arn:aws:sqs"),
        ("Bucket/DependsOn", GONE, "Bucket: may be made before the queue lets it send"),
        (f"{RULES}/0/ExpirationInDays", 90, "Bucket: other things than uploads in parts and exports expire"),
        (f"{RULES}/0/Transitions/0/StorageClass", "GLACIER", "Bucket: moves [('documents/', 'GLACIER')]"),
        (f"{RULES}/0/Prefix", GONE, "Bucket: moves [(None, 'INTELLIGENT_TIERING')]"),
        (f"{BUCKET}/IntelligentTieringConfigurations", [{"Id": "deep"}], "Bucket: archives"),
        (f"{RULES}/3", GONE, "Bucket: what was removed lives on"),
        (f"{RULES}/4/Status", "Disabled", "Bucket: unfinished parts stay"),
        (f"{QUEUE}/SqsManagedSseEnabled", False, "Queue: is not encrypted"),
        (f"{QUEUE}/RedrivePolicy", GONE, "Queue: 10 deliveries do not lead to the dead letters"),
        (f"{QUEUE}/RedrivePolicy/maxReceiveCount", 0, "Queue: 10 deliveries do not lead to the dead letters"),
        ("DeadQueue/Properties/RedriveAllowPolicy", GONE, "DeadQueue: takes dead letters of others"),
        (f"{QUEUE}/VisibilityTimeout", 900, "Queue: hands out again what is still being worked on"),
        ("DeadQueue/Properties/MessageRetentionPeriod", GONE, "Queue: messages are kept for less"),
        (f"{SENDS}/Principal", "*", "Queue: its policy grants more than that S3 sends"),
        (f"{SENDS}/Action", "sqs:*", "Queue: its policy grants more than that S3 sends"),
        (f"{SENDS}/Condition/StringEquals", GONE, "Queue: others' buckets may send"),
        (f"{SENDS}/Condition/ArnEquals/aws:SourceArn", "arn:aws:s3:::other", "Queue: others' buckets may send"),
        (f"{SENDS}/Effect", "Deny", "Queue: the bucket may not send"),
        (f"{TABLE}/AttributeDefinitions/3/AttributeType", "N", "Table: its keys are other than"),
        (f"{TABLE}/KeySchema/1", GONE, "Table: its key is not PK and SK"),
        (f"{TABLE}/GlobalSecondaryIndexes/2", GONE, "Table: its indexes are {'GSI1'"),
        (f"{TABLE}/GlobalSecondaryIndexes/0/Projection", {"ProjectionType": "ALL"}, "Table: GSI1 holds more than keys"),
        (f"{TABLE}/TimeToLiveSpecification", GONE, "Table: TimeToLiveSpecification is None"),
        (f"{TABLE}/TimeToLiveSpecification/AttributeName", "expires", "Table: TimeToLiveSpecification is {"),
        (f"{TABLE}/StreamSpecification/StreamViewType", "KEYS_ONLY", "Table: StreamSpecification is {"),
        (f"{TABLE}/PointInTimeRecoverySpecification", GONE, "Table: PointInTimeRecoverySpecification is None"),
        (f"{TABLE}/SSESpecification", GONE, "Table: SSESpecification is None"),
        (f"{TABLE}/DeletionProtectionEnabled", GONE, "Table: DeletionProtectionEnabled is None"),
    ],
)
def test_a_planted_fault_of_a_store_is_found(path: str, value: Any, complaint: str) -> None:
    """Each rule of bucket, queue and table, broken on purpose, is reported."""
    assert any(complaint in one for one in violations(resolved(translated(planted(path, value)))))


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (f"{UPKEEP}/Role", {"Fn::GetAtt": ["UploadsRole", "Arn"]}, "Upkeep: its role is arn:aws:iam"),
        ("Extra", {"Type": "AWS::Lambda::Url", "Properties": {}}, "Extra: is another way in"),
        (
            "Extra",
            {"Type": "AWS::Lambda::Function", "Properties": {"Role": "x", "Handler": "x"}},
            "the functions are Extra, Questions, Upkeep, Uploads",
        ),
        (f"{QUESTIONS}/Events/Any", GONE, "Questions: has no API"),
        (f"{UPKEEP}/Runtime", "python3.11", "Upkeep: runs on something else"),
        (f"{UPKEEP}/MemorySize", 17_690, "Upkeep: asks for memory or time"),
        (f"{UPKEEP}/Timeout", 3000, "Upkeep: asks for memory or time"),
        (f"{UPKEEP}/LoggingConfig", GONE, "Upkeep: has no log of its own that ends"),
        ("UpkeepLog/Properties/RetentionInDays", GONE, "Upkeep: has no log of its own that ends"),
        (f"{UPKEEP}/Handler", "upkeep.handler", "Upkeep: upkeep.handler is not a function of a module in lambdas/"),
        (f"{UPKEEP}/Environment/Variables/FOOTNOTE_TABEL", "x", "there is no such setting"),
        (f"{UPKEEP}/Environment/Variables/OPENAI_API_KEY", "{{resolve:x}}", "Upkeep: OPENAI_API_KEY is"),
        (f"{UPLOADS}/Environment/Variables/OPENAI_API_KEY", "sk-plain", "Uploads: OPENAI_API_KEY is 'sk-plain'"),
        (f"{UPLOADS}/Environment/Variables/FOOTNOTE_TABLE", "sqlite:x.db", "Uploads: FOOTNOTE_TABLE is"),
        (f"{QUESTIONS}/Environment/Variables/FOOTNOTE_INDEX", GONE, "FOOTNOTE_INDEX is not set, and would lie"),
        (f"{CHANGES}/FunctionResponseTypes", GONE, "Uploads: one bad document would bring back its neighbours"),
        (f"{CHANGES}/BatchSize", 10, "Uploads: takes more documents at once"),
        (f"{CHANGES}/ScalingConfig", GONE, "Uploads: nothing bounds how many run"),
        (f"{CHANGES}/Queue", {"Fn::GetAtt": ["DeadQueue", "Arn"]}, "Uploads: is not woken by the queue"),
        (f"{UPKEEP}/Events/Sweep/Properties/Schedule", "rate(5 hours)", "Upkeep: is woken by"),
        (
            "Api/Properties/Auth",
            {"EnableIamAuthorizer": True, "DefaultAuthorizer": "AWS_IAM"},
            "keeps out who bears an API key",
        ),
        ("Api/Properties/DefaultRouteSettings", GONE, "Api: nothing bounds how often it is called"),
        (f"{QUESTIONS}/VpcConfig", {"SubnetIds": ["subnet-1"]}, "Questions: reaches neither the identity provider"),
        (f"{QUESTIONS}/Environment/Variables/FOOTNOTE_ISSUER", GONE, "Questions: FOOTNOTE_ISSUER is None"),
        (f"{QUESTIONS}/Environment/Variables/FOOTNOTE_PRIVACY_KEYS", "A" * 43 + "=", "FOOTNOTE_PRIVACY_KEYS is 'AAA"),
        (
            f"{UPLOADS}/Environment/Variables/FOOTNOTE_PRIVACY_KEYS",
            "{{resolve:x}}",
            "Uploads: FOOTNOTE_PRIVACY_KEYS is",
        ),
        (f"{QUESTIONS}/Environment/Variables/FOOTNOTE_AUDIENCE", "*", "Questions: FOOTNOTE_AUDIENCE is '*'"),
        (f"{QUESTIONS}/Timeout", 30, "Questions: the API would not wait for it"),
        (
            "Extra",
            {"Type": "AWS::Lambda::Permission", "Properties": {"Principal": "*"}},
            "Extra: lets others than our own sources call",
        ),
    ],
)
def test_a_planted_fault_of_a_function_is_found(path: str, value: Any, complaint: str) -> None:
    """Each rule of functions, their events and the API, broken on purpose, is reported."""
    assert any(complaint in one for one in violations(resolved(translated(planted(path, value)))))


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (f"{of_role('UploadsRole')}/1/Action", "*", "UploadsRole: * is not among what a function needs"),
        (f"{of_role('UploadsRole')}/1/Action", "s3:*", "UploadsRole: s3:* is not among what a function needs"),
        (f"{of_role('UploadsRole')}/1/Resource", "*", "UploadsRole: * is not a thing of ours"),
        (f"{of_role('UploadsRole')}/1/Resource", "arn:aws:s3:::*", "arn:aws:s3:::* is not a thing of ours"),
        (f"{of_role('UploadsRole')}/1/NotAction", "s3:GetObject", "UploadsRole: grants all but something"),
        (f"{of_role('UploadsRole')}/1", GONE, "UploadsRole: cannot s3:GetObject on"),
        (f"{of_role('UploadsRole')}/3/Condition", GONE, "UploadsRole: may s3:ListBucket documents/ on"),
        (
            f"{of_role('UploadsRole')}/2/Resource",
            {"Fn::Sub": "arn:${AWS::Partition}:s3:::${Bucket}/*"},
            "UploadsRole: may s3:PutObject on arn:aws:s3:::footnote-documents-prod-123456789012/documents/u/d/original",
        ),
        (
            f"{of_role('QuestionsRole')}/9/Resource",
            {"Fn::Sub": "${OpenSearchDomainArn}/document-chunks-*"},
            f"QuestionsRole: may es:ESHttpPost on arn:aws:es:eu-central-1:123456789012:domain/footnote/{CHUNKS}/_bulk",
        ),
        (f"{of_role('UploadsRole')}/9", GONE, f"domain/footnote/{CHUNKS}/_doc/_bulk"),
        (f"{of_role('QuestionsRole')}/10", GONE, f"domain/footnote/{CHUNKS}/_doc/_msearch"),
        (f"{of_role('QuestionsRole')}/10/Resource/1", GONE, f"domain/footnote/{CHUNKS},other/_msearch"),
        (f"{of_role('QuestionsRole')}/9/Action", ["es:ESHttpPost", "es:ESHttpDelete"], "es:ESHttpDelete is not among"),
        (f"{of_role('QuestionsRole')}/6/Condition", GONE, "QuestionsRole: may dynamodb:PutItem INDEX on"),
        (f"{of_role('UploadsRole')}/6/Action/0", "dynamodb:DeleteTable", "dynamodb:DeleteTable is not among"),
        (
            f"{of_role('UpkeepRole')}/3/Action",
            ["sqs:SendMessage", "sqs:DeleteMessage"],
            "UpkeepRole: may sqs:DeleteMes",
        ),
        (
            "UpkeepRole/Properties/ManagedPolicyArns",
            ["arn:aws:iam::aws:policy/AdministratorAccess"],
            "UpkeepRole: has a policy that is not written out here",
        ),
        (
            "UpkeepRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal",
            {"AWS": "*"},
            "UpkeepRole: others than Lambda may take it",
        ),
        (
            "Extra",
            {"Type": "AWS::IAM::Role", "Properties": {"Policies": [], "AssumeRolePolicyDocument": {"Statement": []}}},
            "the roles are Extra, QuestionsRole",
        ),
    ],
)
def test_a_planted_fault_of_a_policy_is_found(path: str, value: Any, complaint: str) -> None:
    """A role that may do more than its function needs, or less, is reported; a search can never write."""
    assert any(complaint in one for one in violations(resolved(translated(planted(path, value)))))


def test_a_handler_that_is_not_there_is_found(tmp_path: Path) -> None:
    """Once the module is there, it has the function that the template names."""
    (tmp_path / "lambdas").mkdir()
    (tmp_path / "lambdas" / "good.py").write_text("def handler(): ...\n", "utf-8")
    (tmp_path / "lambdas" / "bad.py").write_text("def handle(): ...\n", "utf-8")

    assert list(handler(tmp_path, "lambdas.good.handler")) == []
    assert list(handler(tmp_path, "lambdas.bad.handler")) == ["lambdas.bad has no handler"]
