"""An SQS queue subscribed to the topic: what a machine that listens to findings gets."""

import json
import time


class Inbox:
    def __init__(self, emulators, topic):
        self._sqs = emulators.client("sqs")
        self._url = self._sqs.create_queue(QueueName="findings-out")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": attributes["QueueArn"],
                    "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
                }
            ],
        }
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": json.dumps(policy)})
        emulators.client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=attributes["QueueArn"], Attributes={"RawMessageDelivery": "true"}
        )

    def empty(self):
        while self._receive(0):
            pass

    def next(self, seconds=30):
        """The next message: body as JSON, and its attributes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if messages := self._receive(1):
                return messages[0]
        raise AssertionError(f"nothing was published within {seconds} seconds")

    def nothing(self, seconds=3):
        """Whether nothing comes for a while."""
        return not self._receive(seconds)

    def _receive(self, seconds):
        answer = self._sqs.receive_message(
            QueueUrl=self._url, WaitTimeSeconds=seconds, MaxNumberOfMessages=1, MessageAttributeNames=["All"]
        )
        received = []
        for message in answer.get("Messages", []):
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            attributes = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
            received.append((json.loads(message["Body"]), attributes))
        return received
