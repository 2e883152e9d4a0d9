"""What the template must hold, beyond what the linters know."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import template

ROOT = template.ROOT
TEMPLATE = template.load()
RESOURCES = TEMPLATE["Resources"]


def of_type(kind):
    return {name: resource for name, resource in RESOURCES.items() if resource["Type"] == kind}


def properties(name):
    return RESOURCES[name]["Properties"]


def tool(name):
    return str(Path(sys.executable).parent / name)


def run(*command):
    environment = os.environ | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_sam_validate_with_lint_passes():
    result = run(tool("sam"), "validate", "--lint", "--template-file", str(template.PATH))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "us-gov-west-1"])
def test_cfn_lint_has_nothing_to_say(region):
    result = run(tool("cfn-lint"), "--regions", region, "--", str(template.PATH))
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_rule_has_the_tested_pattern():
    pattern = json.loads((ROOT / "infra/event-pattern.json").read_text())
    assert [rule["Properties"]["EventPattern"] for rule in of_type("AWS::Events::Rule").values()] == [pattern]


def test_the_role_has_the_tested_statements_and_nothing_else():
    statements = json.loads((ROOT / "infra/statements/diagnose.json").read_text())
    role = properties("DiagnoseRole")
    assert [policy["PolicyDocument"]["Statement"] for policy in role["Policies"]] == [statements]
    assert "ManagedPolicyArns" not in role
    assert list(of_type("AWS::IAM::Role")) == ["DiagnoseRole"], "every role has its statement list"


def test_no_function_gets_a_role_or_policies_made_by_sam():
    for name, function in of_type("AWS::Serverless::Function").items():
        assert "Role" in function["Properties"], name
        assert "Policies" not in function["Properties"], name


def test_every_parameter_has_a_default_and_says_what_it_is():
    for name, parameter in TEMPLATE["Parameters"].items():
        assert "Default" in parameter and parameter["Description"], name


def test_every_queue_that_a_function_reads_hands_on_to_the_dead_letters():
    function = TEMPLATE["Globals"]["Function"] | properties("Diagnose")
    queue = properties("Denials")
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5, "AWS: fewer and throttling alone fills the dead letters"
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"], "AWS: six times the function's timeout"
    assert properties("DeadLetters")["MessageRetentionPeriod"] > queue["MessageRetentionPeriod"]


def test_batches_fail_message_by_message_and_are_read_by_few():
    event = properties("Diagnose")["Events"]["Denials"]["Properties"]
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert event["ScalingConfig"]["MaximumConcurrency"] == 2
    assert "ReservedConcurrentExecutions" not in properties("Diagnose")


def test_the_rule_loses_nothing_that_the_queue_does_not_take():
    (target,) = properties("DenialRule")["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": ["Denials", "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}


def test_queues_take_messages_from_the_rule_alone():
    for policy in of_type("AWS::SQS::QueuePolicy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            assert statement["Principal"] == {"Service": "events.amazonaws.com"}
            assert statement["Action"] == "sqs:SendMessage"
            assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["DenialRule", "Arn"]}}}


def test_messages_are_encrypted_at_rest():
    for name, queue in of_type("AWS::SQS::Queue").items():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True, name


def test_findings_expire_can_be_restored_and_outlive_the_stack():
    table = RESOURCES["Findings"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_every_function_has_a_log_group_that_forgets():
    for name, function in of_type("AWS::Serverless::Function").items():
        group = function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
        assert properties(group)["RetentionInDays"] == 30, name


def test_dead_letters_raise_an_alarm_that_reaches_the_topic():
    (alarm,) = of_type("AWS::CloudWatch::Alarm").values()
    alarm = alarm["Properties"]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["DeadLetters", "QueueName"]}}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert alarm["AlarmActions"] == [{"Ref": "Topic"}]
    assert "KmsMasterKeyId" not in properties("Topic"), "CloudWatch cannot publish to a topic under alias/aws/sns"


def test_log_groups_of_this_account_and_no_others_may_invoke():
    (permission,) = of_type("AWS::Lambda::Permission").values()
    permission = permission["Properties"]
    assert permission["Principal"] == "logs.amazonaws.com"
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert permission["SourceArn"]["Fn::Sub"].endswith(":${AWS::AccountId}:log-group:*")


def test_an_email_subscription_is_made_only_for_a_given_address():
    assert RESOURCES["AlertEmailSubscription"]["Condition"] == "HasAlertEmail"
    assert TEMPLATE["Parameters"]["AlertEmail"]["Default"] == ""


def test_functions_are_built_by_cargo_lambda_by_their_binary():
    for name, function in of_type("AWS::Serverless::Function").items():
        metadata = function["Metadata"]
        assert metadata["BuildMethod"] == "rust-cargolambda", name
        manifest = ROOT / "functions" / metadata["BuildProperties"]["Binary"] / "Cargo.toml"
        assert f'\nname = "{metadata["BuildProperties"]["Binary"]}"' in manifest.read_text()
