//! Metrics as one line on standard output, in CloudWatch's embedded metric format: no call, no permission.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Counts of one invocation.
#[derive(Debug, Clone)]
pub struct Metrics {
    stack: String,
    function: &'static str,
    counts: Vec<(&'static str, u64)>,
}

impl Metrics {
    /// Metrics of a function of a stack, nothing counted yet.
    pub fn new(stack: &str, function: &'static str) -> Metrics {
        Metrics { stack: stack.to_owned(), function, counts: Vec::new() }
    }

    /// Sets a count. Zero is a value: an alarm tells "none" from "never ran".
    #[must_use]
    pub fn count(mut self, name: &'static str, value: impl TryInto<u64>) -> Metrics {
        self.counts.push((name, value.try_into().unwrap_or(u64::MAX)));
        self
    }

    /// The line.
    pub fn line(&self, now: Timestamp) -> String {
        let metrics: Vec<Value> = self.counts.iter().map(|(name, _)| json!({"Name": name, "Unit": "Count"})).collect();
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [{"Namespace": "Sesame", "Dimensions": [["Stack", "Function"]], "Metrics": metrics}]
            }),
        );
        line.insert("Stack".to_owned(), json!(self.stack));
        line.insert("Function".to_owned(), json!(self.function));
        line.extend(self.counts.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        Value::Object(line).to_string()
    }

    /// Writes the line.
    pub fn write(&self, now: Timestamp) {
        println!("{}", self.line(now));
    }
}
