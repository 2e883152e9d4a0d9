//! A finding as plain text, HTML page, Slack message, chat notification, SNS message.
