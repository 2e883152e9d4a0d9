"""What the template must hold, beyond what the linters know."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import calls
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


@pytest.mark.parametrize("function", calls.functions())
def test_each_role_has_the_tested_statements_and_nothing_else(function):
    statements = json.loads((ROOT / f"infra/statements/{function}.json").read_text())
    role = properties(f"{function.capitalize()}Role")
    assert [policy["PolicyDocument"]["Statement"] for policy in role["Policies"]] == [statements]
    assert "ManagedPolicyArns" not in role
    trust = role["AssumeRolePolicyDocument"]["Statement"]
    assert [(each["Principal"], each["Action"]) for each in trust] == [({"Service": "lambda.amazonaws.com"}, "sts:AssumeRole")]


def test_every_role_has_its_statement_list():
    assert set(of_type("AWS::IAM::Role")) == {f"{function.capitalize()}Role" for function in calls.functions()}


def test_functions_know_all_of_the_stacks_roles_as_their_own():
    roles = {("Fn::GetAtt", name) for name in of_type("AWS::IAM::Role")}
    for name, function in of_type("AWS::Serverless::Function").items():
        text = json.dumps(function["Properties"]["Environment"]["Variables"]["SESAME_OWN_ROLES"])
        for _, role in roles:
            assert f'["{role}", "Arn"]' in text, f"{name} does not know {role}"


def test_policies_beside_the_roles_are_for_the_key_alone_and_split_its_two_uses():
    beside = {
        name: (policy["Properties"]["Roles"], [s["Action"] for s in policy["Properties"]["PolicyDocument"]["Statement"]])
        for name, policy in of_type("AWS::IAM::Policy").items()
    }
    expected = {
        "ApplyVerifies": ([{"Ref": "ApplyRole"}], ["kms:VerifyMac"]),
        "ApproveSigns": ([{"Ref": "ApproveRole"}], ["kms:GenerateMac"]),
    }
    assert beside == expected
    for policy in of_type("AWS::IAM::Policy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            assert statement["Resource"] == {"Fn::GetAtt": ["DecisionKey", "Arn"]}


def test_the_keys_policy_lets_nobody_use_it_but_one_role_each_way():
    key = properties("DecisionKey")
    assert (key["KeySpec"], key["KeyUsage"]) == ("HMAC_256", "GENERATE_VERIFY_MAC")
    uses = {}
    for statement in key["KeyPolicy"]["Statement"]:
        statement = statement["Fn::If"][1] if "Fn::If" in statement else statement
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not any("*" in action for action in actions)
        for action in actions:
            uses.setdefault(action, []).append(statement["Principal"])
    assert uses["kms:VerifyMac"] == [{"AWS": {"Fn::GetAtt": ["ApplyRole", "Arn"]}}]
    assert uses["kms:GenerateMac"] == [{"AWS": {"Fn::GetAtt": ["ApproveRole", "Arn"]}}]
    assert "kms:CreateGrant" not in uses, "a grant would give what the policy does not"


def test_suggesting_only_makes_no_apply_function_and_no_right_to_write():
    assert TEMPLATE["Parameters"]["Remediation"]["Default"] == "suggest-only"
    for name in ["Apply", "ApplyRole", "ApplyLogs", "ApplyVerifies"]:
        assert RESOURCES[name]["Condition"] == "Applies", name
    assert TEMPLATE["Conditions"]["Applies"] == {"Fn::Equals": [{"Ref": "Remediation"}, "approve"]}
    rest = json.dumps({name: resource for name, resource in RESOURCES.items() if resource.get("Condition") != "Applies"})
    for action in ["iam:Put", "iam:Delete", "iam:Attach", "ses:Create", "ses:Delete"]:
        assert action not in rest, action


def test_nothing_is_listed_by_default_and_lists_take_no_wildcards():
    for name in ["RemediablePrincipals", "RemediableIdentities", "RequiredBoundary", "ReadRoleAccounts", "ApplyRoleAccounts"]:
        assert TEMPLATE["Parameters"][name]["Default"] == "none", name
    good = {
        "RemediablePrincipals": ["none", "arn:aws:iam::111122223333:role/team/mailer", "arn:aws-us-gov:iam::111122223333:user/a@b"],
        "RemediableIdentities": ["none", "arn:aws:ses:eu-west-1:111122223333:identity/example.com"],
        "RequiredBoundary": ["none", "arn:aws:iam::111122223333:policy/SendOnly"],
        "ReadRoleAccounts": ["none", "111122223333"],
        "ApplyRoleAccounts": ["none", "111122223333"],
        "ApprovalBaseUrl": ["", "https://mail.example.com", "https://example.com/sesame"],
    }
    bad = {
        "RemediablePrincipals": ["*", "arn:aws:iam::111122223333:role/*", "arn:aws:iam::111122223333:role/a?", "arn:aws:iam::*:role/a",
                                 "arn:aws:iam::111122223333:group/a", "arn:aws:iam::111122223333:root", ""],
        "RemediableIdentities": ["*", "arn:aws:ses:*:111122223333:identity/example.com", "arn:aws:ses:eu-west-1:111122223333:identity/*"],
        "RequiredBoundary": ["*", "arn:aws:iam::111122223333:policy/*", "SendOnly"],
        "ReadRoleAccounts": ["*", "1111", ""],
        "ApplyRoleAccounts": ["*", "1111", ""],
        "ApprovalBaseUrl": ["http://example.com", "https://example.com/", "javascript:alert(1)"],
    }
    for name, values in good.items():
        for value in values:
            assert re.search(TEMPLATE["Parameters"][name]["AllowedPattern"], value), f"{name}: {value}"
    for name, values in bad.items():
        for value in values:
            assert not re.search(TEMPLATE["Parameters"][name]["AllowedPattern"], value), f"{name}: {value}"


def test_the_stream_brings_what_waits_and_nothing_else():
    assert properties("Findings")["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    stream = properties("Apply")["Events"]["Decisions"]["Properties"]
    assert stream["Stream"] == {"Fn::GetAtt": ["Findings", "StreamArn"]}
    assert stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert stream["BisectBatchOnFunctionError"] is True
    assert stream["MaximumRetryAttempts"] > 0 and stream["MaximumRecordAgeInSeconds"] <= 3600
    assert stream["DestinationConfig"]["OnFailure"] == {"Type": "SQS", "Destination": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}
    assert "ParallelizationFactor" not in stream, "one finding's records must come one after the other"
    (pattern,) = [json.loads(each["Pattern"]) for each in stream["FilterCriteria"]["Filters"]]
    source = (ROOT / "functions/apply/src/stream.rs").read_text()
    waiting = re.search(r"WAITING: \[&str; \d\] = \[([^]]*)\]", source)[1]
    image = pattern["dynamodb"]["NewImage"]
    assert image == {"sk": {"S": ["record"]}, "state": {"S": json.loads(f"[{waiting}]")}}


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


def test_functions_are_invoked_by_log_groups_of_this_account_and_by_the_api_and_by_nobody_else():
    permissions = {name: each["Properties"] for name, each in of_type("AWS::Lambda::Permission").items()}
    logs, api = permissions.pop("LogsMayInvoke"), permissions.pop("ApiMayInvoke")
    assert permissions == {}
    assert (logs["FunctionName"], logs["Principal"]) == ({"Ref": "Diagnose"}, "logs.amazonaws.com")
    assert logs["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert logs["SourceArn"]["Fn::Sub"].endswith(":${AWS::AccountId}:log-group:*")
    assert (api["FunctionName"], api["Principal"]) == ({"Ref": "Approve"}, "apigateway.amazonaws.com")
    assert api["SourceArn"]["Fn::Sub"].endswith(":${AWS::AccountId}:${Api}/*")


def test_the_api_has_two_kinds_of_doors_and_no_others():
    doors = {each["Properties"]["RouteKey"]: each["Properties"]["AuthorizationType"] for each in of_type("AWS::ApiGatewayV2::Route").values()}
    assert doors == {
        "GET /t/{token}": "NONE",
        "HEAD /t/{token}": "NONE",
        "GET /f/{id}": "NONE",
        "HEAD /f/{id}": "NONE",
        "POST /f/{id}": "NONE",
        "POST /decide": "AWS_IAM",
        "GET /findings": "AWS_IAM",
        "GET /findings/{id}": "AWS_IAM",
        "GET /grants": "AWS_IAM",
        "GET /audit": "AWS_IAM",
    }
    for route in of_type("AWS::ApiGatewayV2::Route").values():
        assert route["Properties"]["Target"] == {"Fn::Sub": "integrations/${ApproveIntegration}"}


def test_the_api_is_throttled_and_logs_no_paths():
    stage = properties("ApiStage")
    settings = stage["DefaultRouteSettings"]
    assert 0 < settings["ThrottlingRateLimit"] <= 10 and 0 < settings["ThrottlingBurstLimit"] <= 20
    assert "AccessLogSettings" not in stage, "a path may hold the token of a link"
    assert "CorsConfiguration" not in properties("Api")
    assert properties("ApproveIntegration")["PayloadFormatVersion"] == "2.0"


def test_what_the_functions_are_told_is_the_same_for_all_of_them():
    told = {
        name: function["Properties"]["Environment"]["Variables"]
        for name, function in of_type("AWS::Serverless::Function").items()
    }
    for variable in set().union(*told.values()) - {"SESAME_APPROVAL_URL", "SESAME_OWN_ROLES"}:
        values = [json.dumps(each[variable]) for each in told.values() if variable in each]
        assert len(set(values)) == 1, f"{variable}: {values}"
    source = "".join(path.read_text() for path in (ROOT / "shared/lambda/src").glob("*.rs"))
    source += "".join(path.read_text() for path in (ROOT / "functions").glob("*/src/*.rs"))
    read = set(re.findall(r'"(SESAME_[A-Z_]+)"', source))
    assert set().union(*told.values()) <= read, "no function reads it"


def test_links_are_left_out_of_alerts_where_they_are_off():
    for name in ["Diagnose", "Sweep"]:
        url = properties(name)["Environment"]["Variables"]["SESAME_APPROVAL_URL"]["Fn::If"]
        assert (url[0], url[2]) == ("HasLinks", "none")
    assert TEMPLATE["Conditions"]["HasLinks"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WebApproval"}, "off"]}]}


def test_the_sweep_runs_as_often_as_its_code_thinks():
    source = (ROOT / "functions/sweep/src/handler.rs").read_text()
    minutes = re.search(r"EVERY: SignedDuration = SignedDuration::from_mins\((\d+)\)", source)[1]
    schedule = properties("Sweep")["Events"]["Now"]["Properties"]["ScheduleExpression"]
    assert schedule == f"rate({minutes} minutes)"


def test_an_email_subscription_is_made_only_for_a_given_address():
    assert RESOURCES["AlertEmailSubscription"]["Condition"] == "HasAlertEmail"
    assert TEMPLATE["Parameters"]["AlertEmail"]["Default"] == ""


def test_functions_are_built_by_cargo_lambda_by_their_binary():
    for name, function in of_type("AWS::Serverless::Function").items():
        metadata = function["Metadata"]
        assert metadata["BuildMethod"] == "rust-cargolambda", name
        manifest = ROOT / "functions" / metadata["BuildProperties"]["Binary"] / "Cargo.toml"
        assert f'\nname = "{metadata["BuildProperties"]["Binary"]}"' in manifest.read_text()
