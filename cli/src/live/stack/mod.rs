//! The verbs for a deployed stack: signed requests to its HTTP API, with the caller's own credentials.

pub mod decide;
pub mod list;
pub mod show;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sesame_aws::{Access, Answer, Clients, StackApi};
use sesame_responder::record::Record;

use crate::arguments::live;
use crate::failure::Failure;

/// A stack.
struct Stack {
    api: StackApi,
    clients: Clients,
    /// The outputs of its CloudFormation stack, where it was found by that.
    outputs: Option<BTreeMap<String, String>>,
}

/// An answer that says no.
#[derive(Debug, Deserialize)]
struct Trouble {
    message: String,
}

impl Stack {
    async fn open(arguments: &live::Stack) -> Result<Stack, Failure> {
        let access = Access { profile: arguments.profile.clone(), region: arguments.region.clone(), patient: false };
        let clients = Clients::of_caller(&access).await.map_err(Failure::snapshot)?;
        let (url, outputs) = match &arguments.api {
            Some(url) => (url.clone(), None),
            None => {
                let name = &arguments.stack;
                let outputs = sesame_aws::stack_outputs(&clients, name).await.map_err(Failure::snapshot)?;
                let url = outputs.get("ApiUrl").cloned().ok_or_else(|| {
                    Failure::snapshot(format!("the stack `{name}` has no output ApiUrl: expected a stack of Sesame"))
                })?;
                (url, Some(outputs))
            }
        };
        let api = StackApi::new(&clients, &url).map_err(|error| match arguments.api {
            Some(_) => Failure::usage(format!("--api: {error}")),
            None => Failure::snapshot(error),
        })?;
        Ok(Stack { api, clients, outputs })
    }

    /// Whether it is known that the stack can write nothing.
    fn only_suggests(&self) -> bool {
        self.outputs.as_ref().is_some_and(|outputs| !outputs.contains_key("ApplyFunction"))
    }

    async fn get_answer(&self, path: &str) -> Result<Answer, Failure> {
        let answer = self.api.call("GET", path, None).await.map_err(Failure::snapshot)?;
        self.accepted(answer)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.read(path, &self.get_answer(path).await?.body)
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        let body = body.to_string();
        let answer = self.api.call("POST", path, Some(body.as_bytes())).await.map_err(Failure::snapshot)?;
        self.read(path, &self.accepted(answer)?.body)
    }

    async fn record(&self, finding: &str) -> Result<Record, Failure> {
        let path = format!("/findings/{}", id(finding)?);
        let mut record: Value = self.get(&path).await?;
        // The stack keeps to itself which events it has counted.
        if let Some(record) = record.as_object_mut() {
            record.entry("counted").or_insert_with(|| Value::Array(Vec::new()));
        }
        self.read(&path, record.to_string().as_bytes())
    }

    fn read<T: DeserializeOwned>(&self, path: &str, body: &[u8]) -> Result<T, Failure> {
        let mut json = serde_json::Deserializer::from_slice(body);
        serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let (place, url) = (error.path().to_string(), self.api.url());
            Failure::snapshot(format!("{url}{path}: {place}: {}: expected a stack of this version", error.into_inner()))
        })
    }

    /// An answer that says yes. What the API itself refuses has no `error` of ours.
    fn accepted(&self, answer: Answer) -> Result<Answer, Failure> {
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let ours = said.as_ref().is_some_and(|said| said.get("error").is_some());
        let trouble = said.and_then(|said| serde_json::from_value::<Trouble>(said).ok());
        let message = trouble.map(|trouble| trouble.message);
        match (answer.status, message) {
            (400..500, Some(message)) if ours => Err(Failure::input(message)),
            (_, Some(message)) if ours => Err(Failure::snapshot(message)),
            (401 | 403, message) => {
                let arn = self.outputs.as_ref().and_then(|outputs| outputs.get("DecideArn"));
                let arn = arn.map(|arn| format!(" on {arn}")).unwrap_or_default();
                let said = message.map(|message| format!(" ({message})")).unwrap_or_default();
                Err(Failure::snapshot(format!(
                    "{} does not let these credentials in{said}: they need execute-api:Invoke{arn}",
                    self.api.url()
                )))
            }
            (404, _) => Err(Failure::snapshot(format!(
                "{} answered 404: expected the address of a stack of Sesame",
                self.api.url()
            ))),
            (status, message) => {
                let said = message.map(|message| format!(": {message}")).unwrap_or_default();
                Err(Failure::snapshot(format!("{} answered {status}{said}; try again in a minute", self.api.url())))
            }
        }
    }
}

/// A finding's id as a part of a path.
fn id(finding: &str) -> Result<&str, Failure> {
    let right = !finding.is_empty() && finding.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    right.then_some(finding).ok_or_else(|| {
        Failure::usage(format!("expected the id of a finding, as f-0123456789abcdef, found `{finding}`"))
    })
}
