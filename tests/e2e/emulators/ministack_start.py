"""MiniStack 1.5.33, started with the few things that the end-to-end tests need and it leaves out.

Only inputs of its policy evaluator and of its CloudFormation are completed; its own evaluator stays the judge. Every name
that is replaced is checked first, so that another version fails at the start and not in some test.
"""

import contextvars
import json
import os
import runpy
import sys
import urllib.error
import urllib.request

from ministack.core import iam_actions, iam_evaluator, responses
from ministack.services import ses
from ministack.services.cloudformation import provisioners

# Whose identity the send at hand names by ARN; the account's own where it names none.
owner_of_identity = contextvars.ContextVar("owner_of_identity", default=None)


def replace(owner, name, make):
    """Puts `make(original)` in the place of a function."""
    original = owner[name] if isinstance(owner, dict) else getattr(owner, name)
    if isinstance(owner, dict):
        owner[name] = make(original)
    else:
        setattr(owner, name, make(original))


def sender_identity(original):
    """A v2 send is authorized on the identity that it sends as; MiniStack says `*`.

    The address itself where there is such an identity, else its domain:
    https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html
    """

    def resource(method, path, body, region, account_id):
        parts = [part for part in path.split("/") if part]
        if (method, parts[:3]) != ("POST", ["v2", "email", "outbound-emails"]):
            return original(method, path, body, region, account_id)
        given = json.loads(body or b"{}")
        arn = given.get("FromEmailAddressIdentityArn")
        owner_of_identity.set(arn.split(":")[4] if arn else None)
        if arn:
            return arn
        address = given.get("FromEmailAddress", "").rsplit("<", 1)[-1].rstrip(">").strip()
        return f"arn:aws:ses:{region}:{account_id}:identity/{address.rsplit('@', 1)[-1]}"

    return resource


def with_path(original):
    """The ARN of a role or user carries its path; MiniStack leaves it out."""

    def resource(service, method, path, headers, body, params, region, account_id):
        if service == "iam":
            from ministack.services import iam

            for field, store in (("RoleName", iam._roles), ("UserName", iam._users)):
                name = iam_actions._query_param(params, field)
                if name and (found := store.get_scoped(account_id, None, name)):
                    return found["Arn"]
        return original(service, method, path, headers, body, params, region, account_id)

    return resource


def with_conditions(original):
    """Condition keys of the walls that MiniStack does not fill in: the boundary of the user or role that a call names, and the
    partition keys of the items that it names.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html,
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    """

    def context(service, iam_action, body, params):
        found = dict(original(service, iam_action, body, params) or {})
        if service == "iam":
            from ministack.core.responses import get_account_id
            from ministack.services import iam

            for field, store in (("RoleName", iam._roles), ("UserName", iam._users)):
                name = iam_actions._query_param(params, field)
                holder = name and store.get_scoped(get_account_id(), None, name)
                boundary = (holder or {}).get("PermissionsBoundary")
                if isinstance(boundary, dict):
                    boundary = boundary.get("PermissionsBoundaryArn")
                if boundary:
                    found["iam:PermissionsBoundary"] = boundary
        if service == "dynamodb" and body[:1] == b"{":
            given = json.loads(body)
            item = given.get("Item") or given.get("Key") or {}
            if key := item.get("pk", {}).get("S"):
                found["dynamodb:LeadingKeys"] = [key]
        return found

    return context


def verified_with_its_owner(original):
    """An identity that is named by ARN is verified in the account that owns it; MiniStack looks in the sender's.

    https://docs.aws.amazon.com/ses/latest/dg/sending-authorization-overview.html
    """

    def verified(address, **options):
        owner = owner_of_identity.get()
        if not owner:
            return original(address, **options)
        with responses.request_scope(owner, responses.get_region()):
            return original(address, **options)

    return verified


def with_sending_authorization(original):
    """The policies of an SES identity bear on a send; moto keeps them, MiniStack has none. Its evaluator combines them with the
    caller's own: within an account either may allow, across accounts both must.

    https://docs.aws.amazon.com/ses/latest/dg/sending-authorization-policies.html
    """

    def policy(service, resource_arn):
        if service != "sesv2" or ":identity/" not in resource_arn:
            return original(service, resource_arn)
        _, _, _, region, account, name = resource_arn.split(":", 5)
        request = urllib.request.Request(
            f"{os.environ['SESAME_MOTO']}/v2/email/identities/{name.removeprefix('identity/')}/policies",
            headers={
                "X-Moto-Account-Id": account,
                "Authorization": f"AWS4-HMAC-SHA256 Credential={account}/20260101/{region}/ses/aws4_request, Signature=0",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                documents = json.load(answer)["Policies"].values()
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            documents = []
        statements = [json.loads(document)["Statement"] for document in documents]
        flat = [each for listed in statements for each in (listed if isinstance(listed, list) else [listed])]
        return {"Statement": flat}, account

    return policy


def principal_of_session(original):
    """For the session of a role, `aws:PrincipalArn` is the role's ARN; MiniStack gives the session's.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """

    def value(key, context):
        found = original(key, context)
        if key.lower() != "aws:principalarn" or ":assumed-role/" not in found:
            return found
        from ministack.services import iam

        account, name = context.principal_account, found.split("/")[1]
        role = iam._roles.get_scoped(account, None, name)
        return role["Arn"] if role else found

    return value


def with_expiry(original):
    """A table's TimeToLiveSpecification counts; MiniStack's CloudFormation ignores it."""

    def create(logical_id, properties, stack_name):
        made = original(logical_id, properties, stack_name)
        if expiry := properties.get("TimeToLiveSpecification"):
            provisioners._dynamodb._update_ttl({"TableName": made[0], "TimeToLiveSpecification": expiry})
        return made

    return create


replace(iam_actions, "_ses_v2_resource_arn", sender_identity)
replace(iam_actions, "extract_resource_arn", with_path)
replace(iam_actions, "request_tag_context", with_conditions)
replace(ses, "_identity_verified", verified_with_its_owner)
replace(iam_evaluator, "_resource_policy", with_sending_authorization)
replace(iam_evaluator, "_resolve_condition_key", principal_of_session)
replace(provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"], "create", with_expiry)

sys.argv = ["ministack"]
runpy.run_module("ministack", run_name="__main__")
