//! Compares what a source's interface tells of a member with what is held here, so that only what differs is recorded.

use loyalty::{Drift, Event, HashKey, MemberKey, StoreId, Who};
use platform::{
    ErasedRow, Found, MemberState, Standing, Table, TableError, find_member, from_item,
};

use crate::identity;

/// How a member's picture stands to what the source says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// The person was erased. Nothing of this is to be kept.
    Erased,
    /// It agrees.
    Same,
    /// It differs.
    Differs {
        /// How.
        drift: Drift,
        /// Whether recording would change anything. It does not where all that differs is known from newer news.
        news: bool,
        /// Whether the picture would agree then, as far as somebody has said something else.
        heals: bool,
    },
}

/// Compares an event of somebody with their picture, and writes nothing. Gives their name in logs and books too, a keyed
/// hash. A person of whom nothing is held lacks everything.
///
/// # Errors
/// When the table does not answer.
pub async fn compare(
    table: &dyn Table,
    (store, hash_key): (&StoreId, &HashKey),
    event: &Event,
) -> Result<(String, Compared), TableError> {
    let named = match &event.who {
        Who::Email(email, _) => MemberKey::of_email(email),
        Who::External(alias) => {
            let led = identity::leads_to(table, store, alias).await?;
            led.unwrap_or_else(|| event.who.key())
        }
    };
    let found = find_member(table, store, &named).await?;
    let name = hash_key.member(store, &found.key);
    let Some(held) = found.state.as_ref().and_then(MemberState::held) else {
        let compared = stranger(table, (store, hash_key), &found, event).await?;
        return Ok((name, compared));
    };
    let mut after = held.member.clone();
    let change = after.hear(event);
    if readdresses(&found, event) {
        return Ok((name, DIFFERS));
    }
    let drift = held.member.drift(event);
    let compared = if drift == Drift::None {
        Compared::Same
    } else {
        Compared::Differs {
            drift,
            news: !change.is_empty() || after.aliases != held.member.aliases,
            heals: after.drift(event) < Drift::Differs,
        }
    };
    Ok((name, compared))
}

const DIFFERS: Compared = Compared::Differs {
    drift: Drift::Differs,
    news: true,
    heals: true,
};

/// Nobody is held under the name that an event gives: they were erased, have another address now, or are new.
async fn stranger(
    table: &dyn Table,
    (store, hash_key): (&StoreId, &HashKey),
    found: &Found,
    event: &Event,
) -> Result<Compared, TableError> {
    let standing = found.state.as_ref().map(|state| &state.standing);
    if matches!(standing, Some(Standing::Erased { .. })) {
        return Ok(Compared::Erased);
    }
    let alias = event.who.alias();
    let id = alias.map(|alias| MemberKey::of_external(&alias.source, alias.id.expose()));
    for name in id.iter().chain([&found.key]) {
        let row = ErasedRow::key(store, &hash_key.member(store, name));
        let row = table.get(&row, true).await?;
        let row: Option<ErasedRow> = row.map(from_item).transpose()?;
        if row.is_some_and(|row| row.blocks == Some(true)) {
            return Ok(Compared::Erased);
        }
    }
    if let Some(alias) = alias
        && identity::leads_to(table, store, alias).await?.is_some()
    {
        return Ok(DIFFERS);
    }
    Ok(Compared::Differs {
        drift: Drift::Lacks,
        news: true,
        heals: true,
    })
}

/// Whether an event gives the person an address back that they gave up before: by an id, and newer than what made them
/// give it up.
fn readdresses(found: &Found, event: &Event) -> bool {
    let newer = |since: &Option<loyalty::Stamp>| since.as_ref().is_none_or(|at| event.stamp > *at);
    let named = matches!(event.who, Who::Email(_, Some(_)));
    let given_up = found.passed.first();
    named && given_up.is_some_and(|passed| newer(&passed.since))
}
