//! Deliveries that were only kept, on their way back to the inbox.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use loyalty::StoreId;
use platform::{
    Condition, Inbox, Page, RowKey, Table, TableError, Transacted, Update, Write, Written,
    from_item, text, whole,
};
use vendors::{Envelope, Lane, Reason};

use crate::rows::{self, OrphanRow};

/// One delivery that was kept.
pub struct Kept {
    /// The source's name for it.
    pub topic: Option<String>,
    /// Why it was only kept.
    pub reason: Reason,
    /// The delivery as it came in: same arrival, same nonce. None when a part of its body is missing.
    pub envelope: Option<Envelope>,
    /// Its place, after which the next page begins.
    pub place: String,
    rows: Vec<RowKey>,
}

/// What became of a kept delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// It is on the inbox, and its rows are gone.
    Yes,
    /// It is on the inbox, and a recorder has kept it once more meanwhile.
    KeptAgain,
    /// It was gone already.
    Gone,
    /// A part of its body is missing; its rows stay.
    Incomplete,
    /// The queue did not take it; its rows stay.
    NotTaken,
}

/// What is kept of one store.
pub struct Shelf {
    /// The table.
    pub table: Arc<dyn Table>,
    /// The store.
    pub store: StoreId,
}

struct Row {
    sk: String,
    own: OrphanRow,
}

/// The parts of one delivery, by number.
type Parts = BTreeMap<u32, Row>;

/// Deliveries that are searched at once.
const AT_ONCE: usize = 100;

impl Shelf {
    /// A page of what was kept for a later release, oldest first: at most `limit` deliveries, and the place after which the
    /// next page begins, if there is one. Notices to a person are no deliveries to be read again.
    ///
    /// # Errors
    /// When the table does not answer, or a row cannot be read.
    pub async fn page(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Kept>, Option<String>), TableError> {
        let pk = rows::orphan_key(&self.store, 0, "", 0).pk;
        let mut groups: Vec<(String, Parts)> = Vec::new();
        let mut last = after.map(|after| format!("{PREFIX}{after}"));
        loop {
            let Page { items, next } = self
                .table
                .page(&pk, PREFIX, last.as_deref(), limit + 1)
                .await?;
            for item in items {
                let sk = rows::place(&item).to_owned();
                let own = from_item(item)?;
                let row = Row { sk, own };
                let name = group(&row.sk).to_owned();
                last = Some(row.sk.clone());
                if row.own.notice.is_some() {
                    continue;
                }
                if groups.last().is_none_or(|(known, _)| *known != name) {
                    // All parts of a delivery follow each other: with the first of the next one, the page is whole.
                    if groups.len() == limit {
                        let next = groups.last().and_then(|(_, parts)| end(parts));
                        return Ok((
                            groups
                                .into_iter()
                                .filter_map(|own| self.kept(own))
                                .collect(),
                            next,
                        ));
                    }
                    groups.push((name, Parts::new()));
                }
                if let Some((_, parts)) = groups.last_mut() {
                    parts.insert(row.own.part, row);
                }
            }
            if next.is_none() {
                let kept = groups.into_iter().filter_map(|own| self.kept(own));
                return Ok((kept.collect(), None));
            }
        }
    }

    fn kept(&self, (name, parts): (String, Parts)) -> Option<Kept> {
        let place = end(&parts)?;
        let keys = parts.values().map(|row| self.key(&row.sk)).collect();
        let body: Vec<u8> = parts
            .values()
            .flat_map(|row| row.own.body.clone())
            .collect();
        let (_, first) = parts.into_iter().next()?;
        let nonce = name.rsplit('#').next().unwrap_or_default().to_owned();
        let envelope = Envelope {
            v: 1,
            store: self.store.clone(),
            source: first.own.source,
            arrived: first.own.arrived,
            nonce,
            delivery: first.own.delivery,
            lane: Lane::Live,
            simulated: false,
            body: STANDARD.encode(body),
        };
        Some(Kept {
            topic: first.own.topic,
            reason: first.own.reason.unwrap_or(Reason::UnknownTopic),
            envelope: Some(envelope).filter(|envelope| envelope.open().is_ok()),
            place,
            rows: keys,
        })
    }

    fn key(&self, sk: &str) -> RowKey {
        RowKey::new(rows::orphan_key(&self.store, 0, "", 0).pk, sk)
    }

    /// Puts a kept delivery back on the inbox. Its rows are marked before and go afterwards, unless a recorder that still
    /// cannot read it has kept it once more meanwhile: writing the rows anew takes the mark away. Cut off anywhere, the
    /// rows stand still; the delivery then goes to the inbox twice at most, where the second is a repeat.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn give_back(&self, kept: &Kept, inbox: &Inbox) -> Result<Returned, TableError> {
        let Some(envelope) = &kept.envelope else {
            return Ok(Returned::Incomplete);
        };
        let mark = text(platform::nonce());
        for key in &kept.rows {
            let update = Update {
                set: vec![("returned", mark.clone())],
                condition: Some(Condition::Is("arrived", whole(envelope.arrived))),
                ..Update::default()
            };
            if let Written::Refused(_) = self.table.update(key, update).await? {
                return Ok(Returned::Gone);
            }
        }
        if !inbox.put(envelope).await {
            return Ok(Returned::NotTaken);
        }
        let marked = || Some(Condition::Is("returned", mark.clone()));
        let gone = kept.rows.iter().cloned();
        let writes = gone.map(|key| Write::Delete(key, marked())).collect();
        Ok(match self.table.transact(writes).await? {
            Transacted::Done => Returned::Yes,
            Transacted::Refused(_) => Returned::KeptAgain,
        })
    }
}

impl Shelf {
    /// Removes every kept delivery whose body names one of these addresses, from a place on and until there is no more time;
    /// gives how many rows went, and the place after which the next search goes on, if there is one. What is incomplete
    /// cannot be looked into, and stays until it is swept.
    ///
    /// # Errors
    /// When the table does not answer.
    pub(crate) async fn forget(
        &self,
        addresses: &[&str],
        mut after: Option<String>,
        is_over: impl Fn() -> bool,
    ) -> Result<(i64, Option<String>), TableError> {
        let mut removed = 0;
        loop {
            let (page, next) = self.page(after.as_deref(), AT_ONCE).await?;
            for kept in page.iter().filter(|kept| names(kept, addresses)) {
                for row in &kept.rows {
                    self.table.delete(row, None).await?;
                    removed += 1;
                }
            }
            if next.is_none() || is_over() {
                return Ok((removed, next));
            }
            after = next;
        }
    }
}

/// Whether a body names one of these addresses, in whatever case.
fn names(kept: &Kept, addresses: &[&str]) -> bool {
    let body = kept
        .envelope
        .as_ref()
        .and_then(|envelope| envelope.open().ok());
    let body = body.unwrap_or_default().to_ascii_lowercase();
    addresses.iter().any(|address| {
        body.windows(address.len())
            .any(|part| part == address.as_bytes())
    })
}

const PREFIX: &str = "ORPHAN#";

/// `<arrived>#<nonce>` of a row's place.
fn group(sk: &str) -> &str {
    let name = sk.strip_prefix(PREFIX).unwrap_or(sk);
    name.rsplit_once('#').map_or(name, |(name, _)| name)
}

/// The greatest place of all parts.
fn end(parts: &Parts) -> Option<String> {
    let places = parts
        .values()
        .map(|row| row.sk.strip_prefix(PREFIX).unwrap_or(&row.sk));
    places.max().map(ToOwned::to_owned)
}
