//! Nobody's address, name, phone, number or token stands in a log line, a metric, an answer or an error of a whole run:
//! neither of the deployed functions nor of the core on ports in memory. What the tests sent is collected from what the
//! functions were given, so a new test brings its own values along.

use std::{collections::BTreeSet, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bridge_tests::local::paths;
use serde_json::{Map, Value};

use crate::{
    record::{self, Invocation, short},
    search::Search,
};

/// Keys of bodies and commands whose values are about a person.
const PERSONAL: [&str; 24] = [
    "birthDate",
    "birthday",
    "code",
    "contact",
    "email",
    "first_name",
    "firstName",
    "from",
    "last_name",
    "lastName",
    "link",
    "mobile",
    "phone",
    "phone_number",
    "phoneNumber",
    "product_referral_link",
    "referral_discount_code",
    "referral_link",
    "referred_by",
    "third_party_id",
    "thirty_party_id",
    "userProfileImageUrl",
    "zip_code",
    "zipCode",
];

/// Keys of bodies that carry a token.
const TOKENS: [&str; 3] = ["authentication", "secret", "shared_secret"];

/// The least that a token of a test has: shorter ones are ordinary words.
const TOKEN: usize = 8;

/// Keys whose values are ids and codes. Where one has no digit a test has made it of an ordinary word.
const IDS: [&str; 4] = [
    "code",
    "referral_discount_code",
    "third_party_id",
    "thirty_party_id",
];

fn is_value(key: &str, text: &str) -> bool {
    !IDS.contains(&key) || text.bytes().any(|byte| byte.is_ascii_digit())
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        Value::Object(all) => all.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) => Vec::new(),
    }
}

/// Adds every value that stands under a key which says that it is about a person, at any depth.
fn add_people(search: &mut Search, value: &Value) {
    match value {
        Value::Object(all) => {
            for (key, value) in all {
                if PERSONAL.contains(&key.as_str()) {
                    for text in texts(value).iter().filter(|text| is_value(key, text)) {
                        search.add(key, text);
                    }
                } else if TOKENS.contains(&key.as_str()) {
                    for text in texts(value) {
                        search.add("a token", &text);
                    }
                } else {
                    add_people(search, value);
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| add_people(search, value)),
        _ => {}
    }
}

/// The body of a delivery at the door, if it is JSON.
fn body(event: &Value) -> Option<Value> {
    let text = event["body"].as_str()?;
    if event["isBase64Encoded"] == true {
        return serde_json::from_slice(&STANDARD.decode(text).ok()?).ok();
    }
    serde_json::from_str(text).ok()
}

/// Whatever a caller may have presented as a token: headers that are not the gateway's own, the query, the path.
fn presented(event: &Value) -> Vec<String> {
    let headers = event["headers"].as_object().into_iter().flatten();
    let headers = headers.filter(|(name, _)| {
        let gateways = ["x-forwarded-", "x-amzn-"];
        name.as_str() == "authorization"
            || name.starts_with("x-") && !gateways.iter().any(|prefix| name.starts_with(prefix))
    });
    let headers = headers.filter_map(|(_, value)| value.as_str()?.rsplit(' ').next());
    let query = texts(&event["queryStringParameters"]);
    let path = texts(&event["pathParameters"]["token"]);
    headers
        .map(ToOwned::to_owned)
        .chain(query)
        .chain(path)
        .collect()
}

/// Everything that must not be found of a whole run.
fn sought() -> Search {
    let record = record::whole();
    let mut search = Search::default();
    let stores: BTreeSet<&str> = record
        .invocations
        .iter()
        .filter_map(|run| run.event["pathParameters"]["store"].as_str())
        .collect();
    for run in &record.invocations {
        if run.event["command"] == "put_store" {
            // Its settings for birthdays are nobody's birthday; whom to ask about the store is somebody.
            let contact = &run.event["store"]["contact"];
            add_people(&mut search, &serde_json::json!({"email": contact}));
        } else {
            add_people(&mut search, &run.event);
        }
        if let Some(body) = body(&run.event) {
            add_people(&mut search, &body);
        }
        for token in presented(&run.event) {
            // A test may put a store's name where a token would be.
            if token.len() >= TOKEN && !stores.iter().any(|store| token.contains(store)) {
                search.add("a token", &token);
            }
        }
    }
    for secret in &record.secrets {
        let parts = serde_json::from_str::<Map<String, Value>>(secret);
        let parts = parts.map_or(vec![secret.clone()], |parts| texts(&Value::Object(parts)));
        // A connection's secret names its account, which a test calls as its store.
        let parts = parts.iter().filter(|part| !stores.contains(part.as_str()));
        for part in parts.filter(|part| part.len() >= TOKEN) {
            search.add("a secret", part);
        }
    }
    for_examples(&mut search);
    search
}

/// The people of the example bodies, which the tests in memory send too.
fn for_examples(search: &mut Search) {
    for folder in [
        "events/annexcloud",
        "events/annexcloud-api",
        "events/yotpo",
        "events/yotpo-api",
    ] {
        for file in std::fs::read_dir(paths::root().join(folder)).unwrap() {
            let text = std::fs::read(file.unwrap().path()).unwrap();
            add_people(search, &serde_json::from_slice(&text).unwrap());
        }
    }
}

/// Whether the answer may name people: somebody asked to be shown them, or it names an invented one, the person of a
/// simulated event or the subscriber through whom tags and fields are made.
fn may_name(run: &Invocation) -> bool {
    let asks = ["export", "provision", "simulate"];
    let command = run.event["command"].as_str().unwrap_or_default();
    let asked = run.event["show"] == true || asks.contains(&command);
    // A card is whom it was asked for; who is refused is shown none.
    let card = short(&run.function) == "lookup" && run.answer["statusCode"] == 200;
    card || short(&run.function) == "operator" && asked
}

#[test]
fn no_log_line_and_no_metric_names_anybody() {
    let search = sought();
    assert!(search.len() > 200, "{} values", search.len());
    let runs = &record::whole().invocations;
    let mut lines = 0;
    for run in runs {
        for line in run.log.iter().flat_map(|log| log.lines()) {
            lines += 1;
            let found = search.find(line);
            assert_eq!(found, None, "{}: {line}", run.function);
        }
    }
    let metrics = runs.iter().filter_map(|run| run.log.as_ref());
    let metrics = metrics
        .filter(|log| log.contains("CloudWatchMetrics"))
        .count();
    assert!(
        lines > 500 && metrics > 20,
        "{lines} lines, {metrics} metrics"
    );
}

#[test]
fn no_answer_names_anybody_unasked() {
    let search = sought();
    let mut refusals = 0;
    for run in &record::whole().invocations {
        let text = run.answer.to_string();
        refusals += usize::from(text.contains("\"faults\"") || run.answer["statusCode"] == 401);
        if !may_name(run) {
            assert_eq!(search.find(&text), None, "{}: {text}", run.function);
        }
    }
    assert!(refusals > 20, "{refusals} refusals");
}

/// The targets whose tests run the core in memory; each writes down what it logs.
const IN_MEMORY: [&str; 3] = ["faults", "memory", "promises"];

#[test]
fn no_line_of_the_core_in_memory_names_anybody() {
    let mut search = Search::default();
    for_examples(&mut search);
    for target in IN_MEMORY {
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{target}.log"));
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let lines = text.lines().count();
        assert!(
            lines > 100,
            "{} has {lines} lines; run the test target {target} first",
            file.display()
        );
        // Most lines differ in nothing but ids and times.
        for line in text.lines() {
            assert_eq!(search.find(line), None, "{target}: {line}");
        }
    }
}
