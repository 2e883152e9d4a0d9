"""Events that the rule must let through, and near misses that it must not."""

import copy

SEND = {
    "version": "0",
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "AWS API Call via CloudTrail",
    "source": "aws.ses",
    "account": "111122223333",
    "time": "2026-11-23T03:14:07Z",
    "region": "eu-west-1",
    "resources": [],
    "detail": {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLE",
            "arn": "arn:aws:iam::111122223333:user/shop",
            "accountId": "111122223333",
            "accessKeyId": "AKIAEXAMPLE",
            "userName": "shop",
        },
        "eventTime": "2026-11-23T03:14:07Z",
        "eventSource": "ses.amazonaws.com",
        "eventName": "SendEmail",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "aws-sdk-rust/1.3.9",
        "errorCode": "AccessDeniedException",
        "errorMessage": "User `arn:aws:iam::111122223333:user/shop' is not authorized to perform `ses:SendEmail' on"
        " resource `arn:aws:ses:eu-west-1:111122223333:identity/example.com'",
        "requestParameters": None,
        "responseElements": None,
        "requestID": "2f7e4f3c-6d0a-4a55-9a3c-0f2d8f2c9a51",
        "eventID": "a4a4c1a6-3a1f-4e9f-9d0d-7f5b9c7f6c11",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": "111122223333",
        "eventCategory": "Data",
    },
}

ABSENT = object()


def _but(detail=None, **envelope):
    event = copy.deepcopy(SEND)
    for target, changes in ((event, envelope), (event["detail"], detail or {})):
        for name, value in changes.items():
            name = name.replace("_", "-") if target is event else name
            if value is ABSENT:
                del target[name]
            else:
                target[name] = value
    return event


MATCHING = {
    "v2 send": SEND,
    "v1 send, whose code has no Exception": _but({"errorCode": "AccessDenied"}),
    "raw send": _but({"eventName": "SendRawEmail"}),
    "templated send": _but({"eventName": "SendTemplatedEmail"}),
    "bulk send": _but({"eventName": "SendBulkEmail"}),
    "v1 bulk send": _but({"eventName": "SendBulkTemplatedEmail"}),
    "custom verification": _but({"eventName": "SendCustomVerificationEmail"}),
    "bounce": _but({"eventName": "SendBounce"}),
    "send told as a service event": _but({"eventType": "AwsServiceEvent"}, detail_type="AWS Service Event via CloudTrail"),
    "no message": _but({"errorMessage": ABSENT}),
    "other partition": _but(region="cn-north-1", detail_type="Amazon API Call via CloudTrail"),
}

NEAR_MISSES = {
    "send that went through": _but({"errorCode": ABSENT, "errorMessage": ABSENT}),
    "send refused for another reason": _but({"errorCode": "MessageRejected"}),
    "throttled send": _but({"errorCode": "TooManyRequestsException"}),
    "code of another spelling": _but({"errorCode": "Client.AccessDenied"}),
    "refused read of SES": _but({"eventName": "GetEmailIdentity"}),
    "refused write of SES": _but({"eventName": "CreateEmailIdentityPolicy"}),
    "name in lower case": _but({"eventName": "sendEmail"}),
    "SES's own event of a sent message": _but(detail_type="Email Sent") | {"detail": {"eventType": "Send", "mail": {}}},
    "refused call of another service": _but({"eventSource": "sqs.amazonaws.com", "eventName": "SendMessage"}, source="aws.sqs"),
    "other service under the source of SES": _but({"eventSource": "sns.amazonaws.com"}),
    "SES's name under another source": _but(source="custom.ses"),
    "no detail": _but(detail_type="AWS API Call via CloudTrail") | {"detail": {}},
}
