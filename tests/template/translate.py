"""The template as CloudFormation will see it: translated by SAM, then with every reference put in, for one account."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import cfnlint.api
import yaml
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

Tree: TypeAlias = dict[str, Any]

PATH = Path(__file__).parent.parent.parent / "lambdas" / "template.yaml"
REGION, ACCOUNT = "eu-central-1", "123456789012"
GIVEN: Mapping[str, str] = {
    "Environment": "prod",
    "OpenSearchEndpoint": "https://search.example",
    "OpenSearchDomainArn": f"arn:aws:es:{REGION}:{ACCOUNT}:domain/footnote",
    "OpenAiKeySecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:openai-a1b2c3",
    "IdentityIssuer": f"https://cognito-idp.{REGION}.amazonaws.com/{REGION}_Ab12Cd34E",
    "IdentityAudience": "3n4b5urk1ft4fl3mg5e62d9ado,another",
    "PrivacyKeysSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:privacy-c3d4e5",
    "PageOrigins": "https://page.example",
}
PSEUDO: Mapping[str, str] = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
NO_VALUE = object()


def source() -> Tree:
    """Return the template as it is written."""
    return copy.deepcopy(_parsed())


@cache
def _parsed() -> Tree:
    tree: Tree = yaml_parse(PATH.read_text("utf-8"))
    return tree


def aliases(text: str) -> list[str]:
    """Return what is said by reference to another place of a YAML text."""
    return [event.anchor for event in yaml.parse(text) if isinstance(event, yaml.AliasEvent)]


def translated(template: Tree) -> Tree:
    """Return what SAM makes of a template, without asking AWS for anything."""
    template = copy.deepcopy(template)
    template["Globals"]["Function"]["CodeUri"] = "s3://packaged/code.zip"  # what `sam package` would put there
    os.environ["AWS_DEFAULT_REGION"] = REGION  # every test scrubs it
    out: Tree = transform(template, {}, _NoManagedPolicies())
    return out


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


def linted(text: str) -> list[str]:
    """Return every error and warning of cfn-lint."""
    return [f"{one.rule.id} {one.message}" for one in cfnlint.api.lint(text, regions=[REGION])]


def resolved(template: Tree, **given: str) -> Tree:
    """Return a translated template's resources with every reference put in."""
    return _Resolver(template, {**GIVEN, **given}).resources()


class _Resolver:
    def __init__(self, template: Tree, given: Mapping[str, str]) -> None:
        self._resources: Tree = template["Resources"]
        self._conditions: Tree = template["Conditions"]
        self._values: dict[str, Any] = dict(PSEUDO)
        for name, parameter in template["Parameters"].items():
            value = given.get(name, parameter.get("Default"))
            listed = parameter["Type"] == "CommaDelimitedList"
            self._values[name] = str(value).split(",") if listed else value
        self._functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": lambda asked: self._attribute(*asked),
            "Fn::Sub": self._sub,
            "Fn::Join": lambda asked: str(asked[0]).join(self.value(asked[1])),
            "Fn::If": lambda asked: self.value(asked[1 if self.value(self._conditions[asked[0]]) else 2]),
            "Fn::Not": lambda asked: not self.value(asked[0]),
            "Fn::Equals": lambda asked: self.value(asked[0]) == self.value(asked[1]),
        }

    def resources(self) -> Tree:
        return {name: self.value(resource) for name, resource in self._resources.items()}

    def value(self, node: Any) -> Any:
        if isinstance(node, list):
            return [value for one in node if (value := self.value(one)) is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1 and (function := self._functions.get(next(iter(node)))):
            return function(next(iter(node.values())))
        return {name: value for name, one in node.items() if (value := self.value(one)) is not NO_VALUE}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self._values:
            return self._values[name]
        kind, bears = self._resources[name]["Type"], self._bears(name)
        return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{bears}" if kind == "AWS::SQS::Queue" else bears

    def _attribute(self, name: str, attribute: str) -> str:
        if attribute != "Arn":
            return f"{name}.{attribute}"
        place = f"{REGION}:{ACCOUNT}"
        forms = {
            "AWS::SQS::Queue": f"arn:aws:sqs:{place}:",
            "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{place}:table/",
            "AWS::Logs::LogGroup": f"arn:aws:logs:{place}:log-group:",
            "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/",
            "AWS::Events::Rule": f"arn:aws:events:{place}:rule/",
            "AWS::Lambda::Function": f"arn:aws:lambda:{place}:function:",
        }
        kind = self._resources[name]["Type"]
        return forms[kind] + self._bears(name) + (":*" if kind == "AWS::Logs::LogGroup" else "")

    def _bears(self, name: str) -> str:
        """The name a resource was given, or what it is called in the template."""
        about = self._resources[name].get("Properties", {})
        names = ("BucketName", "TableName", "QueueName", "LogGroupName", "FunctionName")
        return next((str(self.value(about[one])) for one in names if one in about), name)

    def _sub(self, asked: Any) -> str:
        text, values = asked if isinstance(asked, list) else (asked, {})

        def put_in(found: re.Match[str]) -> str:
            name, dot, attribute = found[1].partition(".")
            if name in values:
                return str(self.value(values[name]))
            return self._attribute(name, attribute) if dot else str(self._ref(name))

        return re.sub(r"\$\{([^}]+)}", put_in, text)
