//! Every fault there is.

use bridge_tests::rough::{Does, answer};
use serde_json::{Value, json};

use crate::{subject::Subject, vendor::Order};

/// What the vendor's clock shows.
const NOON: &str = "Fri, 20 Mar 2026 12:00:00 GMT";

/// One fault.
pub(crate) enum Fault {
    /// The vendor does this with what is asked of the person, one after the other; afterwards it is well.
    Vendor(Vec<Order>),
    /// It answers with this status and an address elsewhere.
    Redirects(u16),
    /// It is not where it should be.
    Way(Way),
    /// It is ours.
    Ours(Ours),
}

impl Fault {
    /// Whether it meets everybody in the batch, not one person alone.
    pub(crate) fn is_everybodys(&self) -> bool {
        match self {
            Self::Vendor(_) | Self::Redirects(_) => false,
            Self::Way(_) => true,
            Self::Ours(ours) => !matches!(ours, Ours::Rotated | Ours::SecretsDown),
        }
    }
}

/// Why there is no connection.
pub(crate) enum Way {
    Refused,
    UnknownName,
    NoTls,
}

/// What goes wrong on our own side.
pub(crate) enum Ours {
    /// The table fails from the moment on at which the vendor has booked the event.
    LedgerAfterBooking,
    /// The invocation has a second left.
    Deadline,
    /// The vendor knows the new credential alone, and we remember the old one.
    Rotated,
    /// Secrets cannot be read, and were read before.
    SecretsDown,
    /// Secrets cannot be read, and never were.
    SecretsNeverRead,
    /// The table refuses everything.
    Throttled,
}

