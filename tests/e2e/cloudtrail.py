"""Refusals as EventBridge passes on what CloudTrail recorded of them.

The error's code and text are the emulator's own; the envelope follows
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html. Recipients, subject
and body are redacted, as AWS does with what is sensitive.
"""

import datetime
import uuid

from emulators.world import REGION

REDACTED = "HIDDEN_DUE_TO_SECURITY_REASONS"


def refused_send(sender, refusal, from_address, source_ip="192.0.2.10", identity_arn=None):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    event_id = str(uuid.uuid4())
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.ses",
        "account": sender.account,
        "time": now,
        "region": REGION,
        "resources": [],
        "detail": {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": "AIDAEXAMPLE",
                "arn": sender.arn,
                "accountId": sender.account,
                "accessKeyId": sender.access_key,
                "userName": sender.name,
            },
            "eventTime": now,
            "eventSource": "ses.amazonaws.com",
            "eventName": "SendEmail",
            "awsRegion": REGION,
            "sourceIPAddress": source_ip,
            "userAgent": "Boto3/1.43",
            "errorCode": refusal["Code"],
            "errorMessage": refusal["Message"],
            "requestParameters": {
                "fromEmailAddress": from_address,
                **({"fromEmailAddressIdentityArn": identity_arn} if identity_arn else {}),
                "destination": {"toAddresses": REDACTED},
                "content": REDACTED,
            },
            "responseElements": None,
            "requestID": str(uuid.uuid4()),
            "eventID": event_id,
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": False,
            "recipientAccountId": sender.account,
            "eventCategory": "Data",
            "tlsDetails": {
                "tlsVersion": "TLSv1.3",
                "cipherSuite": "TLS_AES_128_GCM_SHA256",
                "clientProvidedHostHeader": f"email.{REGION}.amazonaws.com",
            },
        },
    }
