//! A vendor over real sockets that does to one person's requests what it is told, and keeps books.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use bridge_tests::{
    rough::{Does, Server, answer},
    standins::Request,
};

use crate::subject::{Asked, Subject};

/// What happens to one request.
#[derive(Clone)]
pub(crate) struct Order {
    books: bool,
    does: Does,
}

impl Order {
    pub(crate) fn books(does: Does) -> Self {
        Self { books: true, does }
    }

    pub(crate) fn refuses(does: Does) -> Self {
        Self { books: false, does }
    }

    /// Whether only the client's patience ends it.
    pub(crate) fn is_endless(&self) -> bool {
        matches!(self.does, Does::Hangs | Does::Drips(_))
    }
}

/// One request, as the books have it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) email: String,
    pub(crate) what: What,
}

/// What it asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// A write that starts nothing, and whether it was booked.
    Quiet {
        booked: bool,
    },
    /// A write that starts something, and whether it did.
    Loud {
        marker: String,
        booked: bool,
    },
    Look,
}

type Hook = Box<dyn Fn() + Send>;

#[derive(Default)]
struct Books {
    orders: VecDeque<Order>,
    seen: Vec<Seen>,
    /// The markers of what was booked for each person, in order.
    booked: HashMap<String, Vec<String>>,
    /// The mark of a credential that is refused.
    refused: Option<&'static str>,
    /// Called when the person's event is booked.
    on_booking: Option<Hook>,
}

/// The vendor, as long as it is not dropped.
pub(crate) struct Vendor {
    books: Arc<Mutex<Books>>,
    server: Server,
}

impl Vendor {
    pub(crate) async fn start(subject: &Subject) -> Self {
        let books = Arc::new(Mutex::new(Books::default()));
        let own = books.clone();
        let person = subject.person.email;
        let (asked, looked, error) = (subject.asked, subject.looked, subject.errors.any);
        let well = Does::Answers(answer(200, &[], subject.well()));
        let server = Server::start(move |request| {
            let mut books = own.lock().unwrap();
            let plain = |status, body: &serde_json::Value| {
                Does::Answers(answer(status, &[], body.to_string()))
            };
            let asked = asked(request);
            let email = match &asked {
                Asked::Write { email, .. } | Asked::Look { email } => email.clone(),
            };
            let refused = books.refuses(request);
            let order = (email == person && !refused)
                .then(|| books.orders.pop_front())
                .flatten();
            let books_it = !refused && order.as_ref().is_none_or(|order| order.books);
            let (what, usual) = match asked {
                Asked::Look { .. } => {
                    let own = books.booked.get(&email).map_or(&[][..], Vec::as_slice);
                    let (status, body) = looked(&email, own);
                    (What::Look, plain(status, &body))
                }
                Asked::Write { starts, .. } => {
                    if books_it && email == person {
                        books.hook();
                    }
                    (books.write(&email, starts, books_it), well.clone())
                }
            };
            books.seen.push(Seen { email, what });
            if refused {
                return plain(401, &error());
            }
            order.map_or(usual, |order| order.does)
        });
        Self {
            server: server.await.unwrap(),
            books,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.server.url
    }

    /// What happens to the person's next requests.
    pub(crate) fn will(&self, orders: impl IntoIterator<Item = Order>) {
        self.books().orders.extend(orders);
    }

    /// Refuses every request with this mark in a header.
    pub(crate) fn refuse(&self, mark: &'static str) {
        self.books().refused = Some(mark);
    }

    pub(crate) fn on_booking(&self, hook: impl Fn() + Send + 'static) {
        self.books().on_booking = Some(Box::new(hook));
    }

    /// What was asked so far does not count.
    pub(crate) fn forget(&self) {
        self.books().seen.clear();
    }

    /// Every request of one person, in order.
    pub(crate) fn seen(&self, email: &str) -> Vec<What> {
        let books = self.books();
        let own = books.seen.iter().filter(|seen| seen.email == email);
        own.map(|seen| seen.what.clone()).collect()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }
}

impl Books {
    fn hook(&mut self) {
        if let Some(hook) = self.on_booking.take() {
            hook();
        }
    }

    fn write(&mut self, email: &str, starts: Option<String>, booked: bool) -> What {
        let Some(marker) = starts else {
            return What::Quiet { booked };
        };
        if booked {
            let own = self.booked.entry(email.to_owned()).or_default();
            own.push(marker.clone());
        }
        What::Loud { marker, booked }
    }

    fn refuses(&self, request: &Request) -> bool {
        let carries = |mark: &&str| {
            let mut values = request.headers.iter().map(|(_, value)| value);
            values.any(|value| value.ends_with(*mark))
        };
        self.refused.as_ref().is_some_and(carries)
    }
}
