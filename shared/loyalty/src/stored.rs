//! The parts of a member's stored form: keys that point at the news that told them.
//!
//! A key is a list of its value and the place of its stamp, or its value alone where the stamp is the first one: most keys
//! of a person come from one piece of news, and every byte of a row is paid for with each write. No value is a list itself.

use std::{cmp::Reverse, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{
        Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

use crate::{Kept, Stamp};

/// One stored key: its value (none = there is none) and the place of its stamp.
pub(crate) struct Cell<T>(Option<T>, usize);

impl<T> Cell<T> {
    /// A key as it is stored; none while unknown.
    pub(crate) fn of(kept: Kept<T>, stamps: &Stamps) -> Option<Self> {
        match kept {
            Kept::Unknown => None,
            Kept::None(stamp) => Some(Self(None, stamps.place(&stamp)?)),
            Kept::Is(value, stamp) => Some(Self(Some(value), stamps.place(&stamp)?)),
        }
    }

    /// A key whose stamp is missing is unknown: without its age it could only do harm.
    pub(crate) fn kept(cell: Option<Self>, stamps: &[Stamp]) -> Kept<T> {
        let Some(Self(value, place)) = cell else {
            return Kept::Unknown;
        };
        match (value, stamps.get(place)) {
            (_, None) => Kept::Unknown,
            (None, Some(stamp)) => Kept::None(stamp.clone()),
            (Some(value), Some(stamp)) => Kept::Is(value, stamp.clone()),
        }
    }

    /// Reads a key that is there: of one that there is none of, null is stored.
    ///
    /// # Errors
    /// The value is another one than the key has.
    pub(crate) fn known<'de, D>(deserializer: D) -> Result<Option<Self>, D::Error>
    where
        D: Deserializer<'de>,
        T: Deserialize<'de>,
    {
        deserializer.deserialize_any(Either(PhantomData)).map(Some)
    }
}

impl<T: Serialize> Serialize for Cell<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self(value, 0) => value.serialize(serializer),
            Self(value, place) => (value, place).serialize(serializer),
        }
    }
}

/// Reads a value alone, or in a list with the place of its stamp.
struct Either<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Either<T> {
    fn alone<E: Error>(value: impl IntoDeserializer<'de, E>) -> Result<Cell<T>, E> {
        let value = T::deserialize(value.into_deserializer())?;
        Ok(Cell(Some(value), 0))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
    type Value = Cell<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, or a list of a value and the place of its stamp")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Cell(None, 0))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Self::alone(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Self::alone(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Self::alone(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Self::alone(value)
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Self::Value, E> {
        Self::alone(value)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let value = T::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Cell(Some(value), 0))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        let (value, place) = Deserialize::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(Cell(value, place))
    }
}

/// The stamps of one picture, each once; first the one that most of its keys share.
pub(crate) struct Stamps(Vec<Stamp>);

impl Stamps {
    /// Gathers them from what is known.
    pub(crate) fn of<'a>(told: impl Iterator<Item = &'a Stamp>) -> Self {
        let mut counted: Vec<(&Stamp, usize)> = Vec::new();
        for stamp in told {
            match counted.iter_mut().find(|(known, _)| *known == stamp) {
                Some((_, times)) => *times += 1,
                None => counted.push((stamp, 1)),
            }
        }
        counted.sort_by_key(|(_, times)| Reverse(*times));
        Self(counted.into_iter().map(|(one, _)| one.clone()).collect())
    }

    /// Where this one stands.
    pub(crate) fn place(&self, stamp: &Stamp) -> Option<usize> {
        self.0.iter().position(|known| known == stamp)
    }
}

impl From<Stamps> for Vec<Stamp> {
    fn from(stamps: Stamps) -> Self {
        stamps.0
    }
}