/// Books nothing and answers so.
fn says(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Fault {
    Fault::Vendor(vec![Order::refuses(Does::Answers(answer(
        status, headers, body,
    )))])
}

fn json(status: u16, body: &Value) -> Fault {
    let headers = [("content-type", "application/json")];
    says(status, &headers, body.to_string())
}

fn books(does: Does) -> Fault {
    Fault::Vendor(vec![Order::books(does)])
}

fn breaks(does: Does) -> Fault {
    Fault::Vendor(vec![Order::refuses(does)])
}

type Named = (&'static str, Fault);

/// Every fault with its name.
pub(crate) fn all(subject: &Subject) -> Vec<Named> {
    let groups = [
        answers(subject),
        refusals(subject),
        limits(subject),
        failures(subject),
        connections(subject),
        ours(),
    ];
    groups.into_iter().flatten().collect()
}

/// The beginning of a good answer that lacks its last bytes.
fn beginning(subject: &Subject) -> Vec<u8> {
    let mut bytes = answer(200, &[], subject.well());
    bytes.truncate(bytes.len() - 5);
    bytes
}

fn answers(subject: &Subject) -> Vec<Named> {
    let booked = subject.well();
    // What the vendor says to what it has booked is believed.
    let empty_body = answer(200, &[], "");
    let empty_body = if booked.is_empty() {
        Order::books(Does::Answers(empty_body))
    } else {
        Order::refuses(Does::Answers(empty_body))
    };
    let html = [("content-type", "text/html")];
    let empty = b"HTTP/1.1 204 x\r\nconnection: close\r\n\r\n".to_vec();
    let large = json!({"message": "x".repeat(300 * 1024)}).to_string();
    let books_with = |bytes| books(Does::Answers(bytes));
    vec![
        ("200", books_with(answer(200, &[], &booked))),
        (
            "200 with an error in it",
            json(200, &(subject.errors.any)()),
        ),
        ("200 with an empty body", Fault::Vendor(vec![empty_body])),
        (
            "200 with HTML",
            says(200, &html, "<html><body>Welcome</body></html>"),
        ),
        (
            "200 with bytes that are no text",
            says(200, &[], b"{\"message\": \"\xff\xfe\"}"),
        ),
        (
            "200 with a body over the limit, booked",
            books_with(answer(200, &[], large)),
        ),
        ("201", books_with(answer(201, &[], &booked))),
        ("204, booked", books_with(empty)),
        ("301 to another host", Fault::Redirects(301)),
        ("302 to another host", Fault::Redirects(302)),
        ("307 to another host", Fault::Redirects(307)),
    ]
}

fn refusals(subject: &Subject) -> Vec<Named> {
    let errors = &subject.errors;
    let plain = |status| json(status, &(errors.any)());
    let html = [("content-type", "text/html")];
    let unknown = answer(404, &[], (errors.no_such_person)().to_string());
    vec![
        ("400", plain(400)),
        (
            "400 that names a field",
            json(400, &(errors.names_a_field)()),
        ),
        (
            "400 that names the address",
            json(400, &(errors.names_the_address)()),
        ),
        ("401", plain(401)),
        ("403", plain(403)),
        (
            "404 of the address",
            says(404, &html, "<html>Not Found</html>"),
        ),
        (
            "404 of the person, at the look after a reset",
            Fault::Vendor(vec![
                Order::refuses(Does::Resets(Vec::new())),
                Order::refuses(Does::Answers(unknown)),
            ]),
        ),
        ("408", plain(408)),
        ("409", plain(409)),
        ("413", plain(413)),
        ("422", plain(422)),
    ]
}

fn limits(subject: &Subject) -> Vec<Named> {
    let waits = |headers: &[(&str, &str)]| says(429, headers, "Too Many Attempts.");
    let hint = |hint| waits(&[("retry-after", hint), ("date", NOON)]);
    let [local, date] = subject.errors.local_time;
    vec![
        ("429 without a hint", waits(&[])),
        ("429, 5 seconds", hint("5")),
        (
            "429, an HTTP date 5 minutes on",
            hint("Fri, 20 Mar 2026 12:05:00 GMT"),
        ),
        (
            "429, the vendor's local time 5 minutes on",
            waits(&[("retry-after", local), ("date", date)]),
        ),
        ("429, a day", hint("86400")),
        ("429, nonsense", hint("in a while")),
    ]
}

fn failures(subject: &Subject) -> Vec<Named> {
    let error = (subject.errors.any)();
    let booked = Does::Answers(answer(500, &[], error.to_string()));
    let hint = [("retry-after", "200"), ("date", NOON)];
    vec![
        ("500", json(500, &error)),
        ("500, booked", books(booked)),
        ("501", json(501, &error)),
        ("502 with HTML", says(502, &[], "<html>Bad Gateway</html>")),
        ("503, 200 seconds", says(503, &hint, "")),
        ("504", says(504, &[], "")),
    ]
}

fn connections(subject: &Subject) -> Vec<Named> {
    let reset = || Does::Resets(Vec::new());
    let begun = || beginning(subject);
    let endless = b"HTTP/1.1 200 x\r\n\r\n{".to_vec();
    let other = b"SSH-2.0-example\r\n\r\n".to_vec();
    vec![
        ("no connection", Fault::Way(Way::Refused)),
        ("a name that nobody knows", Fault::Way(Way::UnknownName)),
        ("no TLS where TLS should be", Fault::Way(Way::NoTls)),
        ("a reset before the status", breaks(reset())),
        ("a reset before the status, booked", books(reset())),
        (
            "a reset within the body, booked",
            books(Does::Resets(begun())),
        ),
        ("an end within the body", breaks(Does::Answers(begun()))),
        ("no HTTP", breaks(Does::Answers(other))),
        ("silence", breaks(Does::Hangs)),
        ("silence, booked", books(Does::Hangs)),
        (
            "byte after byte without end, booked",
            books(Does::Drips(endless)),
        ),
    ]
}

fn ours() -> Vec<Named> {
    vec![
        (
            "the table fails after the vendor's 200",
            Fault::Ours(Ours::LedgerAfterBooking),
        ),
        ("a second is left", Fault::Ours(Ours::Deadline)),
        (
            "the credential is rotated within the batch",
            Fault::Ours(Ours::Rotated),
        ),
        (
            "Secrets Manager is down, the secret is known",
            Fault::Ours(Ours::SecretsDown),
        ),
        (
            "Secrets Manager is down, the secret is not",
            Fault::Ours(Ours::SecretsNeverRead),
        ),
        ("the table is throttled", Fault::Ours(Ours::Throttled)),
    ]
}
